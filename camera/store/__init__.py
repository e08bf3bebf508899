"""What is kept on disk.

recorder.py  frames as FITS, within a quota
"""
