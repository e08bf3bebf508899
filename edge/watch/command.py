"""`skyspotter watch`: listens to one beam of one station and shows it, line by line or as a screen."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli_shared import broker_of
from edge.watch.screen import render_watch
from edge.watch.state import WatchState, as_record

if TYPE_CHECKING:
    from edge.publish.link import MqttLink

SETTLE_S = 6.0  # `--once`: three live messages take 1.5 s, the rest is for the broker and a box that just started
UNREACHED_S = 2.0


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

    host, port = broker_of(broker)
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


def _line(state: WatchState, mono_s: float) -> str:
    mark = "SIMULATION " if state.simulation else ""
    stamp = time.strftime("%H:%M:%SZ", time.gmtime())
    reasons = "; ".join(state.reasons(mono_s))
    return f"{stamp} {mark}{state.shown(mono_s)} {state.verdict(mono_s)[1]}{' - ' if reasons else ''}{reasons}"


def listen(state: WatchState, link: MqttLink, seconds: float) -> float:
    """Takes what arrives; gives the time after it."""
    for message in link.received(seconds):
        now_mono_s, now_utc_s = time.monotonic(), time.time()
        arrived_utc_s = now_utc_s - (now_mono_s - message.arrived_mono_s)
        state.take(message.topic, message.payload, message.retained, message.arrived_mono_s, arrived_utc_s)
    state.link, state.connected = link.state, link.connected
    return time.monotonic()


def _settle(state: WatchState, link: MqttLink) -> bool:
    begun = time.monotonic()
    while (now := listen(state, link, 0.1)) < begun + SETTLE_S:
        if state.holder.permitted(now)[0]:
            return True
        if not state.connected and now > begun + UNREACHED_S:
            return False
    return False


def _say_changes(state: WatchState, link: MqttLink, *, as_json: bool) -> None:
    said: object = None
    while True:
        now = listen(state, link, 0.1)
        codes = [] if state.safety is None else [reason.code for reason in state.safety.reasons]
        change = (state.verdict(now)[0], state.shown(now), codes, state.link)
        if change != said:
            said = change
            typer.echo(json.dumps(as_record(state, now)) if as_json else _line(state, now))


def _show(state: WatchState, link: MqttLink) -> None:
    from rich.live import Live

    with Live(render_watch(state, time.monotonic()), screen=True, auto_refresh=False) as live:
        while True:
            live.update(render_watch(state, listen(state, link, 0.1)), refresh=True)
