"""The judgement: frames, aircraft heard and pointing in; tracks and the permission out.

sight.py     one frame: network -> trails -> directions, and whether the camera can see at all
station.py   everything one station knows, and the situation it puts before the guard
outward.py   what is published, how often, on which topic
journal.py   the same as files, for replays and the demo
process.py   threads, clocks and the loop of the live process
"""
