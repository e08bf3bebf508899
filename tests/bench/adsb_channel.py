"""A 1090 MHz channel with truth: aircraft on consistent tracks, everything their transponders send, and what disturbs.

Built at 12 MHz from trapezoid pulses (80 ns edges), each message with its own carrier offset, phase and level; messages
and Mode A/C replies fall on each other as they come; low-passed to a dongle's band, white noise, eight bits. Nothing is
shared with the simulator of the station but the encoder of messages. Noise 3 counts rms in I and in Q; the level of an
aircraft lies 2 to 36 dB above it, evenly, and varies by 2 dB from message to message. Rates a second and aircraft:
DF17 6.2 (position 2, velocity 2, identification 0.2, status 0.4, other 1.6), DF11 1 (0.15 of them in answer to an
interrogator), DF4 1.3, DF5 0.7, DF20 1.2, DF21 0.8, DF0 1, DF16 0.15, DF18 0.05.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, upfirdn

from camera.geodesy import Site
from edge.adsb.signal.crc import with_parity
from edge.adsb.sim import encode

RATE_HZ = 2_400_000
SITE = Site(40.5, -3.1, 900.0)
_FINE_HZ, _DOWN = 12e6, 5
_NOISE = 3.0
_EDGE_S = 80e-9
_FILTER = firwin(81, 1.1e6, fs=_FINE_HZ, window=("kaiser", 5.0))
_CHUNK = 240_000  # output samples built at a time
_TOUCHED = 9  # fine samples that a pulse of 0.5 us and its edges reach
_LONGEST_S = 121e-6


@dataclass(frozen=True, slots=True)
class Plane:
    icao: int
    snr_db: float
    carrier_hz: float
    latitude_deg: float  # at time 0
    longitude_deg: float
    altitude_ft: float
    speed_mps: float
    track_deg: float
    climb_mps: float
    squawk: str

    def position(self, t_s: float) -> tuple[float, float, float]:
        """(latitude_deg, longitude_deg, altitude_ft); a sphere's local plane, exact enough for seconds."""
        north_m = self.speed_mps * cos(radians(self.track_deg)) * t_s
        east_m = self.speed_mps * sin(radians(self.track_deg)) * t_s
        return (
            self.latitude_deg + north_m / 111_195.0,
            self.longitude_deg + east_m / (111_195.0 * cos(radians(self.latitude_deg))),
            self.altitude_ft + self.climb_mps * t_s / encode.FOOT_M,
        )

    def distance_m(self, t_s: float, latitude_deg: float, longitude_deg: float) -> float:
        """From where it is at `t_s` to a place near it."""
        there = self.position(t_s)
        east_deg = (longitude_deg - there[1]) * cos(radians(there[0]))
        return 111_195.0 * hypot(latitude_deg - there[0], east_deg)


@dataclass(frozen=True, slots=True)
class Sent:
    t_s: float
    icao: int
    data: bytes
    snr_db: float
    over_db: float | None = None  # how far the strongest transmission that overlaps is above it; None: none does


@dataclass(frozen=True, slots=True)
class Scene:
    planes: dict[int, Plane]
    sent: tuple[Sent, ...]
    replies: int  # Mode A/C
    iq: NDArray[np.uint8]  # interleaved


