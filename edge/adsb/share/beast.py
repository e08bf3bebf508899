"""A Mode S frame as Beast binary, the inverse of `edge.adsb.sources.beast`: what readsb, tar1090 and feeders read.

The stamp counts 12 MHz ticks of the sample counter to the preamble's first edge. dump1090 counts to the 56th bit,
always 64 us later; comparing receivers cancels whatever is constant. It starts again at zero when the source is opened
anew.
"""

from __future__ import annotations

from edge.adsb.frames import ModeSFrame

TICKS_PER_SAMPLE = 5  # 12 MHz against the 2.4 MHz of ModeSFrame
HEARTBEAT = b"\x1a1" + bytes(9)  # an empty Mode A/C message, as readsb sends it while the sky is silent
_TYPE = {7: b"\x1a2", 14: b"\x1a3"}


def beast_message(frame: ModeSFrame, ticks: int | None = None) -> bytes:
    """0x1A, type, six bytes of ticks, one of level (255 = full scale, at least 1), the frame; 0x1A inside doubled."""
    if ticks is None:
        ticks = round(frame.sample * TICKS_PER_SAMPLE)
    level = max(1, min(255, round(255 * 10 ** (frame.rssi_dbfs / 20))))
    body = (ticks & 0xFFFF_FFFF_FFFF).to_bytes(6, "big") + bytes((level,)) + frame.data
    return _TYPE[len(frame.data)] + body.replace(b"\x1a", b"\x1a\x1a")
