"""Why a frame without an attitude has none, where its own points and the Sun tell: twilight, cloud, or nothing at all.

The solver itself knows only that nothing stands out by more than chance; people want to know what to wait for.
"""

from __future__ import annotations

from camera.solve.accept import LEAST_SCORE, Evidence
from camera.solve.fit import StarSky

LEAST_DETECTIONS = 15
TWILIGHT_DEG = -10.0  # the Sun above this: few stars show, and on a sky that no longer is dark
BRIGHT_MAG = 3.5  # stars that any all-sky camera shows in a clear night


def too_few(found: int) -> str:
    return f"only {found} star-like points, {LEAST_DETECTIONS} are needed: wait for a clear dark sky"


def plainly(reason: str, evidence: Evidence | None, found: int, sky: StarSky, sun_deg: float) -> str:
    """The solver's reason in words that say what to wait for; "" stays "", and so does what only it can know.

    Args: found: points in the frame that may be stars; sun_deg: elevation of the Sun.
    """
    if not reason or (evidence is not None and evidence.score >= LEAST_SCORE):
        return reason
    due = int((sky.magnitude < BRIGHT_MAG).sum())
    few = f"{found} star-like points where {due} stars to magnitude {BRIGHT_MAG} stand above 8 degrees"
    if found < due and sun_deg > TWILIGHT_DEG:
        return f"twilight: the Sun stands at {sun_deg:.0f} degrees, and the frame shows {few}; wait until it is darker"
    if found < due:
        return f"cloud, a bright sky, a cap or bad focus: the frame shows {few}; wait for a clear dark sky"
    return reason
