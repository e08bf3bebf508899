"""The ear: 1090 MHz samples -> Mode S messages -> one state per aircraft.

sources/      where samples and frames come from: dongle, recordings, another receiver
signal/       samples -> frames: the demodulator
aircraft/     what may be believed of one aircraft
share/        what other programs may have: Beast, SBS, aircraft.json
archive/      what is kept on disk: states as Parquet, messages as Beast; tracks over an exposure
sim/          messages and samples of simulated aircraft, and a simulated dongle
frames.py     a Mode S frame, and which addresses may be believed
cpr.py        compact position reporting: encode, decode by pair or near a reference
decode.py     a frame -> what it says, SI units (pyModeS)
quality.py    NIC, NACp, NACv, SIL of every ADS-B version -> metres of doubt
motion.py     where an aircraft is at an instant, and how sure that is
table.py      one state per aircraft, with its doubts
baseline.py   how many messages are usual at this hour: warns, never judges
noisewatch.py the noise at the antenna against its quietest: warns of jammers
health.py     does the ear hear? OK, BLIND, STALE, DEAD and why
ear.py        frames in, records out, at their rates
outlets.py    everywhere findings go besides the judgement
worker.py     a thread for what may be slow, its drops counted
process.py    the radio process
recording.py  recordings decoded at full speed
cli.py        `skyspotter radio decode | tracks`
"""
