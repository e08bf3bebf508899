"""The demo's live picture of the station: a screen that fits any terminal, or one line per change where there is none.

What is shown arrived over MQTT, as it would in a control room; only the words that tell a newcomer where to look come
from the scenario. `Screen` keeps what was heard, `render` is pure and never larger than it is told.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError
from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from camera.geodesy import small_circle
from edge.demo.skymap import Curve, Mark, sky_map
from edge.guard.payload import SafetyMessage, Track, TracksMessage
from edge.watch.letters import large
from edge.watch.screen import SENSOR_STYLE, STATE_STYLE

SENSORS = ("camera", "radio", "clock", "plate", "pointing")
IDENTITY_STYLE = {
    "aircraft": "red",
    "unknown": "bold yellow",
    "satellite": "cyan",
    "meteor": "magenta",
    "own-beam": "green",
    "own-target": "green",
}
IDENTITY_SYMBOL = {"aircraft": "●", "unknown": "▲", "satellite": "◆", "meteor": "✶", "own-beam": "·", "own-target": "◇"}
RATE_OVER_S = 5.0


@dataclass
class Traffic:
    """What went out on one topic."""

    messages: int = 0
    size_bytes: int = 0
    excerpt: str = ""
    recent_mono_s: deque[float] = field(default_factory=lambda: deque(maxlen=200))

    def rate_hz(self, now_mono_s: float) -> float:
        return sum(now_mono_s - t < RATE_OVER_S for t in self.recent_mono_s) / RATE_OVER_S


@dataclass
class Screen:
    """Everything known to the view. `take` feeds it messages; the rest is set by the one who runs the demo."""

    title: str
    end_s: float  # of the scenario
    rate: float
    cone_deg: float
    t_s: float = 0.0  # sky seconds since the scenario began
    sky_utc: str = ""
    story: str = ""
    lease_left_s: float = 0.0
    lease_s: float = 1.5
    laser_on: bool = False
    laser_wanted: bool = False
    beam_azel_deg: tuple[float, float] | None = None
    note: str = ""  # of the processes: "vision restarted", "3 frames skipped"
    safety: SafetyMessage | None = None
    safety_mono_s: float = -1e9
    safety_heard: int = 0  # messages that could be read
    tracks: tuple[Track, ...] = ()
    sky_vouched: bool = False  # False: no list of tracks, which is not an empty sky
    traffic: dict[str, Traffic] = field(default_factory=dict)
    unreadable: int = 0

    def take(self, topic: str, payload: bytes, mono_s: float) -> None:
        """One message as received. What cannot be read is counted, never believed."""
        traffic = self.traffic.setdefault(topic, Traffic())
        traffic.messages += 1
        traffic.size_bytes = len(payload)
        traffic.recent_mono_s.append(mono_s)
        kind = topic.rsplit("/", 1)[-1]
        try:
            if kind == "safety":
                self.safety, self.safety_mono_s = SafetyMessage.model_validate_json(payload), mono_s
                self.safety_heard += 1
                traffic.excerpt = f"{self.safety.state} permit={str(self.safety.permit).lower()} seq={self.safety.seq}"
            elif kind == "tracks":
                message = TracksMessage.model_validate_json(payload)
                self.tracks, self.sky_vouched = message.tracks or (), message.tracks is not None
                traffic.excerpt = f"{len(self.tracks)} objects" if self.sky_vouched else "nobody can say"
            else:
                traffic.excerpt = _excerpt(payload)
        except (ValidationError, ValueError):
            self.unreadable += 1
            traffic.excerpt = "unreadable"

    def shown_state(self, mono_s: float) -> str:
        """The state in large letters: what is silent for longer than a lease is not believed."""
        return self.safety.state if self.safety is not None and mono_s - self.safety_mono_s < 2.0 else "SILENT"


def _excerpt(payload: bytes) -> str:
    content = json.loads(payload)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    words = content.get("words") or content.get("status")
    if words is None and "azimuth_deg" in content:
        return f"az {content['azimuth_deg']:.1f}° el {content['elevation_deg']:.1f}° laser {content.get('laser_state')}"
    return str(words) if words is not None else ", ".join(list(content.get("parts", content))[:6])


# -- the screen --------------------------------------------------------------------------------------------------------


def render(screen: Screen, mono_s: float, columns: int, rows: int) -> RenderableType:
    """The whole screen, at most columns x rows cells; from 80 x 24 up nothing important is cut."""
    return (
        _large(screen, mono_s, columns, rows) if rows >= 34 and columns >= 96 else _small(screen, mono_s, columns, rows)
    )


def _small(screen: Screen, mono_s: float, columns: int, rows: int) -> Layout:
    map_rows = max(rows - 14, 6)
    map_columns = min(2 * map_rows + 6, columns // 3 + 2)
    root = Layout()
    root.split_column(
        Layout(_header(screen, columns), size=1),
        Layout(name="middle", size=map_rows + 2),
        Layout(_tracks(screen, rows - map_rows - 9, columns), name="tracks", minimum_size=3),
        Layout(_traffic_line(screen, mono_s), size=1),
        Layout(_story(screen), size=2),
    )
    left, right = Layout(name="left"), Layout(_map(screen, map_columns, map_rows), size=map_columns + 2)
    root["middle"].split_row(left, right)
    left.split_column(Layout(_safety(screen, mono_s), name="safety"), Layout(_sensors(screen, 3), size=5))
    return root


def _large(screen: Screen, mono_s: float, columns: int, rows: int) -> Layout:
    middle = rows - 1 - 7 - 2
    map_columns = min(2 * (middle - 2) + 2, columns * 9 // 20)
    map_rows = min(middle - 5, (map_columns + 4) // 2)
    double = columns - map_columns > 80 and middle > 32
    safety_rows = 13 if double else 10
    root = Layout()
    root.split_column(
        Layout(_header(screen, columns), size=1),
        Layout(name="middle", size=middle),
        Layout(_traffic(screen, mono_s, 5), size=7),
        Layout(_story(screen), size=2),
    )
    left, right = Layout(name="left"), Layout(name="right", size=map_columns + 2)
    root["middle"].split_row(left, right)
    left.split_column(
        Layout(_safety(screen, mono_s, double=double), size=safety_rows),
        Layout(_sensors(screen, 5), size=7),
        Layout(_tracks(screen, middle - safety_rows - 7 - 3, columns - map_columns - 2), name="tracks"),
    )
    right.update(_map(screen, map_columns, map_rows, legend=True))
    return root


def _header(screen: Screen, columns: int) -> Text:
    done = min(max(screen.t_s / screen.end_s, 0.0), 1.0)
    bar = max(8, min(24, columns - 70))
    filled = round(bar * done)
    text = Text(no_wrap=True, overflow="crop")
    text.append(" SIMULATED ", "black on yellow")
    text.append(f" {screen.title} ", "bold")
    text.append(f" {screen.sky_utc[11:19]} UTC ", "cyan")
    text.append("━" * filled, "green").append("━" * (bar - filled), "bright_black")
    text.append(f" {max(screen.t_s, 0):.0f}/{screen.end_s:.0f} s", "cyan")
    if screen.rate != 1:
        text.append(f" ×{screen.rate:g}", "cyan")
    return text


def _safety(screen: Screen, mono_s: float, *, double: bool = False) -> Panel:
    state = screen.shown_state(mono_s)
    style = STATE_STYLE.get(state, "bold magenta")
    parts: list[RenderableType] = [large(state, style, double=double)]
    share = min(max(screen.lease_left_s / screen.lease_s, 0.0), 1.0)
    lease = Text("PERMIT " if share else "NO PERMIT ", "bold green" if share else "bold red", no_wrap=True)
    lease.append("█" * round(10 * share), "green").append("░" * (10 - round(10 * share)), "bright_black")
    lease.append(f" {screen.lease_left_s:.1f} s  " if share else "  ")
    lease.append("LASER ON" if screen.laser_on else "laser off", "bold black on green" if screen.laser_on else "dim")
    if screen.laser_wanted and not screen.laser_on:
        lease.append(" (wanted)", "dim")
    parts.append(lease)
    if screen.safety is not None:
        message = screen.safety
        for reason in message.reasons[:4]:
            parts.append(Text(f"- {reason.words}", style, no_wrap=True, overflow="ellipsis"))
        if message.closest is not None:
            near = message.closest
            who = near.label or near.identity
            words = f"nearest to the beam: {who} {near.separation_deg:.1f}° in {near.in_s:.0f} s"
            parts.append(Text(words, "dim", no_wrap=True, overflow="ellipsis"))
        title = f"safety  mode {message.mode}  basis {message.basis}"
    else:
        title = "safety"
        parts.append(Text("waiting for the first safety message", "dim", no_wrap=True, overflow="ellipsis"))
    return Panel(Group(*parts), title=title, title_align="left", border_style=style, box=box.HEAVY, padding=(0, 1))


def _sensors(screen: Screen, rows: int) -> Panel:
    """One row a sensor, those in trouble first; where rows are few the healthy ones share one."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=8, no_wrap=True)
    table.add_column(width=5, no_wrap=True)
    table.add_column(width=6, justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    lines: list[RenderableType] = [table]
    if screen.safety is not None:
        named = [(name, getattr(screen.safety.sensors, name)) for name in SENSORS]
        few = rows < len(named)
        shown = sorted(named, key=lambda item: item[1].state == "OK")[: rows - 1] if few else named
        for name, sensor in shown:
            age = "" if sensor.age_s is None else f"{sensor.age_s:.1f} s"
            table.add_row(name, Text(sensor.state, SENSOR_STYLE[sensor.state]), age, Text(sensor.reason, "dim"))
        if few:
            rest = Text(no_wrap=True, overflow="ellipsis")
            for name, sensor in (item for item in named if item not in shown):
                rest.append(f"{name} ").append(f"{sensor.state}  ", SENSOR_STYLE[sensor.state])
            lines.append(rest)
    return Panel(Group(*lines), title="sensors", title_align="left", border_style="bright_black", padding=(0, 1))


def _map(screen: Screen, columns: int, rows: int, *, legend: bool = False) -> Panel:
    curves, marks = [], []
    if screen.beam_azel_deg is not None:
        azimuth, elevation = screen.beam_azel_deg
        curves.append(Curve(small_circle(azimuth, elevation, screen.cone_deg, 36), "yellow"))
        marks.append(Mark(azimuth, elevation, "+", "bold green" if screen.laser_on else "yellow"))
    for track in sorted(screen.tracks, key=lambda t: t.identity in ("own-beam", "own-target"), reverse=True):
        symbol, style = IDENTITY_SYMBOL.get(track.identity, "▲"), IDENTITY_STYLE.get(track.identity, "bold yellow")
        label = track.label if track.identity not in ("own-beam", "own-target") else ""
        marks.append(
            Mark(
                track.azimuth_deg,
                track.elevation_deg,
                symbol,
                style,
                label or ("?" if track.identity == "unknown" else ""),
            )
        )
    picture = sky_map(columns, rows, curves, marks, names=columns >= 36)
    content: RenderableType = picture
    if legend:
        key = Text(justify="center", no_wrap=True, overflow="ellipsis")
        for identity in ("aircraft", "unknown", "satellite", "meteor"):
            key.append(f"{IDENTITY_SYMBOL[identity]} ", IDENTITY_STYLE[identity]).append(f"{identity}  ", "dim")
        content = Group(
            picture, Text(), key, Text("north up, east left; + the beam in its cone", "dim", justify="center")
        )
    return Panel(content, title="sky, seen from below", border_style="bright_black", padding=0)


def _tracks(screen: Screen, rows: int, columns: int) -> Panel:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="bright_black")
    table.add_column("who", no_wrap=True, overflow="ellipsis", min_width=9, ratio=2)
    table.add_column("identity", no_wrap=True, width=10)
    table.add_column("by", no_wrap=True, width=6)
    for name in ("az", "el", "km", "beam"):
        table.add_column(name, justify="right", no_wrap=True, width=4)
    if columns >= 78:
        table.add_column("evidence", no_wrap=True, overflow="ellipsis", ratio=4)
    nearest = sorted(screen.tracks, key=lambda t: 999.0 if t.separation_deg is None else t.separation_deg)
    for track in nearest[: max(rows, 0)]:
        style = IDENTITY_STYLE.get(track.identity, "bold yellow")
        cells: list[RenderableType] = [
            Text(f"{IDENTITY_SYMBOL.get(track.identity, '▲')} {track.label or track.id}", style),
            Text(track.identity, style),
            "both" if len(track.senses) > 1 else "".join(track.senses),
            f"{track.azimuth_deg:.0f}°",
            f"{track.elevation_deg:.0f}°",
            "" if track.range_m is None else f"{track.range_m / 1000:.1f}",
            "" if track.separation_deg is None else f"{track.separation_deg:.0f}°",
        ]
        table.add_row(*cells, *([Text(track.evidence, "dim")] if columns >= 78 else []))
    more = len(screen.tracks) - max(rows, 0)
    if screen.safety is not None and not screen.sky_vouched:
        return Panel(Text("no list: nobody can vouch for an empty sky", "yellow"), title="tracks", title_align="left")
    title = f"tracks, nearest to the beam first{f' ({more} more)' if more > 0 else ''}"
    return Panel(table, title=title, title_align="left", border_style="bright_black", padding=(0, 1))


