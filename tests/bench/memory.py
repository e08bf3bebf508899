"""Does the station keep its size? An accelerated night under a sampler: `python -m tests.bench.memory --minutes 30`.

The sky runs `--rate` times faster than life, so that the simulators are always busy and tracks come and go by the
hundred. Counted is what a process has of its own and its part of the frame ring (anonymous and shared memory), a sample
a second; not the pages of programs and libraries, whose share depends on who else runs on the machine. The medians of
the first and the last minute after the warm-up are compared. Bar: no growth beyond 5 %.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.tables import machine
from tests.e2e.station import Station, running_station

BAR = 0.05
WARM_S, WINDOW_S = 120.0, 60.0
KINDS = ("Pss_Anon:", "Pss_Shmem:")
MB = 1e6


def measure(minutes: float, rate: float) -> bool:
    night = {"simulation": {"rate": rate, "minutes": minutes * rate + 10}}
    samples: list[tuple[float, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as directory, running_station(Path(directory), night) as station:
        start_mono_s = time.monotonic()
        while (now_s := time.monotonic() - start_mono_s) < WARM_S + 60.0 * minutes:
            station.consumer.messages[:-200] = []  # the consumer is not what is measured
            if sizes := sizes_bytes(station):
                samples.append((now_s, sizes))
            if station.process.poll() is not None:
                raise SystemExit(f"the station ended:\n{station.log()}")
            time.sleep(1.0)
        health = station.consumer.newest("health")
    end_s = samples[-1][0]
    first = [sizes for at, sizes in samples if WARM_S <= at < WARM_S + WINDOW_S]
    last = [sizes for at, sizes in samples if at > end_s - WINDOW_S]
    frames = health["parts"]["vision"]["frames"] if health else 0
    print(f"{minutes:g} minutes after {WARM_S:.0f} s of warm-up, sky {rate:g} times life, {frames} frames; {machine()}")
    print(f"{'MB':28} {'start':>8} {'end':>8} {'largest':>8} {'growth':>8}")
    grown = 0.0
    for name in (*sorted(last[-1]), "all"):
        before, after = (statistics.median(_of(sizes, name) for sizes in window) / MB for window in (first, last))
        largest = max(_of(sizes, name) for at, sizes in samples if at >= WARM_S) / MB
        grown = after / before - 1.0
        print(f"  {name:26} {before:8.1f} {after:8.1f} {largest:8.1f} {grown:+8.1%}")
    print(f"bar {BAR:.0%}: {'met' if grown <= BAR else 'MISSED'}")
    return grown <= BAR


def _of(sizes: dict[str, float], name: str) -> float:
    return sum(sizes.values()) if name == "all" else sizes.get(name, 0.0)


def sizes_bytes(station: Station) -> dict[str, float]:
    """By process; empty while one of them is just being started."""
    found = {}
    try:
        supervisor = psutil.Process(station.process.pid)
        for process in (supervisor, *supervisor.children()):
            role = next((word for word in ("capture", "radio", "vision", "run") if word in process.cmdline()), "")
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            found[role] = sum(1024.0 * int(line.split()[1]) for line in lines if line.startswith(KINDS))
    except (psutil.Error, OSError):
        return {}
    return found if len(found) == 4 else {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=6.0)
    asked = parser.parse_args()
    sys.exit(not measure(asked.minutes, asked.rate))
