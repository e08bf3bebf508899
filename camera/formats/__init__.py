"""Formats of stored frames, for `camera.files`.

fits       FITS images, compressed or not, mosaics and colour
picture    PNG, JPEG and TIFF, with what EXIF says
rules      what every stored frame must satisfy, and how its numbers become a camera's
"""
