"""The radio process: source -> frames -> table -> datagrams, for as long as nobody says stop.

Nothing gives up silently: a source that is refused or lost climbs the ladder of `sources/ladder.py`, and all the while
the health record says once a second what is wrong and what is done about it. Its last rung ends the process
(SourceStuck): whoever supervises it starts it again.
"""

from __future__ import annotations

import logging
import threading

from camera.sim.scenario import night
from edge.adsb.aircraft.height import Air
from edge.adsb.ear import Ear
from edge.adsb.outlets import Outlets
from edge.adsb.sim.librtlsdr import FAULT_FILE, SimLibrtlsdr, plug_in
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.beastfeed import BeastFeed
from edge.adsb.sources.feeds import Feed, IqFeed
from edge.adsb.sources.iq import (
    RecordingRefused,
    SourceBusy,
    SourceLost,
    SourceRefused,
    SourceStuck,
    SourceTimeout,
)
from edge.adsb.sources.ladder import Recovery
from edge.adsb.sources.recorded import RecordedIq
from edge.adsb.sources.rtl import RtlSource
from edge.adsb.sources.rtltcp import RtlTcpSource
from edge.config import Config
from edge.runtime.clock import Clock
from edge.runtime.datagram import DatagramSender
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, runtime_directory
from edge.runtime.usb import UsbBus

log = logging.getLogger(__name__)

READ_S = 0.2


def main(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Body of the process; returns when `stop` is set.

    Raises StartRefused where there is no place for its socket, and SourceStuck.
    """
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    section = config.radio
    samples = section.source in ("rtlsdr", "rtl_tcp", "sim", "iq")
    station = config.station
    ear = Ear(
        station.site,
        clock.mono_s(),
        expected_bytes_per_s=2.0 * section.sample_rate_hz if samples else None,
        air=Air(station.geoid_m, station.qnh_hpa, station.temperature_celsius, station.height_m),
    )
    outlets = Outlets(config, clock)
    feed = make_feed(config, clock)
    recovery = Recovery(None if feed is None else feed.plugged, ear.counters)
    is_open = False
    if feed is None:
        ear.failure = 'switched off: radio.source = "none"'
    notifier.ready()
    try:
        while not stop.is_set():
            if feed is None:
                stop.wait(READ_S)
            elif not is_open:
                if recovery.is_due(clock.mono_s()):
                    is_open = _open(feed, ear, recovery, clock)
                else:
                    stop.wait(READ_S)
            else:
                is_open = _read(feed, ear, outlets, recovery, clock)
            now_mono_s = clock.mono_s()
            records = ear.due(now_mono_s)
            health = ear.health(now_mono_s)
            if health is not None:
                ear.counters["datagrams_dropped"] = sender.dropped
                health = outlets.look(health, ear.table.states())
                notifier.status(f"{health.state} aircraft={health.aircraft} {health.reason}")
            if records or health is not None:
                sender.send(*records, *([] if health is None else [health]))
            notifier.beat()
    finally:
        notifier.stopping()
        if feed is not None:
            feed.close()
        outlets.close()
        sender.close()


def make_feed(config: Config, clock: Clock) -> Feed | None:
    """What `radio.source` asks for; None for "none"."""
    section = config.radio
    sky_rate = 1.0 if config.simulation is None else config.simulation.rate
    if section.source == "none":
        return None
    if section.source == "beast":
        return BeastFeed(clock, host=section.host, port=section.tcp_port, files=section.files, sky_rate=sky_rate)
    if section.source == "iq":
        return IqFeed(RecordedIq(section.files, section.sample_rate_hz, clock, sky_rate=sky_rate), sky_rate=sky_rate)
    if section.source == "rtl_tcp":
        return IqFeed(RtlTcpSource(section, clock, sky_rate=sky_rate), sky_rate=sky_rate)
    bus: UsbBus | None = None
    if section.source == "sim" and (simulation := config.simulation) is not None:
        scenario = night(
            simulation.seed,
            minutes=simulation.minutes,
            site=config.station.site,
            epoch_utc_ns=simulation.epoch_utc_ns,
        )
        signal = SkySignal(scenario, rate_hz=section.sample_rate_hz, sky_rate=sky_rate)
        fault_file = runtime_directory() / FAULT_FILE
        bus = library = SimLibrtlsdr(signal, clock, simulation.mono_zero_s, fault_file=fault_file)
        plug_in(library)
    source = RtlSource(section, clock, sky_rate=sky_rate, bus=bus)
    return IqFeed(source, sky_rate=sky_rate, plugged=source)


def _open(feed: Feed, ear: Ear, recovery: Recovery, clock: Clock) -> bool:
    try:
        feed.open()
    except (SourceRefused, SourceLost, SourceStuck, RecordingRefused) as err:
        ear.counters["open_failed"] += 1
        ear.failure = recovery.failed(err, clock.mono_s(), climb=not isinstance(err, SourceBusy))
        return False
    log.info("event=radio-open")
    ear.opened(clock.mono_s())
    ear.gain_db = feed.gain_db
    ear.counters["opened"] += 1
    return True


def _read(feed: Feed, ear: Ear, outlets: Outlets, recovery: Recovery, clock: Clock) -> bool:
    """False when the source was lost and is closed."""
    try:
        heard = feed.read(READ_S)
    except SourceTimeout:
        return True
    except SourceLost as err:
        ear.counters["lost"] += 1
        feed.close()
        ear.failure = recovery.failed(err, clock.mono_s())
        return False
    if heard.bytes:
        recovery.delivered(clock.mono_s())
    outlets.take(heard.frames, ear.take(heard, clock.mono_s(), feed.lost_blocks))
    ear.gain_db = feed.gain_db
    ear.counters.update({name: count - ear.counters[name] for name, count in feed.counters.items()})
    return True
