"""What was heard, kept on disk by UTC day and within a quota.

shelf.py     day folders, how much they may hold, what goes first
parquet.py   aircraft states as Parquet files (pyarrow)
states.py    the recorder of states
rows.py      rows between two instants, from whatever files hold them
messages.py  the recorder of raw messages, as Beast files
tracks.py    where every aircraft was during an exposure
"""
