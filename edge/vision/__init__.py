"""The judgement: frames, aircraft heard and pointing in; tracks and the permission out.

sight.py     one frame: network -> trails -> directions, and whether the camera can see at all
canary.py    a made-up trail, to prove that the detector would find one
eye.py       one turn after the other: newest frame, and the stack of the last ones
station.py   everything one station knows, and the situation it puts before the guard
reports.py   what each sense is worth to the guard now
outward.py   what is published, how often, on which topic
skygrid.py   where the camera sees and whether its plate holds, as a message
inward.py    what the network may say: pointing, hold, heartbeat, a twin
evidence.py  which minutes the recorder is asked to keep
journal.py   the same as files, for replays and the demo
pictures.py  their pictures, and the brightest of all frames
local.py     what somebody at the box says, and what stays latched over a restart
process.py   threads, clocks and the loop of the live process
"""