def _topics(screen: Screen) -> list[tuple[str, Traffic]]:
    order = {"safety": 0, "tracks": 1, "events": 2, "health": 3, "pointing": 4}
    return sorted(screen.traffic.items(), key=lambda item: (order.get(item[0].rsplit("/", 1)[-1], 5), item[0]))


def _traffic(screen: Screen, mono_s: float, rows: int) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    longest = max((len(topic) for topic in screen.traffic), default=10)
    table.add_column(no_wrap=True, overflow="ellipsis", width=min(longest, 60))
    table.add_column(justify="right", no_wrap=True, width=6)
    table.add_column(justify="right", no_wrap=True, width=7)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
    for topic, seen in _topics(screen)[:rows]:
        rate, size = f"{seen.rate_hz(mono_s):.1f}/s", f"{seen.size_bytes} B"
        table.add_row(Text(topic, "blue"), rate, size, Text(seen.excerpt, "dim"))
    title = "over MQTT" + (f", {screen.unreadable} unreadable" if screen.unreadable else "")
    return Panel(table, title=title, title_align="left", border_style="bright_black", padding=(0, 1))


def _traffic_line(screen: Screen, mono_s: float) -> Text:
    line = Text("MQTT ", "bright_black", no_wrap=True, overflow="ellipsis")
    for topic, seen in _topics(screen):
        line.append(f" {topic.rsplit('/', 1)[-1]}", "blue").append(
            f" {seen.rate_hz(mono_s):.1f}/s {seen.size_bytes} B", "dim"
        )
    return line


