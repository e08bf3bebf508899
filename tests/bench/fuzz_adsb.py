"""The ear against a fuzzer that sees which lines it reaches: `make fuzz`, or `python -m tests.bench.fuzz_adsb TARGET`.

  beast   bytes of a TCP stream -> parser -> address book -> decoding -> table
  frames  frames whose parity holds and whose fields say anything, at any pace -> decoding -> table -> where it is now
  cpr     pairs and sequences of position fields -> places
  samples bytes as 8-bit IQ -> demodulator

A finding is an exception, a record that is not valid, a place beyond the radio horizon, one out of an aircraft's reach
that is not flagged, or memory without bound. Needs atheris, which the Makefile installs for it (wheels for x86-64
and aarch64); it is no dependency. Further arguments go to libFuzzer: `-max_total_time=600`, an input to reproduce. What
it learned stays in build/fuzz.

Run of 21 November 2026, atheris 3.0.0, Python 3.11, one shared core (edges reached in edge.adsb and pyModeS):
  frames   621 s    30 739 runs   841 edges   80 MB   and 1022 s, 375 757 runs of a form without places of its choice
  beast    151 s   114 749 runs   564 edges   78 MB
  cpr       61 s 2 739 031 runs    14 edges   77 MB
  samples  121 s   102 753 runs    76 edges  946 MB: the fuzzer's own; the same inputs without it stay at 57 MB
One finding, repaired: the speed an aircraft claims opened the gate of its positions without bound. None since.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from math import isfinite
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge.adsb", "pyModeS"], enable_loader_override=False):
    import numpy as np

    from camera.geodesy import Site
    from edge.adsb import cpr
    from edge.adsb.aircraft.positions import FASTEST_OF_ALL_MPS, LOCAL_S, RANGE_M, Fix, distance_m, reachable
    from edge.adsb.decode import decode
    from edge.adsb.ear import Ear, TimedFrame
    from edge.adsb.frames import ADDRESS_LIMIT, PARITY_FORMATS, PENDING_LIMIT, TICK_HZ, AddressBook, ModeSFrame
    from edge.adsb.motion import Place, at
    from edge.adsb.signal.crc import with_parity
    from edge.adsb.signal.demod import Demodulator
    from edge.adsb.sim import encode
    from edge.adsb.sources.beast import BeastParser
    from edge.records import AircraftState

SITE = Site(40.5, -3.1, 900.0)
_FORMATS = (17, 17, 17, 17, 18, 11, 0, 4, 5, 16, 20, 21)


def check(state: AircraftState, utc_ns: int) -> None:
    """A state that was told is valid, finite and near enough to be heard."""
    AircraftState.model_validate(state.model_dump())
    if state.latitude_deg is not None and state.longitude_deg is not None:
        assert distance_m(SITE, Site(state.latitude_deg, state.longitude_deg, 0.0)) <= RANGE_M + 40_000.0
    place = at(state, SITE, utc_ns)
    if isinstance(place, Place):
        assert all(map(isfinite, (place.azimuth_deg, place.elevation_deg, place.range_m, place.sigma_deg)))
        assert place.sigma_deg > 0


def beast(data: bytes) -> None:
    parser, addresses = BeastParser(), AddressBook()
    ear = Ear(SITE, 0.0, expected_bytes_per_s=None)
    cut = len(data) // 3
    for part in (data[:cut], data[cut:]):
        for frame in parser.feed(part):
            addresses.forget(frame.sample)
            t_s = frame.sample / TICK_HZ
            ear.learn([TimedFrame(one, t_s, round(t_s * 1e9)) for one in addresses.judge(frame)])
    assert len(parser._body) <= 21
    assert len(addresses.known) <= ADDRESS_LIMIT
    assert len(addresses._pending) <= PENDING_LIMIT
    for state in ear.table.states():
        check(state, state.position_utc_ns or 0)


def frames(data: bytes) -> None:
    """Records of 12 bytes: how long since the last (0.02 s), kind and address, and ten bytes that say the rest. Between
    two places nobody may be faster than an aircraft without being flagged."""
    ear, t_s, before = Ear(SITE, 0.0, expected_bytes_per_s=None), 100.0, dict[str, Fix]()
    for step, which, rest in struct.iter_unpack("BB10s", data[: len(data) // 12 * 12]):
        t_s += step / 50.0
        frame = ModeSFrame(_message(which >> 2, 0x4D2020 + (which & 3), rest), t_s * TICK_HZ, -rest[9] / 6.0)
        for state in (one.state for one in ear.learn([TimedFrame(frame, t_s, round(t_s * 1e9))])):
            check(state, round(t_s * 1e9))
            if state.position_mono_s != t_s or state.latitude_deg is None or state.longitude_deg is None:
                continue
            fix = Fix(state.latitude_deg, state.longitude_deg, round(t_s * 1e9), t_s)
            earlier = before.get(state.key)
            near = earlier is None or t_s - earlier.mono_s > LOCAL_S or reachable(earlier, fix, FASTEST_OF_ALL_MPS)
            assert near or "jump" in state.flags
            before[state.key] = fix


def _message(kind: int, address: int, rest: bytes) -> bytes:
    """A place or a velocity of the fuzzer's choice, else a frame that says anything."""
    if kind < 16:
        north, east, altitude = struct.unpack(">hhH", rest[:6])
        latitude, longitude = SITE.latitude_deg + north / 5000, SITE.longitude_deg + east / 5000
        return encode.position(address, latitude, longitude, altitude, rest[6] & 1)
    if kind < 24:
        track_deg, speed_mps, climb_mps = struct.unpack(">HHb", rest[:5])
        return encode.velocity(address, track_deg, speed_mps % 500, climb_mps, 25 * (rest[5] - 128))
    format_ = _FORMATS[kind % len(_FORMATS)]
    head = bytes([format_ << 3 | rest[0] & 7])
    if format_ in PARITY_FORMATS:
        return with_parity(head + (rest[1:11].ljust(10, b"\0") if format_ >= 16 else rest[1:4]), address)
    return with_parity(head + address.to_bytes(3, "big") + (b"" if format_ == 11 else rest[1:8]))


