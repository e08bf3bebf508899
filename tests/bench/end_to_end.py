"""From the last photon of an exposure to the MQTT message in a subscriber's hand: `python -m tests.bench.end_to_end`.

The whole station as in the field, 2822 x 2744 every 2 s, on this machine alone: the three processes, both simulators, a
Mosquitto, a telescope, a subscriber. All clocks are this machine's CLOCK_MONOTONIC. Bar: p95 under 1.0 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.bench.tables import machine, table
from tests.e2e.station import Station, running_station

BAR_S = 1.0
WARM_FRAMES = 3  # buffers, caches and the first opening of the network
START_S = 90.0
STAGES = ("background_ms", "preprocess_ms", "network_ms", "postprocess_ms", "stars_ms")


def measure(frames: int) -> dict[str, list[float]]:
    """Milliseconds by stage, one value a frame."""
    with tempfile.TemporaryDirectory() as directory, running_station(Path(directory)) as station:
        deadline_mono_s = time.monotonic() + START_S + 4.0 * frames
        busy_s, ours_s, begin_mono_s = busy_core_s(), station_core_s(station), time.monotonic()
        while len(first_messages(station)) < frames + WARM_FRAMES:
            if time.monotonic() > deadline_mono_s or station.process.poll() is not None:
                raise SystemExit(f"only {len(first_messages(station))} frames arrived:\n{station.log()}")
            time.sleep(0.5)
        found = first_messages(station)[WARM_FRAMES:]
        elapsed_s = time.monotonic() - begin_mono_s
        ours = (station_core_s(station) - ours_s) / elapsed_s
        others = max(0.0, (busy_core_s() - busy_s) / elapsed_s - ours)
        health = [record["parts"]["vision"] for _, record in station.consumer.of("health")]
    figures: dict[str, list[float]] = {"last photon to subscriber": [], "  of it: from issue to subscriber": []}
    for arrived_mono_s, record in found:
        issued_mono_s = datetime.fromisoformat(record["issued_at"]).timestamp() - time.time() + time.monotonic()
        on_its_way_ms = max(0.0, 1e3 * (arrived_mono_s - issued_mono_s))
        figures["last photon to subscriber"].append(1e3 * record["picture_age_s"] + on_its_way_ms)
        figures["  of it: from issue to subscriber"].append(on_its_way_ms)
    for stage in STAGES:
        seen = {part["frames"]: part[stage] for part in health if part["frames"] > WARM_FRAMES and stage in part}
        figures["  of it: " + stage.removesuffix("_ms")] = list(seen.values())
    gaps = [int(after["picture_seq"]) - int(before["picture_seq"]) - 1 for (_, before), (_, after) in pairwise(found)]
    print(f"{len(found)} frames judged, {sum(gaps)} skipped; {machine()}")
    print(f"cores in use on average: {ours:.2f} by the station and its simulators, {others:.2f} by all other programs")
    return figures


def busy_core_s() -> float:
    """Core-seconds that this machine has spent on anything since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - getattr(times, "guest", 0.0))


def station_core_s(station: Station) -> float:
    supervisor = psutil.Process(station.process.pid)
    spent = [process.cpu_times() for process in (supervisor, *supervisor.children())]
    return sum(times.user + times.system for times in spent)


def first_messages(station: Station) -> list[tuple[float, dict[str, Any]]]:
    """Of every judged picture the first message that carries it, with its arrival."""
    first: dict[int, tuple[float, dict[str, Any]]] = {}
    for arrived_mono_s, record in station.consumer.of("main/tracks"):
        if record["picture_seq"] is not None:
            first.setdefault(record["picture_seq"], (arrived_mono_s, record))
    return list(first.values())


def main(frames: int = 60) -> None:
    figures = measure(frames)
    table("end to end", "ms", figures)
    p95_ms = float(np.percentile(figures["last photon to subscriber"], 95))
    print(f"bar p95 < {BAR_S:.1f} s: {'met' if p95_ms < 1e3 * BAR_S else 'MISSED'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    main(parser.parse_args().frames)
