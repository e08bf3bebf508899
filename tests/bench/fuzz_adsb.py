"""The ear against a fuzzer that sees which lines it reaches: `make fuzz`, or `python -m tests.bench.fuzz_adsb TARGET`.

  beast   bytes of a TCP stream -> parser -> address book -> decoding -> table
  frames  frames whose parity holds and whose fields say anything, at any pace -> decoding -> table -> where it is now
  cpr     pairs and sequences of position fields -> places
  samples bytes as 8-bit IQ -> demodulator

A finding is an exception, a record that is not valid, a place beyond the radio horizon, or memory without bound. Needs
atheris, which the target of the Makefile installs (a wheel for Python up to 3.13 on x86-64 and aarch64); it is no
dependency. Further arguments go to libFuzzer: `-max_total_time=600`, a corpus folder, an input to reproduce.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import isfinite
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge.adsb", "pyModeS"], enable_loader_override=False):
    import numpy as np

    from camera.geodesy import Site
    from edge.adsb import cpr
    from edge.adsb.aircraft.positions import RANGE_M, distance_m
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
    """Each step: a format, an address of three, how long since the last, and a payload."""
    source = atheris.FuzzedDataProvider(data)
    ear, t_s = Ear(SITE, 0.0, expected_bytes_per_s=None), 100.0
    while source.remaining_bytes() >= 10:
        t_s += source.ConsumeIntInRange(0, 255) / 50.0
        format_, address = source.PickValueInList(list(_FORMATS)), 0x4D2020 + source.ConsumeIntInRange(0, 2)
        head = bytes([format_ << 3 | source.ConsumeIntInRange(0, 7)])
        payload = source.ConsumeBytes(7).ljust(7, b"\0")
        if format_ in PARITY_FORMATS:
            message = with_parity(head + payload[:3] + (payload if format_ >= 16 else b""), address)
        else:
            message = with_parity(head + address.to_bytes(3, "big") + (b"" if format_ == 11 else payload))
        frame = ModeSFrame(message, t_s * TICK_HZ, -20.0 - source.ConsumeIntInRange(0, 15))
        ear.learn([TimedFrame(frame, t_s, round(t_s * 1e9))])
        for state in ear.due(t_s):
            check(state, round(t_s * 1e9))


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
    steps = b"".join(bytes(message[4:11].ljust(7, b"\0") + b"\x00\x05\x00\x00\x19") for message in messages)
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
