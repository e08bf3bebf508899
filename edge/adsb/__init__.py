"""The ear: 1090 MHz samples -> Mode S messages -> one state per aircraft.

crc.py        parity of many frames at once
cpr.py        compact position reporting: encode, decode by pair or near a reference
frames.py     a Mode S frame, and which addresses may be believed
preamble.py   magnitudes -> where messages may begin
slicer.py     IQ there -> bits, and how sure each is
repair.py     flips of unsure bits towards known addresses
demod.py      IQ -> frames, NumPy on whole blocks
resample.py   2.0 -> 2.4 MS/s
decode.py     a frame -> what it says, SI units (pyModeS)
quality.py    NACp and type code -> metres of doubt
table.py      one state per aircraft, jumps held back, height above the ellipsoid
health.py     does the ear hear? OK, BLIND, STALE, DEAD and why
ear.py        frames in, records out, at their rates
iq.py         protocol and errors of a source, time by counting samples, cu8 recordings
rtl.py        the dongle (pyrtlsdr)
beast.py      Beast binary parser
feeds.py      IQ source or Beast stream -> believed, timed frames
process.py    the radio process
recording.py  recordings decoded at full speed
cli.py        `skyspotter radio decode`
encode.py     messages of simulated aircraft (the inverse of decode)
sim_iq.py     what a dongle hears of a simulated night
sim.py        a simulated librtlsdr under the real pyrtlsdr
"""
