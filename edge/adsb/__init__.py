"""The ear: 1090 MHz samples -> Mode S messages -> one state per aircraft.

crc.py       parity of many frames at once, one-bit repair table
cpr.py       compact position reporting: encode, decode by pair or near a reference
encode.py    messages of simulated aircraft (the inverse of decode)
sim_iq.py    what a dongle hears of a simulated night
"""
