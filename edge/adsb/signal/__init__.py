"""8-bit IQ -> Mode S frames, NumPy on whole blocks.

resample.py   2.0 -> 2.4 MS/s
preamble.py   magnitudes -> where messages may begin
slicer.py     IQ there -> bits, and how sure each is
crc.py        parity of many frames at once
repair.py     flips of unsure bits towards known addresses
demod.py      all of it: blocks of IQ in, believed frames out
"""
