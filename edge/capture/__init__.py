"""The eye: the camera's process.

process.py    camera to ring, and once a second how the camera is
reader.py     the thread that owns the camera
life.py       what is known of the camera, and the health that follows
ladder.py     what is tried next when the camera fails: a pure state machine
climbing.py   the ladder with a clock, a memory and hands
memory.py     the ladder on file: a fresh process goes on climbing
shaker.py     USB reset and port power
recording.py  the recorder, as the configuration wants it
recorded.py   recorded frames in the place of a camera; and a station that has none
simulated.py  a simulated camera where the vendor's library would be
"""
