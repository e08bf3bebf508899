"""The verdict on a camera track, and the words for it: which of its evidence explains it, if any.

The network's class can only make an unknown an aircraft, never release it.
"""

from __future__ import annotations

import numpy as np

from edge.fusion import identify
from edge.fusion.greatcircle import Vector
from edge.fusion.telescope import pointing_vectors
from edge.fusion.tracks import Track
from edge.records import Identity, Pointing

SATELLITE_LEAST_SHARE = 0.8  # of a track's exposures in which the elements must have fitted


def explanation(track: Track, here: Vector, pointing: Pointing | None) -> tuple[Identity, str, str]:
    """Identity, label and the words for it, of a track no transponder explains."""
    count = track.detections
    if track.own_target >= 2 and pointing is not None:
        towards, _ = pointing_vectors(pointing.azimuth_deg, pointing.elevation_deg, 0.0, 0.0, 0.0)
        if np.degrees(np.arccos(np.clip(here @ towards, -1.0, 1.0))) < 2 * identify.TARGET_DEG:
            words = f"stands and moves with the telescope in {track.own_target} exposures"
            return "own-target", pointing.target_id, words
    for name, fitted in track.satellites.most_common():
        if fitted >= 2 and fitted >= SATELLITE_LEAST_SHARE * count and name in track.newest_satellites:
            return (
                "satellite",
                name,
                f"place, direction and rate of its elements in {fitted} of {count} exposures, sunlit",
            )
    if track.meteor:
        words = f"one exposure only, {track.newest.length_deg:.0f} deg long, its path empty before and after"
        return "meteor", "", words
    seen = f"seen in {count} exposure{'s' if count > 1 else ''}"
    classes = [s.trail_class for s in track.sightings]
    if track.confirmed and 2 * classes.count("aircraft") > len(classes):
        return "aircraft", "", f"{seen}, no transponder heard on this path"
    return "unknown", "", f"{seen}, nothing explains it"
