"""What a decoder made of a scene: messages right, false and doubled, by signal, and where it says aircraft are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.adsb.decode import decode
from edge.adsb.frames import SQUITTERS, ModeSFrame
from edge.adsb.table import AircraftTable
from tests.bench.adsb_channel import RATE_HZ, SITE, Scene

BIN_DB = 3
RECEIVABLE_DB = 12.0


@dataclass(slots=True)
class Score:
    """Sums over scenes; `bins` by 3 dB of DF17: [right, sent]."""

    sent: int = 0
    right: int = 0
    squitters: int = 0  # DF17 that are right
    said: int = 0
    squitters_said: int = 0  # DF17 and DF18
    false: int = 0
    false_squitters: int = 0
    doubled: int = 0
    cpu_s: float = 0.0
    bins: dict[int, list[int]] = field(default_factory=dict)

    def add(self, scene: Scene, frames: Iterable[bytes], cpu_s: float) -> None:
        """Each message sent answers for one said with the same bytes; the rest are doubled, or false if never sent."""
        left = Counter(frames)
        self.said += left.total()
        self.squitters_said += sum(count for data, count in left.items() if data[0] >> 3 in SQUITTERS)
        self.sent += len(scene.sent)
        self.cpu_s += cpu_s
        for item in scene.sent:
            found = left[item.data] > 0
            left[item.data] -= found
            self.right += found
            if item.data[0] >> 3 == 17:
                self.squitters += found
                one = self.bins.setdefault(int(item.snr_db // BIN_DB) * BIN_DB, [0, 0])
                one[0] += found
                one[1] += 1
        known = {item.data for item in scene.sent}
        for data, count in left.items():
            if data in known:
                self.doubled += count
            else:
                self.false += count
                self.false_squitters += count * (data[0] >> 3 in SQUITTERS)


@dataclass(slots=True)
class Positions:
    """Of aircraft at least 12 dB above the noise: what the table made of the frames."""

    errors_m: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)  # from the first message of 12 dB to the first position
    gaps_s: list[float] = field(default_factory=list)  # longest, from the first position to the end of the scene
    receivable: int = 0
    never: int = 0
    strangers: int = 0  # aircraft in the table that were not in the air
    messages: int = 0
    cpu_s: float = 0.0  # of decoding them and keeping the table

    def add(self, scene: Scene, frames: Sequence[ModeSFrame]) -> None:
        table, end_s = AircraftTable(SITE), len(scene.iq) / 2 / RATE_HZ
        times: dict[int, list[float]] = {}
        before_s = time.process_time()
        told = []
        for frame in frames:
            report, t_s = decode(frame), frame.sample / RATE_HZ
            state = None if report is None else table.update(report, round(t_s * 1e9), t_s, frame.rssi_dbfs)
            told.append((t_s, state))
        self.messages, self.cpu_s = self.messages + len(told), self.cpu_s + time.process_time() - before_s
        for t_s, state in told:
            if state is None or state.position_mono_s != t_s:
                continue
            plane = scene.planes.get(int(state.icao, 16))
            if plane is None or state.latitude_deg is None or state.longitude_deg is None:
                continue
            times.setdefault(plane.icao, []).append(t_s)
            self.errors_m.append(plane.distance_m(t_s, state.latitude_deg, state.longitude_deg))
        self.strangers += sum(int(state.icao, 16) not in scene.planes for state in table.states())
        for plane in scene.planes.values():
            if plane.snr_db < RECEIVABLE_DB:
                continue
            self.receivable += 1
            heard = times.get(plane.icao, [])
            if not heard:
                self.never += 1
                continue
            first_s = min(item.t_s for item in scene.sent if item.icao == plane.icao and item.snr_db >= RECEIVABLE_DB)
            self.first_s.append(heard[0] - first_s)
            self.gaps_s.append(float(np.diff([*heard, end_s]).max()))