def scene(seed: int, seconds: float = 10.0, aircraft: int = 60, mode_ac_hz: float = 1500.0) -> Scene:
    """Always the same for the same arguments."""
    rng = np.random.default_rng([seed, aircraft])
    planes = [_plane(rng, 0x3C0000 + int(number)) for number in rng.choice(0x140000, aircraft, replace=False)]
    sent = sorted((item for plane in planes for item in _messages(rng, plane, seconds)), key=lambda item: item.t_s)
    carriers = {plane.icao: plane.carrier_hz for plane in planes}
    trains = [
        _train(rng, item.t_s, _edges(item.data), 0.5e-6, item.snr_db, carriers[item.icao] + rng.normal(0, 10e3))
        for item in sent
    ]
    clutter = rng.uniform(0, seconds - 200e-6, rng.poisson(mode_ac_hz * seconds))
    levels = rng.uniform(0, 34, len(clutter))
    for t_s, snr_db in zip(clutter.tolist(), levels.tolist(), strict=True):
        pulses = [1.45e-6 * (i + 1) for i in range(13) if i != 6 and rng.random() < 0.5]
        trains.append(_train(rng, t_s, np.array([0.0, *pulses, 20.3e-6]), 0.45e-6, snr_db, rng.normal(0, 150e3)))
    iq = np.concatenate(list(_samples(rng, np.concatenate(trains, axis=1), round(seconds * RATE_HZ))))
    return Scene({plane.icao: plane for plane in planes}, _overlaps(sent, clutter, levels), len(clutter), iq)


def _plane(rng: np.random.Generator, icao: int) -> Plane:
    away_deg, bearing = 1.8 * np.sqrt(rng.uniform(0.01, 1.0)), rng.uniform(0, 2 * np.pi)
    return Plane(
        icao=icao,
        snr_db=float(rng.uniform(2, 36)),
        carrier_hz=float(rng.normal(0, 120e3)),
        latitude_deg=SITE.latitude_deg + float(away_deg * np.cos(bearing)),
        longitude_deg=SITE.longitude_deg + float(away_deg * np.sin(bearing)) / cos(radians(SITE.latitude_deg)),
        altitude_ft=float(rng.uniform(4000, 39000)),
        speed_mps=float(rng.uniform(90, 260)),
        track_deg=float(rng.uniform(0, 360)),
        climb_mps=float(rng.choice([0.0, 0.0, 8.0, -8.0])),
        squawk="".join(str(digit) for digit in rng.integers(0, 8, 4)),
    )


def _messages(rng: np.random.Generator, plane: Plane, seconds: float) -> Iterator[Sent]:
    def reply(format_: int, short: bytes) -> bytes:
        more = b"" if format_ < 16 else rng.bytes(7)
        return with_parity(bytes([format_ << 3]) + short[1:4] + more, plane.icao)

    def altitude(t_s: float) -> bytes:
        return encode.altitude_reply(plane.icao, plane.position(t_s)[2])

    identity = encode.identity_reply(plane.icao, plane.squawk)
    number = iter(range(1 << 30))
    kinds: list[tuple[float, Callable[[float], bytes]]] = [
        (2.0, lambda t_s: encode.position(plane.icao, *plane.position(t_s), next(number) & 1)),
        (2.0, lambda _: encode.velocity(plane.icao, plane.track_deg, plane.speed_mps, plane.climb_mps, 250)),
        (0.2, lambda _: encode.identification(plane.icao, f"TST{plane.icao % 1000:03d}")),
        (0.4, lambda _: encode.operational_status(plane.icao)),
        (1.6, lambda _: encode.squitter(plane.icao, bytes([29 << 3 | 2]) + rng.bytes(6))),
        (0.85, lambda _: encode.all_call(plane.icao)),
        (0.15, lambda _: with_parity(encode.all_call(plane.icao)[:4], int(rng.integers(1, 64)))),
        (1.3, altitude),
        (0.7, lambda _: identity),
        (1.2, lambda t_s: reply(20, altitude(t_s))),
        (0.8, lambda _: reply(21, identity)),
        (1.0, lambda t_s: reply(0, altitude(t_s))),
        (0.15, lambda t_s: reply(16, altitude(t_s))),
        (0.05, lambda _: with_parity(bytes([18 << 3 | 2]) + plane.icao.to_bytes(3, "big") + rng.bytes(7))),
    ]
    for rate_hz, build in kinds:
        if rate_hz >= 2.0:  # squitters come at 0.4 to 0.6 s (Annex 10 volume IV, 3.1.2.8.6.4), the others at random
            times = np.arange(0, seconds, 1 / rate_hz) + rng.uniform(0, 0.3) + rng.uniform(-0.05, 0.05)
            times = times + rng.uniform(-0.05, 0.05, len(times))
        else:
            times = np.sort(rng.uniform(0, seconds, rng.poisson(rate_hz * seconds)))
        for t_s in times[(times > 0) & (times < seconds - 200e-6)].tolist():
            yield Sent(t_s, plane.icao, build(t_s), plane.snr_db + float(rng.normal(0, 2)))


