"""Where the ear's samples and frames come from.

iq.py        protocol and errors of a source, time by counting samples
rtl.py       the dongle (pyrtlsdr)
rtltcp.py    a dongle at another computer (rtl_tcp)
recorded.py  recorded samples, at their own pace
cu8.py       what a recording holds, and its samples
rate.py      which sample rate a recording has
arrivals.py  from the thread that reads to the one that demodulates: count, stamp, watch
gaps.py      samples that vanish before they reach us
gain.py      the tuner's gain, led by what is heard
ladder.py    what to do next about a source that fails
tcp.py       a connection that notices when the other end has gone
beast.py     Beast binary parser
ticks.py     another receiver's time, as far as it can be believed
feeds.py     what a feed is; samples -> believed, timed frames
beastfeed.py a Beast stream or recording -> the same
"""
