"""What sharing and keeping cost: a busy sky through the ear, with every outlet closed and with every outlet open.

`python -m tests.bench.outlets`: 200 aircraft, 2000 messages a second, in life's own time; two clients on the Beast port
and two on the SBS port. CPU is user and system of the whole process, demodulator apart.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import tempfile
import threading
import time
from pathlib import Path

import psutil

from edge.adsb.ear import Ear, Heard, TimedFrame
from edge.adsb.frames import TICK_HZ, ModeSFrame
from edge.adsb.outlets import Outlets
from edge.adsb.sim import encode
from edge.config import Config, RecorderSection, ShareSection, StationSection
from edge.runtime.clock import RealClock
from tests.bench.tables import machine
from tests.edge.adsb.share.dump1090 import free_ports

STATION = StationSection(id="bench", latitude_deg=40.5, longitude_deg=-3.1, height_m=900.0)
AIRCRAFT, PER_S, STEP_S = 200, 2000, 0.055


def message(rng: random.Random, t_s: float) -> bytes:
    icao = 0x400000 + rng.randrange(AIRCRAFT)
    latitude_deg, longitude_deg = 39.5 + (icao % 20) / 10 + 0.002 * t_s, -4.0 + (icao % 17) / 10
    match rng.randrange(5):
        case 0 | 1:
            return encode.position(icao, latitude_deg, longitude_deg, 30_000, rng.randrange(2))
        case 2:
            return encode.velocity(icao, 0.0, 220.0, 0.0, 250)
        case 3:
            return encode.altitude_reply(icao, 30_000)
        case _:
            return encode.all_call(icao)


def listen(port: int) -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                while connection.recv(1 << 16):
                    pass
                return
        except OSError:
            time.sleep(0.05)


def run(seconds: float, config: Config, ports: list[int]) -> tuple[float, Outlets]:
    clock, rng = RealClock(), random.Random(1)
    ear, outlets = Ear(STATION.site, clock.mono_s(), expected_bytes_per_s=None), Outlets(config, clock)
    ear.opened(clock.mono_s())
    for port in ports:
        threading.Thread(target=listen, args=(port,), daemon=True).start()
    blocks = [[message(rng, n * STEP_S) for _ in range(round(PER_S * STEP_S))] for n in range(round(seconds / STEP_S))]
    begin_s, begin_cpu_s = time.monotonic(), time.process_time()
    for n, block in enumerate(blocks):
        time.sleep(max(0.0, begin_s + n * STEP_S - time.monotonic()))
        now_s, now_ns = clock.mono_s(), clock.utc_ns()
        frames = tuple(TimedFrame(ModeSFrame(data, n * STEP_S * TICK_HZ, -15.0), now_s, now_ns) for data in block)
        outlets.take(frames, ear.take(Heard(frames, 23 * len(frames)), now_s, 0))
        if (health := ear.health(now_s)) is not None:
            outlets.look(health, ear.table.states())
    cpu_s = (time.process_time() - begin_cpu_s) / (time.monotonic() - begin_s)
    outlets.close()
    return cpu_s, outlets


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    print(f"{AIRCRAFT} aircraft, {PER_S} messages a second, {seconds:.0f} s   ({machine()})")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RUNTIME_DIRECTORY"] = folder
        shut = Config(station=STATION, share=ShareSection(aircraft_json=False))
        beast_port, sbs_port = free_ports(2)
        keep = RecorderSection(directory=Path(folder) / "record", keep_messages=True)
        wide = Config(station=STATION, recorder=keep, share=ShareSection(beast_port=beast_port, sbs_port=sbs_port))
        closed, _ = run(seconds, shut, [])
        opened, outlets = run(seconds, wide, [beast_port] * 2 + [sbs_port] * 2)  # its clients' CPU counted, too
        counted = outlets.counters()
        for stream, rows in (("aircraft", counted["states_recorded"]), ("messages", counted["messages_recorded"])):
            held = sum(path.stat().st_size for path in (Path(folder) / "record" / stream).rglob("*") if path.is_file())
            print(f"{stream}: {rows} rows, {held / max(rows, 1):.1f} bytes each")
        print(
            f"CPU s per s: {closed:.3f} decoding alone, {opened:.3f} with every outlet: {opened - closed:.3f} for them"
        )
        lost = {name: count for name, count in counted.items() if name.endswith(("lost", "dropped", "overrun"))}
        print(f"memory {psutil.Process().memory_info().rss / 1e6:.0f} MB; lost: {lost}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