def _edges(data: bytes) -> NDArray[np.float64]:
    """When each pulse begins, after the first: Annex 10 volume IV, 3.1.2.2."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    after = 8e-6 + np.arange(len(bits)) * 1e-6 + np.where(bits == 1, 0.0, 0.5e-6)
    return np.concatenate(([0.0, 1e-6, 3.5e-6, 4.5e-6], after))


def _train(
    rng: np.random.Generator, t_s: float, edges_s: NDArray[np.float64], width_s: float, snr_db: float, carrier_hz: float
) -> NDArray[np.float64]:
    """(5, N): begin, width, amplitude, carrier phase at the begin, carrier of each pulse."""
    train = np.empty((5, len(edges_s)))
    train[0], train[1], train[2] = t_s + edges_s, width_s, _NOISE * np.sqrt(2) * 10 ** (snr_db / 20)
    train[3] = rng.uniform(0, 2 * np.pi) + 2 * np.pi * carrier_hz * edges_s
    train[4] = carrier_hz
    return train


def _samples(rng: np.random.Generator, pulses: NDArray[np.float64], count: int) -> Iterator[NDArray[np.uint8]]:
    pulses = pulses[:, np.argsort(pulses[0])]
    skirt = len(_FILTER) // 2
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        first, length = begin * _DOWN - skirt, (end - begin) * _DOWN + 2 * skirt
        low, high = np.searchsorted(pulses[0], [(first - _TOUCHED) / _FINE_HZ, (first + length + 1) / _FINE_HZ])
        start_s, width_s, amplitude, phase, carrier_hz = pulses[:, low:high]
        index = np.floor((start_s - _EDGE_S / 2) * _FINE_HZ).astype(np.intp)[:, None] + np.arange(_TOUCHED)
        age_s = index / _FINE_HZ - start_s[:, None]
        edge = np.minimum(age_s + _EDGE_S / 2, width_s[:, None] + _EDGE_S / 2 - age_s) / _EDGE_S
        level = amplitude[:, None] * np.clip(edge, 0, 1)
        turn = phase[:, None] + 2 * np.pi * carrier_hz[:, None] * age_s
        inside = (index >= first) & (index < first + length) & (level > 0)
        where = index[inside] - first
        out = np.empty((end - begin, 2), dtype=np.uint8)
        for part, wave, centre in ((0, np.cos, 127.4), (1, np.sin, 127.6)):
            fine = np.bincount(where, (level * wave(turn))[inside], length).astype(np.float32)
            band = upfirdn(_FILTER.astype(np.float32), fine, 1, _DOWN)[len(_FILTER) // _DOWN :][: end - begin]
            out[:, part] = np.clip(np.rint(band + rng.normal(centre, _NOISE, end - begin)), 0, 255)
        yield out.reshape(-1)


def _overlaps(sent: list[Sent], clutter: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[Sent, ...]:
    begin = np.concatenate(([item.t_s for item in sent], clutter))
    end = begin + np.concatenate(([8e-6 + len(item.data) * 8e-6 for item in sent], np.full(len(clutter), 21e-6)))
    level = np.concatenate(([item.snr_db for item in sent], levels))
    order = np.argsort(begin)
    begin, end, level = begin[order], end[order], level[order]
    marked = []
    for item in sent:
        done_s = item.t_s + 8e-6 + len(item.data) * 8e-6
        near = slice(*np.searchsorted(begin, [item.t_s - _LONGEST_S, done_s]))
        others = (end[near] > item.t_s) & (begin[near] != item.t_s)
        marked.append(replace(item, over_db=float(level[near][others].max()) - item.snr_db) if others.any() else item)
    return tuple(marked)
