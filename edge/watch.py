"""The control room's subscriber: state in large letters, permission with its countdown, reasons, sensors, tracks.

It follows the consumer's rule (`edge.guard.consumer`) to the letter, so what it shows is what an interlock may do. It
only listens. `WatchState` keeps what was heard, `render_watch` is pure.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.demo.letters import large
from edge.guard.consumer import PermitHolder
from edge.guard.payload import SafetyMessage, Sensors, StatusMessage, TracksMessage
from edge.publish.topics import SAFETY, STATUS, TRACKS, topic_root

if TYPE_CHECKING:
    from edge.publish.link import MqttLink

SILENT_S = 2.0  # a state is not shown as the present one for longer than this
TRACKS_OLD_S = 5.0
SHOWN_REASONS = 6
SETTLE_S = 6.0  # `--once`: three live messages take 1.5 s, the rest is for the broker and a box that just started
UNREACHED_S = 2.0
_STATE_STYLE = {"CLEAR": "bold green", "CAUTION": "bold yellow", "HOLD": "bold red", "FAULT": "bold magenta"}
_SENSOR_STYLE = {"OK": "green", "BLIND": "yellow", "STALE": "red", "DEAD": "bold red"}
_IDENTITY_STYLE = {"aircraft": "red", "unknown": "bold yellow"}


@dataclass
class WatchState:
    """What was heard of one beam of one station. Times are this machine's CLOCK_MONOTONIC."""

    station: str
    beam: str
    simulation: bool = False
    link: str = "connecting"
    connected: bool = False
    safety: SafetyMessage | None = None
    safety_mono_s: float = 0.0
    tracks: TracksMessage | None = None
    tracks_mono_s: float = 0.0
    status: StatusMessage | None = None
    unreadable: int = 0
    holder: PermitHolder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = PermitHolder(station=self.station, beam=self.beam, simulation=self.simulation)

    def topics(self) -> dict[str, type[SafetyMessage] | type[TracksMessage] | type[StatusMessage]]:
        root = topic_root(self.station, simulation=self.simulation)
        return {
            SAFETY.path(root, self.beam): SafetyMessage,
            TRACKS.path(root, self.beam): TracksMessage,
            STATUS.path(root): StatusMessage,
        }

    def take(self, topic: str, payload: bytes, retained: bool, mono_s: float, utc_s: float) -> None:
        """One message as it arrived. The holder sees every one on the safety topic, good or bad."""
        kind = self.topics().get(topic)
        if kind is SafetyMessage:
            self.holder.receive(payload, retained, mono_s, utc_s)
        if kind is None or (retained and kind is not StatusMessage):
            return
        try:
            message = kind.model_validate_json(payload)
        except ValidationError:
            self.unreadable += 1
            return
        if isinstance(message, SafetyMessage):
            self.safety, self.safety_mono_s = message, mono_s
        elif isinstance(message, TracksMessage):
            self.tracks, self.tracks_mono_s = message, mono_s
        else:
            self.status = message

    def shown(self, mono_s: float) -> str:
        """CLEAR, CAUTION, HOLD, FAULT; SILENT when nobody has spoken for two seconds."""
        silent = self.safety is None or mono_s - self.safety_mono_s > SILENT_S
        return "SILENT" if silent or self.safety is None else self.safety.state

    def verdict(self, mono_s: float) -> tuple[bool, str, float]:
        """May somebody lase, the sentence for it, and the seconds left of the lease."""
        may, why_not, left_s = self.holder.permitted(mono_s)
        if may:
            return True, "PERMIT", left_s
        message = self.safety
        if why_not.startswith(("CLEAR", "CAUTION")) and message is not None and message.mode == "SHADOW":
            why_not = f"mode SHADOW never permits; it would be {message.state}"
        return False, f"DO NOT LASE: {why_not}", left_s

    def reasons(self, mono_s: float) -> list[str]:
        """In words, worst first."""
        if not self.connected:
            return [self.link]
        if self.shown(mono_s) == "SILENT" or self.safety is None:
            return [self._silence(mono_s)]
        return [reason.words for reason in self.safety.reasons]

    def _silence(self, mono_s: float) -> str:
        heard = self.safety is not None
        silent = f"nothing heard for {mono_s - self.safety_mono_s:.0f} s" if heard else "nothing heard yet"
        if self.status is not None and self.status.status == "offline":
            return f"{silent}; the box said good-bye"
        return silent if heard else f"{silent} on {next(iter(self.topics()))}: is this the station's id and beam?"


