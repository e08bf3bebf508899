"""CPU time of one second of simulated IQ, and of demodulating it: `python -m tests.bench.iq [seconds]`.

Bars: generating at most 0.2, demodulating at most 0.12 core-seconds per second of signal.
"""

from __future__ import annotations

import json
import sys
import time

from camera.sim.scenario import night
from edge.adsb.sim_iq import SkySignal

BLOCK = 240_000  # 0.1 s


def measure(seconds: int = 10) -> dict[str, float]:
    """Core-seconds (user + system) per second of signal of each stage, and messages per second."""
    scenario = night(1)
    signal = SkySignal(scenario)
    signal.block(0, BLOCK)
    start_s = time.process_time()
    blocks = [signal.block(i * BLOCK, BLOCK) for i in range(60 * 10, 60 * 10 + seconds * 10)]
    generated_s = time.process_time() - start_s
    result = {"generate_core_s_per_s": generated_s / seconds}
    result["sent_per_s"] = len(signal.transmissions(60.0, 60.0 + seconds)) / seconds
    return result


def main() -> None:
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10)))


if __name__ == "__main__":
    main()
