"""Heard aircraft, tracks, the own beam and a crowd as objects of one sky: path over HORIZON_S, identity, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from camera.geodesy import enu_to_azel
from edge.adsb.motion import STALE_S, Located, paths
from edge.fusion.explain import explanation
from edge.fusion.greatcircle import HORIZON_NS, Vector
from edge.fusion.sightings import Sighting
from edge.fusion.tracks import Track
from edge.records import HORIZON_S, Hypothesis, Pointing, SkyObject


def heard_objects(
    heard: list[Located], matched: Mapping[str, Sequence[Track]], telescope_m: Vector, now_utc_ns: int,
    now_mono_s: float, sky_rate: float,
) -> list[SkyObject]:  # fmt: skip
    """One object per aircraft that may be up, from the telescope; beside its own path those of the tracks that agree.

    Args:    matched: by key, the tracks that belong to an aircraft. telescope_m: (3,) from the camera.
    """
    if not heard:
        return []
    ahead = paths(heard, now_utc_ns + HORIZON_NS, now_utc_ns, telescope_m)
    sigma_deg = np.degrees(ahead.sigma_rad)
    azel = enu_to_azel(ahead.unit_enu[:, 0])
    highest = np.max(np.arcsin(np.clip(ahead.unit_enu[..., 2], -1, 1)) + 3 * ahead.sigma_rad, axis=1)
    found = []
    for k, one in enumerate(heard):
        tracks = matched.get(one.state.key, [])
        if highest[k] < 0 and not tracks:
            continue
        age_s = one.age_s(now_mono_s)
        hypotheses = [Hypothesis(ahead.unit_enu[k], sigma_deg[k])]
        for track in tracks:
            way = track.courses_along(ahead.motion[k, 0], now_utc_ns)
            hypotheses += [course.ahead(now_utc_ns) for course in way]
        evidence = f"heard on 1090 MHz, position {age_s:.1f} s old"
        if one.state.flags:
            evidence += f", doubtful ({', '.join(one.state.flags)})"
        if tracks:
            evidence += f"; seen in {sum(t.detections for t in tracks)} exposures on the same path"
        found.append(
            SkyObject(
                id=one.state.key,
                identity="aircraft",
                label=one.state.callsign or one.state.icao,
                senses=("radio", "camera") if tracks else ("radio",),
                hypotheses=tuple(hypotheses),
                azimuth_deg=float(azel[k, 0]),
                elevation_deg=float(azel[k, 1]),
                range_m=float(ahead.range_m[k, 0]),
                age_s=max(min([age_s, *(now_mono_s - t.end_mono_s for t in tracks)]), 0.0),
                state="coasting" if age_s * sky_rate > STALE_S else "confirmed",
                evidence=evidence,
            )
        )
    return found


def seen_object(track: Track, now_utc_ns: int, now_mono_s: float, pointing: Pointing | None) -> SkyObject:
    """A track that no transponder explains, from the camera."""
    hypotheses = tuple(course.ahead(now_utc_ns) for course in track.courses)
    here = hypotheses[0].unit_enu[0]
    identity, label, evidence = explanation(track, here, pointing)
    azimuth, elevation = enu_to_azel(here)
    return SkyObject(
        id=f"track:{track.number}",
        identity=identity,
        label=label,
        senses=("camera",),
        hypotheses=hypotheses,
        azimuth_deg=float(azimuth),
        elevation_deg=float(elevation),
        age_s=max(now_mono_s - track.end_mono_s, 0.0),
        state=track.state(now_utc_ns),
        evidence=evidence,
    )


def beam_object(sightings: Sequence[Sighting], age_s: float, noise_rad: float) -> SkyObject:
    """The own beam where it was seen highest; it stands there."""
    points = np.concatenate([s.points for s in sightings])
    top = points[np.argmax(points[:, 2])]
    azimuth, elevation = enu_to_azel(top)
    path = Hypothesis(np.tile(top, (len(HORIZON_S), 1)), np.full(len(HORIZON_S), np.degrees(noise_rad)))
    words = "lies along the telescope's beam while the laser is on"
    return SkyObject(
        "own-beam", "own-beam", "own beam", ("camera",), (path,), float(azimuth), float(elevation), None, age_s,
        "confirmed", words,
    )  # fmt: skip


def everywhere(sense: Literal["camera", "radio"], age_s: float) -> SkyObject:
    """More on the sky than can be followed: it may be anywhere, so no direction is free."""
    n = len(HORIZON_S)
    path = Hypothesis(np.tile([0.0, 0.0, 1.0], (n, 1)), np.full(n, 90.0))
    words = {
        "camera": "more trails than can be followed: the exposure is no evidence of an empty sky",
        "radio": "more aircraft than can be followed: whoever was left out may be anywhere",
    }
    name = {"camera": "crowd", "radio": "crowd-heard"}[sense]
    return SkyObject(name, "unknown", "", (sense,), (path,), 0.0, 90.0, None, age_s, "tentative", words[sense])
