"""`skyspotter flat`: the lens's shading from the stars of some frames of a clear night."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from camera.device import FileUnreadable, PlateRefused
from camera.files import list_frames, read_frame
from camera.frames.dark import MasterRefused
from camera.frames.flat import measured_flat
from camera.plate import load_plate

MOST_FRAMES = 30  # all of them lie in memory; they are taken evenly from what is given


def flat(paths: Sequence[Path], *, plate_file: Path, out: Path) -> int:
    """Exit code: 0 made, 1 refused, with the reason."""
    say = Console(highlight=False, soft_wrap=True)
    files = list_frames(paths)
    try:
        plate = load_plate(plate_file)
        frames = [read_frame(path) for path in files[:: max(1, -(-len(files) // MOST_FRAMES))]]
        made = measured_flat(frames, plate) if frames else None
    except (FileUnreadable, PlateRefused, MasterRefused) as err:
        say.print(f"refused: {err}")
        return 1
    if made is None:
        say.print("no frame was found: give files or folders of frames of a clear night")
        return 1
    try:
        made.save(out)
    except OSError as err:
        say.print(f"--out {out}: cannot be written: {err.strerror}")
        return 1
    left = ", ".join(f"{made.share(np.radians([angle]))[0]:.2f} at {angle} deg" for angle in (30, 60, 80))
    say.print(
        f"{out}: {made.stars} stars, {made.rms_mag:.2f} mag rms; light left of the middle's: {left} from the axis"
    )
    return 0