# -- the screen --------------------------------------------------------------------------------------------------------


def render_watch(state: WatchState, mono_s: float) -> RenderableType:
    """The whole screen at `mono_s`; fits 80 columns."""
    shown, (may, sentence, left_s) = state.shown(mono_s), state.verdict(mono_s)
    style = _STATE_STYLE.get(shown, "bold bright_black")
    rows: list[RenderableType] = []
    if state.simulation:
        rows.append(Text(" SIMULATION: not the sky, never for a real laser ", "bold black on yellow"))
    rows += [Text(), large(shown, style, double=True), Text()]
    rows.append(Text(sentence, "bold black on green" if may else "bold white on red"))
    if may:
        rows.append(_countdown(left_s))
    message = state.safety
    if message is not None and shown != "SILENT":
        facts = [f"mode {message.mode}", f"basis {message.basis}", f"seq {message.seq}", f"boot {message.boot_id[:8]}"]
        rows.append(Text("   ".join(facts), "bright_black"))
        if message.closest is not None:
            near = message.closest
            words = (
                f"nearest: {near.label or near.id} ({near.identity}) {near.separation_deg:.1f}° in {near.in_s:.0f} s"
            )
            rows.append(Text(words, "yellow" if shown == "CAUTION" else ""))
        if message.caution_in_s is not None:
            rows.append(
                Text(f"time left: {max(0.0, message.caution_in_s - (mono_s - state.safety_mono_s)):.0f} s", style)
            )
    reasons = state.reasons(mono_s)
    rows += [Text(f"- {words}", style) for words in reasons[:SHOWN_REASONS]]
    if len(reasons) > SHOWN_REASONS:
        rows.append(Text(f"- and {len(reasons) - SHOWN_REASONS} more: `skyspotter status` on the box", style))
    title = f"{state.station} / {state.beam}"
    top = Panel(Group(*rows), title=title, title_align="left", subtitle=state.link, border_style=style)
    if message is None:
        return top
    return Group(top, _sensors(message.sensors, mono_s - state.safety_mono_s), _tracks(state, mono_s))


def _countdown(left_s: float) -> Text:
    full = 30
    lit = max(0, min(full, round(full * left_s / 1.5)))
    return Text.assemble(("█" * lit, "green"), ("░" * (full - lit), "bright_black"), f" {left_s:.1f} s")


def _sensors(sensors: Sensors, since_s: float) -> Panel:
    """Ages go on growing while the station is silent."""
    table = Table.grid(padding=(0, 2), expand=True)
    for ratio in (None, None, None, 1):
        table.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
    for name in ("camera", "radio", "clock", "plate", "pointing"):
        sensor = getattr(sensors, name)
        age = "" if sensor.age_s is None else f"{sensor.age_s + since_s:.1f} s"
        table.add_row(name, Text(sensor.state, _SENSOR_STYLE[sensor.state]), age, sensor.reason)
    return Panel(table, title="sensors", title_align="left", border_style="bright_black")


