"""The ear beside another decoder on the same samples: `make bench-adsb`, or `python -m tests.bench.adsb [--help]`.

Ten scenes of ten seconds with 60 aircraft and 1500 Mode A/C replies a second, ten with 200 and 4000; a minute of noise.
The other is Debian's `dump1090-mutability --fix`; without it only our own figures are printed. CPU is user + system of
one process; ours without decoding fields, which is printed by itself, the other's with it (it has no way without).
`--loop MINUTES` feeds one scene round and round and prints how much memory the process holds.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from edge.adsb.decode import decode
from edge.adsb.frames import TICK_HZ, ModeSFrame
from edge.adsb.signal.demod import Demodulator
from edge.adsb.sources.iq import BLOCK_SAMPLES
from edge.adsb.table import AircraftTable
from tests.bench.adsb_channel import SITE, scene
from tests.bench.adsb_score import BIN_DB, RECEIVABLE_DB, Positions, Score

PEER = "dump1090-mutability"
SCENARIOS = {60: (1500.0, 1.08, 1.10), 200: (4000.0, 1.09, 1.11)}  # Mode A/C per second; bars: messages, DF17
CPU_BAR, FALSE_SQUITTERS_BAR, DOUBLED_BAR, POSITION_BAR_S = 4.0, 0.001, 0.002, 5.0


def blocks(iq: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for begin in range(0, len(iq), 2 * BLOCK_SAMPLES):
        yield iq[begin : begin + 2 * BLOCK_SAMPLES]


def hear(iq: NDArray[np.uint8]) -> tuple[list[ModeSFrame], float]:
    """Frames and core-seconds."""
    before_s = time.process_time()
    demodulator = Demodulator()
    frames = [frame for block in blocks(iq) for frame in demodulator.feed(block)] + demodulator.finish()
    return frames, time.process_time() - before_s


def peer_hears(iq: NDArray[np.uint8]) -> tuple[list[bytes], float]:
    """The same of the other decoder, through a file."""
    with tempfile.NamedTemporaryFile(suffix=".cu8") as file:
        Path(file.name).write_bytes(iq.tobytes())
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [PEER, "--ifile", file.name, "--iformat", "UC8", "--raw", "--fix", "--oversample"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    frames = [bytes.fromhex(line[1:-1]) for line in done.stdout.split() if line[:1] == "*" and line[-1:] == ";"]
    return frames, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(aircraft: int, seeds: range, seconds: float) -> bool:
    """Prints the table of one scenario; False where a bar is missed."""
    mode_ac_hz, more, more_squitters = SCENARIOS[aircraft]
    ours, peers, places = Score(), Score(), Positions()
    hear(scene(0, 1.0, aircraft, mode_ac_hz).iq)  # buffers and caches as in a process that runs
    for seed in seeds:
        one = scene(seed, seconds, aircraft, mode_ac_hz)
        frames, cpu_s = hear(one.iq)
        ours.add(one, (frame.data for frame in frames), cpu_s)
        places.add(one, frames)
        if shutil.which(PEER):
            peers.add(one, *peer_hears(one.iq))
    total_s = seconds * len(seeds)
    print(f"{aircraft} aircraft, {mode_ac_hz:.0f} Mode A/C a second, {seconds:g} s, seeds {seeds[0]}-{seeds[-1]}")
    print(f"  {'':34} {'ours':>9} {PEER:>20} {'ratio':>7}  bar")
    bars = [
        _row(f"messages right of {ours.sent}", ours.right, peers.right, more),
        _row("DF17 right", ours.squitters, peers.squitters, more_squitters),
        _row("false", ours.false, peers.false, 1.0, most=True),
        _row("CPU, core-seconds per second", ours.cpu_s / total_s, peers.cpu_s / total_s, CPU_BAR, most=True),
        _share("false DF17/18", ours.false_squitters, ours.squitters_said, peers.false_squitters, FALSE_SQUITTERS_BAR),
        _share("doubled", ours.doubled, ours.said, peers.doubled, DOUBLED_BAR),
    ]
    for floor, (right, sent) in sorted(ours.bins.items()):
        of_peer = peers.bins.get(floor, [0, 1])
        label = f"DF17 heard at {floor} to {floor + BIN_DB} dB, of {sent}"
        print(f"  {label:34} {right / sent:9.3f} {of_peer[0] / max(of_peer[1], 1):20.3f}")
    print(
        f"  positions {len(places.errors_m)}, off {np.percentile(places.errors_m, 95):.0f} m (p95), "
        f"{max(places.errors_m):.0f} m (most); {places.strangers} aircraft that were not there"
    )
    print(f"  decoding and the table: {places.cpu_s / places.messages * 1e6:.0f} us of CPU a message")
    print(f"  {places.receivable} aircraft of {RECEIVABLE_DB:.0f} dB and more, {places.never} without a position")
    for name, values, percentile in (
        ("first message to first position", places.first_s, 95),
        ("longest gap between positions", places.gaps_s, 99),
    ):
        value_s = float(np.percentile(values, percentile))
        bars.append(value_s < POSITION_BAR_S or aircraft != 60)
        print(f"  {name} {value_s:.2f} s (p{percentile}), bar {POSITION_BAR_S:.0f} at 60{_missed(bars[-1])}")
    return all(bars)


def _row(name: str, ours: float, peers: float, bar: float, *, most: bool = False) -> bool:
    ratio = ours / peers if peers else None
    held = ratio is None or (ratio <= bar if most else ratio >= bar)
    digits = 0 if isinstance(ours, int) else 3
    shown = "-" if ratio is None else f"{ratio:.3f}"
    sign = "<=" if most else ">="
    print(f"  {name:34} {ours:9.{digits}f} {peers:20.{digits}f} {shown:>7}  {sign} {bar:g}{_missed(held)}")
    return held


def _share(name: str, ours: int, of: int, peers: int, bar: float) -> bool:
    held = ours <= bar * of
    print(f"  {name:34} {ours:9d} {peers:20d} {'':7}  <= {bar:.1%} of {of}{_missed(held)}")
    return held


def _missed(held: bool) -> str:
    return "" if held else "   MISSED"


def noise(seconds: int) -> bool:
    """Nothing is there, and nothing may be heard."""
    rng, demodulator, heard = np.random.default_rng(90), Demodulator(), 0
    for _ in range(seconds * TICK_HZ // BLOCK_SAMPLES):
        counts = rng.standard_normal(2 * BLOCK_SAMPLES, dtype=np.float32) * 3.0 + 127.5
        heard += len(demodulator.feed(np.clip(np.rint(counts), 0, 255).astype(np.uint8)))
    aircraft = len(demodulator.addresses.known)
    print(f"noise, {seconds} s: {heard} messages of {aircraft} aircraft, bar 0{_missed(not heard)}")
    return not heard


def loop(minutes: float) -> bool:
    """One scene fed round and round, decoded into the table: memory of this process at every tenth of the way."""
    one, demodulator, table, process = scene(1), Demodulator(), AircraftTable(SITE), psutil.Process()
    parts = list(blocks(one.iq))
    count = round(minutes * 60 * TICK_HZ / BLOCK_SAMPLES)
    sizes = []
    for i in range(count):
        for frame in demodulator.feed(parts[i % len(parts)]):
            report, t_s = decode(frame), frame.sample / TICK_HZ
            if report is not None:
                table.update(report, round(t_s * 1e9), t_s, frame.rssi_dbfs)
        table.forget(i * BLOCK_SAMPLES / TICK_HZ)
        if (i + 1) % max(1, count // 10) == 0:
            sizes.append(process.memory_info().rss / 1e6)
            print(f"{i * BLOCK_SAMPLES / TICK_HZ / 60:6.1f} minutes: {sizes[-1]:.1f} MB", flush=True)
    grown = sizes[-1] / sizes[0] - 1
    print(f"growth from the first tenth to the last {grown:+.1%}, bar 2 %{_missed(grown <= 0.02)}")
    return grown <= 0.02


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aircraft", type=int, choices=SCENARIOS, nargs="*", default=list(SCENARIOS))
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 1")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--noise", type=int, default=60, help="seconds of noise; 0: none")
    parser.add_argument("--loop", type=float, default=0.0, help="minutes of looped signal, and nothing else")
    asked = parser.parse_args()
    if asked.loop:
        return not loop(asked.loop)
    held = [compare(aircraft, range(1, asked.seeds + 1), asked.seconds) for aircraft in asked.aircraft]
    if asked.noise:
        held.append(noise(asked.noise))
    return not all(held)


if __name__ == "__main__":
    sys.exit(main())
