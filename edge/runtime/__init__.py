"""What keeps three processes alive and joined.

place.py       the private directory where the processes of one box meet
clock.py       sky time and monotonic time, never mixed
timesync.py    how good the clock is, and whether somebody set it
ring.py        frames from the camera's process to the judgement's
slot.py        what the ring is made of: mapped files, tickets, bells
datagram.py    aircraft states and health, radio and camera -> judgement
notify.py      ready, alive, status: sd_notify
lock.py        one instance of each process on a box
stage.py       the frame around the body of a process: signals, log, exit code
supervisor.py  starts the three, restarts them, stops them in order
usb.py         a USB device that hangs: found, reset, its port switched off and on
"""