def _tracks(state: WatchState, mono_s: float) -> RenderableType:
    message = state.tracks
    if message is None or mono_s - state.tracks_mono_s > TRACKS_OLD_S:
        return Panel(Text("no list of tracks", "yellow"), title="tracks", title_align="left")
    if message.tracks is None:
        return Panel(Text("nobody can say what is on the sky", "yellow"), title="tracks", title_align="left")
    table = Table(expand=True, box=None, header_style="bright_black", pad_edge=False)
    table.add_column("who", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("identity", no_wrap=True)
    for name in ("azimuth", "elevation", "from beam", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    nearest = sorted(message.tracks, key=lambda t: 999.0 if t.separation_deg is None else t.separation_deg)
    for track in nearest[:15]:
        beam = "" if track.separation_deg is None else f"{track.separation_deg:.1f}°"
        table.add_row(
            track.label or track.id,
            Text(track.identity, _IDENTITY_STYLE.get(track.identity, "cyan")),
            f"{track.azimuth_deg:.0f}°",
            f"{track.elevation_deg:.0f}°",
            beam,
            f"{track.age_s + mono_s - state.tracks_mono_s:.0f} s",
        )
    title = f"tracks: {len(message.tracks)}, nearest to the beam first"
    return Panel(table, title=title, title_align="left", border_style="bright_black")


# -- the command -------------------------------------------------------------------------------------------------------


def as_record(state: WatchState, mono_s: float) -> dict[str, Any]:
    """For programs: one object a change."""
    may, sentence, left_s = state.verdict(mono_s)
    return {
        "may_lase": may,
        "sentence": sentence,
        "remaining_s": round(left_s, 2),
        "state": state.shown(mono_s),
        "reasons": state.reasons(mono_s),
        "simulation": state.simulation,
        "link": state.link,
    }


def _line(state: WatchState, mono_s: float) -> str:
    mark = "SIMULATION " if state.simulation else ""
    stamp = time.strftime("%H:%M:%SZ", time.gmtime())
    reasons = "; ".join(state.reasons(mono_s))
    return f"{stamp} {mark}{state.shown(mono_s)} {state.verdict(mono_s)[1]}{' - ' if reasons else ''}{reasons}"


def watch_command(
    station: Annotated[str, typer.Option(metavar="ID", help="station.id of the box.")],
    broker: Annotated[str, typer.Option(metavar="HOST[:PORT]")] = "127.0.0.1:1883",
    beam: Annotated[str, typer.Option()] = "main",
    simulation: Annotated[bool, typer.Option("--simulation", help="Watch a demo or a replay, and only that.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per change.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Say it once; exit code 0: permitted, 1: not.")] = False,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", metavar="FILE", help="TLS with this authority.")] = None,
    username: Annotated[str | None, typer.Option(help="Its password: $SKYSPOTTER_MQTT_PASSWORD.")] = None,
) -> None:
    """For the control room: the permission as the contract says it, countdown, reasons, sensors, tracks."""
    from edge.config import NAME_PATTERN, MqttSection
    from edge.publish.link import MqttLink, credential_password

    host, port = _address(broker)
    for option, name in (("--station", station), ("--beam", beam)):
        if not re.fullmatch(NAME_PATTERN, name):
            raise typer.BadParameter(f"{name!r}: a-z, 0-9 and -, at most 32 characters", param_hint=option)
    state = WatchState(station, beam, simulation)
    link = MqttLink(
        MqttSection(host=host, port=port, ca_file=ca_file, username=username),
        client_id=f"skyspotter-watch-{uuid.uuid4().hex[:8]}",
        subscriptions=[(topic, 0) for topic in state.topics()],
        password=os.environ.get("SKYSPOTTER_MQTT_PASSWORD") or credential_password(),
    )
    link.start()
    try:
        if once:
            may = _settle(state, link)
            now = time.monotonic()
            typer.echo(json.dumps(as_record(state, now)) if as_json else _line(state, now))
            raise typer.Exit(0 if may else 1)
        if as_json or not sys.stdout.isatty():
            _say_changes(state, link, as_json=as_json)
        else:
            _show(state, link)
    except KeyboardInterrupt:
        pass
    finally:
        link.stop()


def _listen(state: WatchState, link: MqttLink, seconds: float) -> float:
    """Takes what arrives; gives the time after it."""
    for message in link.received(seconds):
        now_mono_s, now_utc_s = time.monotonic(), time.time()
        arrived_utc_s = now_utc_s - (now_mono_s - message.arrived_mono_s)
        state.take(message.topic, message.payload, message.retained, message.arrived_mono_s, arrived_utc_s)
    state.link, state.connected = link.state, link.connected
    return time.monotonic()


def _settle(state: WatchState, link: MqttLink) -> bool:
    begun = time.monotonic()
    while (now := _listen(state, link, 0.1)) < begun + SETTLE_S:
        if state.holder.permitted(now)[0]:
            return True
        if not state.connected and now > begun + UNREACHED_S:
            return False
    return False


def _say_changes(state: WatchState, link: MqttLink, *, as_json: bool) -> None:
    said: object = None
    while True:
        now = _listen(state, link, 0.1)
        codes = [] if state.safety is None else [reason.code for reason in state.safety.reasons]
        change = (state.verdict(now)[0], state.shown(now), codes, state.link)
        if change != said:
            said = change
            typer.echo(json.dumps(as_record(state, now)) if as_json else _line(state, now))


def _show(state: WatchState, link: MqttLink) -> None:
    from rich.live import Live

    with Live(render_watch(state, time.monotonic()), screen=True, auto_refresh=False) as live:
        while True:
            live.update(render_watch(state, _listen(state, link, 0.1)), refresh=True)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "1883")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{text!r} is no HOST[:PORT]", param_hint="--broker")
    return host.strip("[]"), int(port)
