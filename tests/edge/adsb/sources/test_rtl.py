"""The real pyrtlsdr class over the simulated library, on a virtual clock."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest

from camera.geodesy import enu_to_azel, geodetic_to_enu
from camera.sim.scenario import EPOCH_UTC_NS, night
from edge.adsb.ear import Ear
from edge.adsb.sim.librtlsdr import SimFaults, SimLibrtlsdr, plug_in
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources import gain, rtl
from edge.adsb.sources.feeds import IqFeed
from edge.adsb.sources.iq import (
    BLOCK_SAMPLES,
    SourceBusy,
    SourceLost,
    SourceRefused,
    SourceStuck,
    SourceTimeout,
)
from edge.adsb.sources.rtl import RtlSource
from edge.config import RadioSection
from edge.runtime import usb

RATE = 2_400_000


class VirtualClock:
    """Only moves when told to. The sky's epoch is at 0."""

    def __init__(self, mono_s: float) -> None:
        self.now_s = mono_s

    def mono_s(self) -> float:
        return self.now_s

    def utc_ns(self) -> int:
        return EPOCH_UTC_NS + round(self.now_s * 1e9)


class Bench:
    """A dongle whose time goes on as soon as its last blocks have been read."""

    def __init__(self, seed: int = 1, start_s: float = 60.0, **section) -> None:
        self.clock = VirtualClock(start_s)
        self.scenario = night(seed)
        self.faults = SimFaults()
        self.section = RadioSection(source="sim", **section)
        signal = SkySignal(self.scenario, rate_hz=self.section.sample_rate_hz)
        self.library = SimLibrtlsdr(signal, self.clock, 0.0, faults=self.faults, wait=self._wait)
        self.source = RtlSource(self.section, self.clock, bus=self.library)
        self.unplug = plug_in(self.library)
        self.closing = False

    def _wait(self, mono_s: float) -> None:
        while self.source.backlog > 4 and not self.closing:
            time.sleep(0.0005)
        if not self.closing:
            self.clock.now_s = max(self.clock.now_s, mono_s)

    def close(self) -> None:
        self.closing = True
        self.source.close()
        self.unplug()


def drain(source: RtlSource) -> None:
    for _ in range(400):
        with contextlib.suppress(SourceTimeout):
            source.read(0.05)


@pytest.fixture
def bench():
    benches = []

    def make(**options) -> Bench:
        benches.append(Bench(**options))
        return benches[-1]

    yield make
    for one in benches:
        one.close()


@pytest.mark.parametrize(("seed", "rate_hz"), [(1, RATE), (2, RATE), (3, 2_000_000)])
def test_every_transponder_aircraft_is_found_where_it_truly_was(bench, seed, rate_hz):
    b = bench(seed=seed, sample_rate_hz=rate_hz)
    feed = IqFeed(b.source, sky_rate=1.0)
    ear = Ear(b.scenario.site, b.clock.mono_s(), expected_bytes_per_s=2.0 * rate_hz)
    feed.open()
    while b.clock.mono_s() < 64.0:
        ear.take(feed.read(5.0), b.clock.mono_s(), feed.lost_blocks)
    found = {state.icao: state for state in ear.table.states()}
    flying = {plane.icao: plane for plane in b.scenario.aircraft if plane.transponder}
    assert set(found) <= set(flying)
    expected = 0
    for icao, plane in flying.items():
        enu_m = plane.enu_m(64.0, b.scenario.site)
        if enu_to_azel(enu_m)[1] < 5.0 or np.linalg.norm(enu_m) > 60e3:
            continue
        expected += 1
        state = found[icao]
        t_s = (state.position_utc_ns - EPOCH_UTC_NS) / 1e9
        assert t_s == pytest.approx(state.position_mono_s, abs=1e-6)
        assert 64.0 - t_s < 1.5
        heard_m = geodetic_to_enu(state.latitude_deg, state.longitude_deg, state.height_m, b.scenario.site)
        assert np.linalg.norm(heard_m - plane.enu_m(t_s, b.scenario.site)) < 60.0
        assert state.speed_mps == pytest.approx(plane.speed_mps, abs=1.5)
        assert state.callsign in (plane.callsign, None)
        assert state.squawk in (plane.squawk, None)
    assert expected >= 2


def test_samples_are_counted_and_stamped_without_a_gap(bench):
    b = bench(serial="SIM01090", gain_db=49.6, ppm=3, bias_tee=True)
    b.source.open()
    assert b.source.gain_db == 49.6
    assert b.library.rtlsdr_get_freq_correction(None) == 3
    blocks = [b.source.read(5.0) for _ in range(3)]
    assert [block.first_sample for block in blocks] == [0, BLOCK_SAMPLES, 2 * BLOCK_SAMPLES]
    for block in blocks:
        assert block.mono_s == pytest.approx(60.0 + block.first_sample / RATE, abs=1e-6)
        assert (block.utc_ns - EPOCH_UTC_NS) / 1e9 == pytest.approx(block.mono_s, abs=1e-6)


def test_an_absent_or_foreign_dongle_is_refused_in_words(bench):
    b = bench()
    b.faults.absent = True
    with pytest.raises(SourceRefused, match="first dongle cannot be opened"):
        b.source.open()
    other = bench(serial="NOT-THERE")
    with pytest.raises(SourceRefused, match="dongle NOT-THERE cannot be opened"):
        other.source.open()


