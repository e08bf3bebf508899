"""CPU time of one second of simulated IQ, and of hearing it: `python -m tests.bench.iq [seconds]`.

Bars: generating at most 0.2, demodulating at most 0.12 core-seconds per second of signal (one thread).
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise

from camera.sim.scenario import night
from edge.adsb.decode import decode
from edge.adsb.frames import TICK_HZ
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.iq import BLOCK_SAMPLES
from edge.adsb.table import AircraftTable


def measure(seconds: int = 10) -> dict[str, float]:
    """Core-seconds (user + system) per second of signal of each stage, and messages sent and heard."""
    scenario = night(1)
    signal, demodulator, table = SkySignal(scenario), Demodulator(), AircraftTable(scenario.site)
    first, count = 60 * TICK_HZ, round(seconds * TICK_HZ / BLOCK_SAMPLES)
    signal_s = count * BLOCK_SAMPLES / TICK_HZ
    for _ in range(2):  # buffers and caches as in a process that runs
        demodulator.feed(signal.block(first - 2 * BLOCK_SAMPLES, BLOCK_SAMPLES))
    marks_s = [time.process_time()]
    blocks = [signal.block(first + i * BLOCK_SAMPLES, BLOCK_SAMPLES) for i in range(count)]
    marks_s.append(time.process_time())
    frames = [frame for block in blocks for frame in demodulator.feed(block)]
    marks_s.append(time.process_time())
    for frame in frames:
        report, t_s = decode(frame), frame.sample / TICK_HZ
        if report is not None:
            table.update(report, round(t_s * 1e9), t_s, frame.rssi_dbfs)
    marks_s.append(time.process_time())
    spent = [(after - before) / signal_s for before, after in pairwise(marks_s)]
    return {
        "signal_s": round(signal_s, 2),
        "generate_core_s_per_s": round(spent[0], 4),
        "demodulate_core_s_per_s": round(spent[1], 4),
        "decode_and_table_core_s_per_s": round(spent[2], 4),
        "messages_sent": len(signal.transmissions(60.0, 60.0 + signal_s)),
        "messages_heard": len(frames),
        "aircraft": len(table),
    }


def main() -> None:
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10)))


if __name__ == "__main__":
    main()
