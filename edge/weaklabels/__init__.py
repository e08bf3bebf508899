"""A station's own nights as labels to train on: `skyspotter labels`.

Weak ones: ADS-B says where light of an aircraft may be, never that there is any, and says nothing of those that do not
transmit. `models.own` looks for the light and teaches no more than what it finds.

heard.py    who was heard around an exposure, from the archive
project.py  where they were while the shutter was open, and how sure that is
outline.py  a path and its uncertainty as a polygon on the picture
sort.py     which frames and which aircraft are fit to be labels, and why the others are not
labelme.py  the label file beside a frame
card.py     what was labelled, and what was left out and why
command.py  a night of frames into a folder of labels, whole or not at all
"""
