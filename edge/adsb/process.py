"""The radio process: source -> frames -> table -> datagrams, for as long as nobody says stop.

Nothing gives up silently: a source that is refused or lost is tried again with a growing pause, and all the while the
health record says once a second what is wrong. A driver that hangs ends the process (SourceStuck): whoever supervises
it starts it again.
"""

from __future__ import annotations

import logging
import threading

from camera.sim.scenario import night
from edge.adsb.ear import Ear
from edge.adsb.outlets import Outlets
from edge.adsb.sim.librtlsdr import FAULT_FILE, SimLibrtlsdr, plug_in
from edge.adsb.sim.signal import SkySignal
from edge.adsb.sources.feeds import BeastFeed, Feed, IqFeed
from edge.adsb.sources.iq import RecordedIq, RecordingRefused, SourceLost, SourceRefused, SourceTimeout
from edge.adsb.sources.rtl import RtlSource
from edge.config import Config
from edge.runtime.clock import Clock
from edge.runtime.datagram import DatagramSender
from edge.runtime.notify import Notifier
from edge.runtime.place import datagram_path, runtime_directory

log = logging.getLogger(__name__)

READ_S = 0.2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0


def main(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Body of the process; returns when `stop` is set.

    Raises StartRefused where there is no place for its socket, and SourceStuck.
    """
    sender, notifier = DatagramSender(datagram_path()), Notifier()
    section = config.radio
    samples = section.source in ("rtlsdr", "sim", "iq")
    ear = Ear(
        config.station.site, clock.mono_s(), expected_bytes_per_s=2.0 * section.sample_rate_hz if samples else None
    )
    outlets = Outlets(config, clock)
    feed = make_feed(config, clock)
    is_open, pause_s, retry_mono_s = False, FIRST_PAUSE_S, clock.mono_s()
    if feed is None:
        ear.failure = 'switched off: radio.source = "none"'
    notifier.ready()
    try:
        while not stop.is_set():
            if feed is None:
                stop.wait(READ_S)
            elif not is_open:
                if clock.mono_s() < retry_mono_s:
                    stop.wait(READ_S)
                elif is_open := _open(feed, ear, clock):
                    pause_s = FIRST_PAUSE_S
                else:
                    retry_mono_s, pause_s = clock.mono_s() + pause_s, min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                is_open = _read(feed, ear, outlets, clock)
                retry_mono_s = clock.mono_s() + pause_s
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
    if section.source == "sim" and (simulation := config.simulation) is not None:
        scenario = night(
            simulation.seed,
            minutes=simulation.minutes,
            site=config.station.site,
            epoch_utc_ns=simulation.epoch_utc_ns,
        )
        signal = SkySignal(scenario, rate_hz=section.sample_rate_hz, sky_rate=sky_rate)
        fault_file = runtime_directory() / FAULT_FILE
        plug_in(SimLibrtlsdr(signal, clock, simulation.mono_zero_s, fault_file=fault_file))
    return IqFeed(RtlSource(section, clock, sky_rate=sky_rate), sky_rate=sky_rate)


def _open(feed: Feed, ear: Ear, clock: Clock) -> bool:
    try:
        feed.open()
    except (SourceRefused, SourceLost, RecordingRefused) as err:
        if ear.failure != str(err):
            log.warning("radio not opened reason=%s", err)
        ear.failure = str(err)
        ear.counters["open_failed"] += 1
        return False
    log.info("radio opened")
    ear.opened(clock.mono_s())
    ear.gain_db = feed.gain_db
    ear.counters["opened"] += 1
    return True


def _read(feed: Feed, ear: Ear, outlets: Outlets, clock: Clock) -> bool:
    """False when the source was lost and is closed."""
    try:
        heard = feed.read(READ_S)
    except SourceTimeout:
        return True
    except SourceLost as err:
        log.warning("radio lost reason=%s", err)
        ear.failure = str(err)
        ear.counters["lost"] += 1
        feed.close()
        return False
    outlets.take(heard.frames, ear.take(heard, clock.mono_s(), feed.lost_blocks))
    return True
