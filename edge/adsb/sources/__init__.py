"""Where the ear's samples and frames come from.

iq.py      protocol and errors of a source, time by counting samples, cu8 recordings
rtl.py     the dongle (pyrtlsdr)
beast.py   Beast binary parser
feeds.py   IQ source or Beast stream -> believed, timed frames
"""