def test_a_dongle_pulled_out_is_lost_and_found_again(bench):
    b = bench()
    b.source.open()
    b.source.read(5.0)
    b.faults.absent = True
    with pytest.raises(SourceLost, match="gone"):
        drain(b.source)
    b.source.close()
    b.faults.absent = False
    b.source.open()
    assert b.source.read(5.0).first_sample == 0


def test_a_dongle_that_delivers_nothing_is_lost_after_two_seconds(bench):
    b = bench()
    b.source.open()
    b.faults.stalled = True
    with pytest.raises(SourceLost, match="stalled"):
        drain(b.source)


def test_blocks_without_room_are_counted_and_the_time_goes_on(bench):
    b = bench()
    b.source.open()
    b.closing = True  # the dongle waits for nobody
    while b.source.lost_blocks < 3:
        time.sleep(0.001)
    b.closing = False
    firsts = [b.source.read(5.0).first_sample for _ in range(36)]
    assert firsts == sorted(firsts)
    assert firsts[0] >= 3 * BLOCK_SAMPLES  # the newest are worth more


def test_blocks_that_vanish_on_the_bus_are_found_and_stamps_stay_right(bench):
    b = bench()
    b.source.open()
    for _ in range(40):
        b.source.read(5.0)
    b.faults.lose_blocks = 3
    blocks = [b.source.read(5.0) for _ in range(40)]
    jumps = np.diff([block.first_sample for block in blocks]) // BLOCK_SAMPLES - 1
    assert sorted(jumps)[-2:] == [0, 3]
    assert blocks[-1].mono_s == pytest.approx(60.0 + blocks[-1].first_sample / RATE, abs=1e-4)
    assert (b.source.lost_blocks, b.source.counters["gaps"]) == (3, 1)


@pytest.mark.parametrize("start_db", [0.0, 49.6])
def test_the_gain_finds_its_band_from_either_end(bench, monkeypatch, start_db):
    monkeypatch.setattr(gain, "WINDOW_S", 0.2)
    monkeypatch.setattr(gain, "SETTLE_S", 0.35)
    b = bench()
    b.source.gain_db = start_db
    feed = IqFeed(b.source, sky_rate=1.0)
    feed.open()
    assert b.source.gain_db == start_db
    for _ in range(90):
        noise_dbfs = feed.read(5.0).noise_dbfs
    assert gain.LOW_DBFS <= noise_dbfs <= gain.HIGH_DBFS
    assert b.source.counters["gain_steps"] >= 2
    assert feed.gain_db == b.library.rtlsdr_get_tuner_gain(None) / 10
    b.closing = True
    feed.close()
    b.closing = False
    feed.open()
    assert feed.gain_db == b.source.gain_db != start_db


def test_a_dongle_whose_reader_hangs_is_stuck_until_it_is_reset(bench, monkeypatch):
    monkeypatch.setattr(rtl, "_JOIN_S", 0.2)
    b = bench()
    b.source.open()
    b.source.read(5.0)
    b.faults.hung = True
    b.clock.now_s += 3.0
    with pytest.raises(SourceLost, match="stalled"):
        drain(b.source)
    b.source.close()
    with pytest.raises(SourceStuck, match="hangs inside librtlsdr"):
        b.source.open()
    assert b.source.is_plugged_in()
    b.source.usb_reset()
    b.source._reader.join(5.0)
    b.source.open()
    assert b.source.read(5.0).first_sample == 0
    assert b.library.resets == 1


def test_the_bias_tee_is_off_unless_asked_for_and_off_again_in_the_end(bench):
    plain = bench()
    plain.library.bias_tee = True  # left on by somebody else
    plain.source.open()
    assert not plain.library.bias_tee
    plain.close()
    feeding = bench(bias_tee=True)
    feeding.source.open()
    assert feeding.library.bias_tee
    feeding.source.close()
    assert not feeding.library.bias_tee


def test_a_dongle_in_other_hands_is_left_alone(bench):
    b = bench()
    other = RtlSource(b.section, b.clock, bus=b.library)
    b.source.open()
    with pytest.raises(SourceBusy, match="in use by another program"):
        other.open()


def test_opened_and_closed_at_once_leaves_nothing_behind(bench):
    b = bench()
    for _ in range(5):
        b.source.open()
        b.source.close()
        assert not b.source._reader.is_alive()


def test_a_deaf_dongle_is_not_lost_but_has_no_noise(bench):
    b = bench(gain_db=38.6)
    b.faults.deaf = True
    feed = IqFeed(b.source, sky_rate=1.0)
    feed.open()
    assert max(feed.read(5.0).noise_dbfs for _ in range(5)) < -42.0


def test_a_dongle_that_repeats_its_samples_is_lost(bench):
    b = bench()
    b.source.open()
    block = b.source.read(5.0)
    b.source._arrivals.put(block.data)
    with pytest.raises(SourceLost, match="the same samples"):
        drain(b.source)


def test_no_rung_of_the_ladder_outlasts_the_watchdog():
    watchdog_s = 10.0  # WatchdogSec of skyspotter-radio.service
    longest_s = max(usb._RESET_S, rtl._POWER_OFF_S + usb._UHUBCTL_S)
    assert rtl._JOIN_S + longest_s < watchdog_s
