"""What is kept on disk.

recorder   the thread between camera and disk
fitsfile   one frame as one FITS file, compressed, with checksums
header     its keywords, the plate among them
shelf      one class of files: a quota, the oldest go first
disk       all shelves, and the space that stays free
evidence   frames around an event, asked for from anywhere on the box
album      previews, the keogram as it grows, the night's pictures after dawn
keogram    one line of the sky per frame
movie      a time-lapse that browsers play
startrail  the brightest of a night
nightbook  keogram, time-lapse and star trails of any folder of frames
night      which night, and whether it is one
"""
