"""`skyspotter darks`: master darks out of frames taken with the cap on, one for every gain, exposure, temperature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from camera.device import FileUnreadable, Frame
from camera.files import list_frames, read_frame
from camera.frames.dark import SAME_CELSIUS, MasterRefused, master_dark
from camera.frames.hot import hot_in_dark
from camera.frames.masters import SUFFIX, Masters, save_dark

MOST_FRAMES = 40  # of one kind: more gain nothing, and all lie in memory


def darks(paths: Sequence[Path], *, out: Path) -> int:
    """Exit code: 0 all made, 1 some or all refused, with the reason."""
    say = Console(highlight=False, soft_wrap=True)
    kinds: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    refused = 0
    for path in list_frames(paths):
        try:
            frame = read_frame(path)
        except FileUnreadable as err:
            say.print(f"{err}")
            refused += 1
            continue
        kind = kinds[_kind(frame)]
        if len(kind) < MOST_FRAMES:
            kind.append(frame)
    if not kinds:
        say.print("no frame was found: give files or folders of frames taken with the cap on")
        return 1
    for frames in kinds.values():
        newest_s = max(frame.start_utc_ns for frame in frames) / 1e9
        try:
            dark = master_dark(frames, datetime.fromtimestamp(newest_s, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
            Masters([dark])  # refuses one with light in it
        except MasterRefused as err:
            say.print(f"refused: {err}")
            refused += 1
            continue
        name = f"{dark.camera_serial or 'camera'}-g{dark.gain_setting}-{dark.exposure_s:g}s-{dark.celsius:.0f}C{SUFFIX}"
        try:
            out.mkdir(parents=True, exist_ok=True)
            save_dark(out / name, dark)
        except OSError as err:
            say.print(f"--out {out}: cannot be written: {err.strerror}")
            return 1
        say.print(f"{out / name}: {dark.frames} frames, {len(hot_in_dark(dark.pixels))} hot photosites")
    return int(refused > 0)


def _kind(frame: Frame) -> tuple[object, ...]:
    """Frames that may make one dark together."""
    warm = frame.sensor_celsius
    step = round(warm / (2 * SAME_CELSIUS)) if warm == warm else None  # NaN is not equal to itself
    return frame.camera_serial, frame.origin_px, frame.gain_setting, round(frame.exposure_s, 6), step
