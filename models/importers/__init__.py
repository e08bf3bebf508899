"""Pictures that others labelled become patches to train on. What cannot be used is named, counted and left out.

records.py  one labelled picture, one fault, what an import found
via.py      VGG Image Annotator, CSV and JSON
labelme.py  AnyLabeling and LabelMe JSON
masks.py    mask pictures with a colour table
draw.py     drawn regions to class numbers
nights.py   rendered nights, for the published networks
patches.py  pictures in a published view, cut, split by night or source photograph, and their card
"""
