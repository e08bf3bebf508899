"""What was heard, kept on disk by UTC day and within a quota.

shelf.py     day folders, how much they may hold, what goes first
parquet.py   aircraft states as Parquet files (pyarrow)
states.py    the recorder of states
messages.py  the recorder of raw messages, as Beast files
tracks.py    where every aircraft was during an exposure
"""