def places(data: bytes) -> None:
    source = atheris.FuzzedDataProvider(data)
    y0, x0, y1, x1 = (source.ConsumeIntInRange(0, 131_071) for _ in range(4))
    place = cpr.decode_pair((y0, x0), (y1, x1), odd_is_newer=source.ConsumeBool())
    assert place is None or (-90 <= place[0] <= 90 and -180 <= place[1] < 180)
    near = source.ConsumeFloatInRange(-90, 90), source.ConsumeFloatInRange(-180, 180)
    place = cpr.decode_local(y0, x0, int(source.ConsumeBool()), near, surface=source.ConsumeBool())
    assert -135 <= place[0] <= 135
    assert -180 <= place[1] < 180


def samples(data: bytes) -> None:
    demodulator = Demodulator()
    iq = np.frombuffer(data[: len(data) // 2 * 2], dtype=np.uint8)
    for part in np.array_split(iq[: len(iq) // 4 * 4], 2):
        found = demodulator.feed(part[: len(part) // 2 * 2])
        assert all(decode(frame) is None or len(frame.data) in (7, 14) for frame in found)
    demodulator.finish()


TARGETS: dict[str, Callable[[bytes], None]] = {"beast": beast, "frames": frames, "cpr": places, "samples": samples}


def _seeds(target: str, folder: Path) -> None:
    """Something well-formed to start from."""
    folder.mkdir(parents=True, exist_ok=True)
    icao = 0x4D2023
    messages = [encode.position(icao, 40.9, -3.0 + 0.001 * i, 35_000, i & 1) for i in range(6)]
    messages += [encode.velocity(icao, 90.0, 200.0, 0.0, 250), encode.operational_status(icao), encode.all_call(icao)]
    messages += [encode.identification(icao, "SEED1"), encode.altitude_reply(icao, 35_000)]
    stream = b""
    for i, message in enumerate([*messages, *messages]):
        body = (i * 6_000_000).to_bytes(6, "big") + b"\x60" + message
        stream += b"\x1a" + (b"3" if len(message) == 14 else b"2") + body.replace(b"\x1a", b"\x1a\x1a")
    steps = b""  # two aircraft, one of which is at two places in turn; and one message of each kind
    for i in range(40):
        place = struct.pack(">hhHB3s", 300 + i, 2000 * (i // 8 % 2), 35_000, i & 1, b"\0\0\x60")
        flight = struct.pack(">HHbB4s", 90, 200, 0, 132, b"\0\0\0\x60")
        steps += bytes([12, i & 1]) + place + bytes([2, 16 << 2 | i & 1]) + flight
    for k, message in enumerate(messages):
        steps += bytes([5, (24 + k) << 2]) + b"\x05" + message[4:11].ljust(7, b"\0") + b"\0\x60"
    rng = np.random.default_rng(1)
    noise = rng.normal(127.5, 3, 4000).clip(0, 255).astype(np.uint8).tobytes()
    seed = {"beast": stream, "frames": steps, "cpr": bytes(range(40)), "samples": noise}[target]
    (folder / "seed").write_bytes(seed)


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in TARGETS:
        sys.exit(f"give one of {', '.join(TARGETS)}, and what libFuzzer is to be told")
    target = arguments[0]
    corpus = Path("build/fuzz") / target
    _seeds(target, corpus)
    atheris.Setup([sys.argv[0], *arguments[1:], str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
