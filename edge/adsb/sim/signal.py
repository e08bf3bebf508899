"""What a dongle would hear of a simulated night: 8-bit IQ at 1090 MHz, any stretch of it, always the same for a seed.

Radio time `t_s` counts real seconds of signal from the night's epoch; the sky may run `sky_rate` times faster, so that
a message sent at radio time t carries the truth of sky second `t * sky_rate`. Pulses: Annex 10 volume IV, 3.1.2.2;
rates of the squitters: 3.1.2.8.5.2 and 3.1.2.8.6.4. The receiver's filter is a raised cosine 1.6 samples wide.

Why a noise bank: two million fresh normal deviates a second cost more than the whole demodulator; I and Q are cut from
one bank at independent offsets, so their magnitude never repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import enu_to_azel, geodetic_to_enu
from camera.sim.scenario import Scenario, SimAircraft
from edge.adsb.sim import encode

GEO_MINUS_BARO_FT = 250  # GNSS height minus barometric altitude, one value for the whole air mass
CENTRE_COUNTS = 127.5
_AMPLITUDE_KM_COUNTS = 1500.0  # amplitude times distance: 15 dB above the noise at 60 km
_LARGEST_COUNTS = 115.0
_PULSE_S, _CLUTTER_PULSE_S = 0.5e-6, 0.45e-6
_DATA_START_S = 8e-6
_LONGEST_S = 125e-6
_CHUNK, _BANK = 1 << 15, 1 << 19
_SLOT_S = 0.05  # clutter is drawn per slot
_SPREAD = 5  # samples a pulse can touch
_KINDS: dict[str, tuple[float, float]] = {  # mean interval and +- jitter, seconds
    "position": (0.5, 0.1),
    "velocity": (0.5, 0.1),
    "identification": (5.0, 0.2),
    "status": (2.5, 0.1),
    "all-call": (1.0, 0.2),
    "altitude": (0.7, 0.25),
    "identity": (1.1, 0.4),
}


@dataclass(frozen=True, slots=True)
class Transmission:
    """One message on the air."""

    t_s: float  # radio time of the first preamble pulse at the antenna
    icao: str
    kind: str
    frame: bytes
    amplitude_counts: float
    carrier_offset_hz: float
    carrier_phase_rad: float


class SkySignal:
    """The signal of one night at one sample rate."""

    def __init__(
        self, scenario: Scenario, *, rate_hz: int = 2_400_000, sky_rate: float = 1.0,
        noise_counts: float = 3.0, clutter_hz: float = 200.0,
    ) -> None:  # fmt: skip
        self.scenario, self.rate_hz, self.sky_rate = scenario, rate_hz, sky_rate
        self._clutter_per_slot = clutter_hz * _SLOT_S
        bank = np.random.default_rng([scenario.seed, 1090]).standard_normal(_BANK, dtype=np.float32) * noise_counts
        self._bank = bank.astype(np.float32)
        self._bank_bytes = _to_bytes(self._bank)

    def block(self, first_sample: int, count: int) -> NDArray[np.uint8]:
        """(2 * count,) interleaved I and Q of samples `first_sample` onward."""
        chunks = np.arange(first_sample // _CHUNK, (first_sample + count - 1) // _CHUNK + 1)
        offsets = (_hash(self.scenario.seed, 7, chunks[:, None], np.array([[0, 1]])) % (_BANK - _CHUNK)).astype(np.intp)
        out = np.empty((count, 2), dtype=np.uint8)
        for chunk, pair in zip(chunks.tolist(), offsets, strict=True):
            begin, end = max(first_sample, chunk * _CHUNK), min(first_sample + count, (chunk + 1) * _CHUNK)
            for part in (0, 1):
                start = pair[part] + begin - chunk * _CHUNK
                out[begin - first_sample : end - first_sample, part] = self._bank_bytes[start : start + end - begin]
        touched, signal = self._signal(first_sample, count)
        if len(touched):
            absolute = touched + first_sample
            at = offsets[absolute // _CHUNK - chunks[0]] + (absolute % _CHUNK)[:, None]
            out[touched] = _to_bytes(self._bank[at] + signal)
        return out.reshape(-1)

    def transmissions(self, t0_s: float, t1_s: float) -> list[Transmission]:
        """Everything sent by transponders above the horizon in [t0_s, t1_s), in order of time."""
        sent = [
            item
            for aircraft in self.scenario.aircraft
            if aircraft.transponder
            for item in self._of(aircraft, t0_s, t1_s)
        ]
        return sorted(sent, key=lambda item: item.t_s)

    def _of(self, aircraft: SimAircraft, t0_s: float, t1_s: float) -> Iterator[Transmission]:
        icao, seed = int(aircraft.icao, 16), self.scenario.seed
        due: list[tuple[float, str, int]] = []
        for number, kind in enumerate(_KINDS):
            interval_s, jitter_s = _KINDS[kind]
            if kind == "position":  # even and odd must stay within reach of each other when the sky runs fast
                shrink = min(1.0, 10.0 / self.sky_rate)
                interval_s, jitter_s = interval_s * shrink, jitter_s * shrink
            ks = np.arange(int((t0_s - jitter_s) / interval_s) - 2, int((t1_s + jitter_s) / interval_s) + 2)
            draws = _hash(seed, icao * 16 + number, ks, 0).astype(np.float64) / 2.0**64
            times = (ks + (icao % 97) / 97) * interval_s + (2 * draws - 1) * jitter_s
            due += [(float(t), kind, int(k)) for t, k in zip(times, ks, strict=True) if t0_s <= t < t1_s]
        if not due:
            return
        sky_s = np.array([t for t, _, _ in due]) * self.sky_rate
        latitude, longitude, height_m = aircraft.position(sky_s)
        enu = geodetic_to_enu(latitude, longitude, height_m, self.scenario.site)
        elevation = enu_to_azel(enu)[:, 1]
        distance_km = np.linalg.norm(enu, axis=1) / 1e3
        offset_hz = (int(_hash(seed, icao, 1, 1)) / 2.0**64 - 0.5) * 200e3
        for i, (t, kind, k) in enumerate(due):
            if elevation[i] <= 0:
                continue
            altitude_ft = float(height_m[i]) / encode.FOOT_M - GEO_MINUS_BARO_FT
            frame = _frame(aircraft, icao, kind, k, float(latitude[i]), float(longitude[i]), altitude_ft)
            amplitude = min(_LARGEST_COUNTS, _AMPLITUDE_KM_COUNTS / max(float(distance_km[i]), 0.1))
            phase = float(_hash(seed, icao, k, 2)) / 2.0**64 * 2 * np.pi
            yield Transmission(t, aircraft.icao, kind, frame, amplitude, offset_hz, phase)

    def _signal(self, first: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Samples of the block that carry any signal, and the I and Q (N, 2) to add there, in counts."""
        t0_s, t1_s = first / self.rate_hz, (first + count) / self.rate_hz
        trains = [_pulses(item) for item in self.transmissions(t0_s - _LONGEST_S, t1_s)] + self._clutter(t0_s, t1_s)
        if not trains:
            return np.empty(0, dtype=np.intp), np.empty((0, 2), dtype=np.float32)
        start_s, width_s, amplitude, phase, offset_hz = np.concatenate(trains, axis=1)
        start = start_s * self.rate_hz - first  # samples from the block's beginning
        index = np.ceil(start - 0.8).astype(np.intp)[:, None] + np.arange(_SPREAD)
        age = index - start[:, None]
        level = amplitude[:, None] * (_filtered_step(age) - _filtered_step(age - (width_s * self.rate_hz)[:, None]))
        turn = phase[:, None] + 2 * np.pi * offset_hz[:, None] * (age / self.rate_hz)
        inside = (index >= 0) & (index < count) & (level != 0)
        where, level, turn = index[inside], level[inside], turn[inside]
        touched, place = np.unique(where, return_inverse=True)
        parts = [np.bincount(place, level * wave(turn), len(touched)) for wave in (np.cos, np.sin)]
        return touched, np.stack(parts, axis=1).astype(np.float32)

    def _clutter(self, t0_s: float, t1_s: float) -> list[NDArray[np.float64]]:
        """Mode A/C replies of everybody else: two framing pulses 20.3 us apart, twelve data pulses between."""
        trains = []
        for slot in range(int(t0_s // _SLOT_S), int(t1_s // _SLOT_S) + 1) if self._clutter_per_slot else ():
            rng = np.random.default_rng([self.scenario.seed, 3, slot % 2**32])
            for begin in rng.uniform(0, _SLOT_S, rng.poisson(self._clutter_per_slot)) + slot * _SLOT_S:
                present = np.concatenate(([True], rng.random(13) < 0.45, [True]))
                present[7] = False  # the X position stays empty
                start = begin + np.flatnonzero(present) * 1.45e-6
                amplitude = min(_LARGEST_COUNTS, 8.0 / float(rng.uniform(0.05, 1.0)))
                rest = np.array([[_CLUTTER_PULSE_S], [amplitude], [rng.uniform(0, 6.3)], [rng.uniform(-1e5, 1e5)]])
                trains.append(np.vstack((start, np.broadcast_to(rest, (4, len(start))))))
        return trains


def _frame(
    aircraft: SimAircraft, icao: int, kind: str, k: int, latitude_deg: float, longitude_deg: float, altitude_ft: float
) -> bytes:
    if kind == "position":
        return encode.position(icao, latitude_deg, longitude_deg, altitude_ft, k & 1)
    if kind == "velocity":
        return encode.velocity(
            icao, aircraft.track_deg, aircraft.speed_mps, aircraft.vertical_rate_mps, GEO_MINUS_BARO_FT
        )
    if kind == "identification":
        return encode.identification(icao, aircraft.callsign)
    if kind == "status":
        return encode.operational_status(icao)
    if kind == "all-call":
        return encode.all_call(icao)
    return (
        encode.altitude_reply(icao, altitude_ft) if kind == "altitude" else encode.identity_reply(icao, aircraft.squawk)
    )


def _pulses(sent: Transmission) -> NDArray[np.float64]:
    """(5, N): start_s, width_s, amplitude, carrier phase at the start, carrier offset of each pulse of one message."""
    bits = np.unpackbits(np.frombuffer(sent.frame, dtype=np.uint8))
    data_s = _DATA_START_S + np.arange(len(bits)) * 1e-6 + np.where(bits == 1, 0.0, 0.5e-6)
    after_s = np.concatenate(([0.0, 1e-6, 3.5e-6, 4.5e-6], data_s))
    pulses = np.empty((5, len(after_s)))
    pulses[0], pulses[1], pulses[2] = sent.t_s + after_s, _PULSE_S, sent.amplitude_counts
    pulses[3] = sent.carrier_phase_rad + 2 * np.pi * sent.carrier_offset_hz * after_s
    pulses[4] = sent.carrier_offset_hz
    return pulses


def _filtered_step(age: NDArray[np.float64]) -> NDArray[np.float64]:
    """Answer of the receiver's raised-cosine filter to a step, `age` samples after it."""
    x = np.clip(age / 1.6, -0.5, 0.5)
    return x + 0.5 + np.sin(2 * np.pi * x) / (2 * np.pi)


def _to_bytes(counts: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(counts + CENTRE_COUNTS), 0, 255), dtype=np.uint8)


def _hash(seed: int, stream: int, a: NDArray[np.int64] | int, b: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """64 mixed bits of four numbers (SplitMix64 finaliser, Steele et al. 2014), vectorised over `a` and `b`."""
    with np.errstate(over="ignore"):
        x = np.asarray(a, dtype=np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = x + np.asarray(b, dtype=np.int64).astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        x = x + np.uint64((seed * 0x8CB92BA72F3D8DD7 + stream * 0xABC98388FB8FAC03) % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        return np.asarray(x ^ (x >> np.uint64(31)))
