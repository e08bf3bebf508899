"""Recorded nights through the very same pipeline.

plan.py      what is to be read: frames and recordings, their names, what an earlier run already did
radio.py     recordings of the radio, merged by time, counted by aircraft
driver.py    the judgement's loop in a replay: back-pressure, sky time from the recording, aircraft merged by time
command.py   `skyspotter replay`: processes, progress, summary
"""
