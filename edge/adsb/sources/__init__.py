"""Where the ear's samples and frames come from.

iq.py        protocol and errors of a source, time by counting samples, cu8 recordings
rate.py      which sample rate a recording has
rtl.py       the dongle (pyrtlsdr)
rtltcp.py    a dongle at another computer (rtl_tcp)
arrivals.py  from the thread that reads to the one that demodulates: count, stamp, watch
gaps.py      samples that vanish before they reach us
gain.py      the tuner's gain, led by what is heard
ladder.py    what to do next about a source that fails
beast.py     Beast binary parser
feeds.py     IQ source or Beast stream -> believed, timed frames
"""