def _story(screen: Screen) -> RenderableType:
    words = Text("▶ " + screen.story, "bold white", overflow="ellipsis")
    if screen.note:
        words.append(f"  [{screen.note}]", "yellow")
    return words


# -- without a terminal ------------------------------------------------------------------------------------------------


@dataclass
class Lines:
    """One line per change: for `make demo | tee`, for CI."""

    _state: str = ""
    _story: str = ""
    _laser: bool = False
    _note: str = ""
    _names: set[str] = field(default_factory=set)

    def changes(self, screen: Screen, mono_s: float) -> Iterator[str]:
        stamp = f"{screen.sky_utc[11:19]}Z {screen.t_s:6.1f} s"
        if screen.story and screen.story != self._story:
            self._story = screen.story
            yield f"{stamp}  {screen.story}"
        state = screen.shown_state(mono_s)
        if screen.safety is not None:
            state += " permit" if screen.safety.permit else " no permit"
            state += "".join(f" [{reason.code}]" for reason in screen.safety.reasons)
        if state != self._state:
            self._state = state
            words = "; ".join(reason.words for reason in screen.safety.reasons) if screen.safety is not None else ""
            yield f"{stamp}  safety {state}{': ' + words if words else ''}"
        if screen.laser_on != self._laser:
            self._laser = screen.laser_on
            yield f"{stamp}  laser {'on' if screen.laser_on else 'off'}"
        for track in screen.tracks:
            name = f"{track.identity} {track.label or track.id} ({'+'.join(sorted(track.senses))})"
            if track.state != "tentative" and name not in self._names:
                self._names.add(name)
                where = f"az {track.azimuth_deg:.0f}° el {track.elevation_deg:.0f}°"
                yield f"{stamp}  track  {name} {where}"
        if screen.note != self._note:
            self._note = screen.note
            if screen.note:
                yield f"{stamp}  note   {screen.note}"
