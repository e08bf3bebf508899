"""The eye: the camera's process.

process.py    camera to ring, and once a second how the camera is
ladder.py     what is tried next when the camera fails: a pure state machine
memory.py     the ladder on file: a fresh process goes on climbing
recorded.py   recorded frames in the place of a camera; and a station that has none
simulated.py  a simulated camera where the vendor's library would be
"""
