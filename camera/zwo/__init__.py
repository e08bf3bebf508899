"""What the driver of a ZWO ASI camera stands on.

library    the vendor's library through the package zwoasi: found, checked, watched, its errors turned into ours
bus        which cameras are connected, whether they may be opened, and which one is ours
abilities  what a camera can do by its own report, and what of a station's settings it cannot
controls   set and looked at again
cooler     how fast a sensor may be cooled and warmed
"""
