"""The control room's screen: state in large letters, permission with its countdown, reasons, sensors, tracks. Pure."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.guard.payload import Sensors
from edge.watch.letters import large
from edge.watch.state import WatchState

TRACKS_OLD_S = 5.0
SHOWN_REASONS = 6
STATE_STYLE = {"CLEAR": "bold green", "CAUTION": "bold yellow", "HOLD": "bold red", "FAULT": "bold magenta"}
SENSOR_STYLE = {"OK": "green", "BLIND": "yellow", "STALE": "red", "DEAD": "bold red"}
_IDENTITY_STYLE = {"aircraft": "red", "unknown": "bold yellow"}


def render_watch(state: WatchState, mono_s: float) -> RenderableType:
    """The whole screen at `mono_s`; fits 80 columns."""
    shown, (may, sentence, left_s) = state.shown(mono_s), state.verdict(mono_s)
    style = STATE_STYLE.get(shown, "bold bright_black")
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
        table.add_row(name, Text(sensor.state, SENSOR_STYLE[sensor.state]), age, sensor.reason)
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
