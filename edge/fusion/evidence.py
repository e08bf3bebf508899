"""What one exposure adds to the evidence on its tracks: own beam, transponder, elements, own target, empty neighbours.

The rules stand in `identify`, the verdict on all of a track's evidence in `explain`. Nothing here removes a track.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camera.geodesy import Site
from edge.adsb.motion import Located, paths
from edge.fusion import identify
from edge.fusion.associate import GATE, NEVER, assign, chi_square
from edge.fusion.greatcircle import Course, Vector
from edge.fusion.satellites import SatelliteBook, SatellitePositions
from edge.fusion.sightings import Sighting, on_one_line
from edge.fusion.telescope import Telescope
from edge.fusion.tracks import Track, Tracker

RADIO_LARGEST_SIGMA_RAD = np.radians(2.0)  # a vaguer report explains no trail
KNOWN_BONUS = 4.0  # chi-square in favour of the aircraft a track already belongs to
OFF_BEAM_DEG = 2.5  # somewhere along its course a traveller was that far from the beam


def split_own_beam(
    sightings: list[Sighting], arcs: list[Vector], tracker: Tracker, middle_utc_ns: int
) -> tuple[list[Sighting], list[Sighting]]:
    """What flies, and what the station's own beam explains. `arcs`: where it stood at several times of the exposure."""
    if not arcs or not sightings:
        return sightings, []
    explained = identify.on_own_beam(sightings, arcs)
    line = np.concatenate(arcs)
    # What came from elsewhere along its own course is no beam, even while it flies along the beam.
    travellers = [
        track
        for track in tracker.tracks
        if track.confirmed
        and any(identify.distance_to_deg(s.points, line).max() > OFF_BEAM_DEG for s in track.sightings[-10:])
    ]
    cost = tracker.cost(travellers, sightings, middle_utc_ns)
    flying: list[Sighting] = []
    beam: list[Sighting] = []
    for i, sighting in enumerate(sightings):
        (beam if explained[i] and not (cost[i] <= GATE).any() else flying).append(sighting)
    return flying, beam


def match_radio(tracks: list[Track], heard: list[Located], middle_utc_ns: int, noise_rad: float) -> int:
    """Which aircraft heard each track belongs to now, if any. Returns how many do."""
    chosen = _transponders(tracks, heard, middle_utc_ns, noise_rad) if heard and tracks else {}
    for i, track in enumerate(tracks):
        track.radio_keys.append(heard[chosen[i]].state.key if i in chosen else None)
    return len(chosen)


def _transponders(tracks: list[Track], heard: list[Located], middle_utc_ns: int, noise_rad: float) -> dict[int, int]:
    """Index of a track -> of the aircraft; several only where they are pieces of one line."""
    at = paths(heard, np.array([middle_utc_ns]), middle_utc_ns, np.zeros(3))
    unit, motion, sigma = at.unit_enu[:, 0], at.motion[:, 0], at.sigma_rad[:, 0]
    points = np.stack([t.newest.points for t in tracks])
    exposure_s = tracks[0].newest.exposure_s
    cost = chi_square(points, unit, motion, sigma, sigma, exposure_s, noise_rad)
    cost[:, sigma > RADIO_LARGEST_SIGMA_RAD] = NEVER
    for i, track in enumerate(tracks):
        cost[i, ~track.may_go(motion, middle_utc_ns)] = NEVER
        known = track.radio_key
        cost[i, [k for k, one in enumerate(heard) if one.state.key == known]] -= KNOWN_BONUS
    chosen = dict(assign(cost, GATE))
    for i in [i for i in range(len(tracks)) if i not in chosen]:
        for j, k in list(chosen.items()):
            longest_deg = 1.2 * float(np.degrees(np.linalg.norm(motion[k]))) * exposure_s + 0.3
            if on_one_line(tracks[i].newest, tracks[j].newest, longest_deg, noise_rad):
                chosen[i] = k
                break
    return chosen


def match_satellites(
    tracks: list[Track], book: SatelliteBook, site: Site, begin_utc_ns: int, end_utc_ns: int, noise_rad: float
) -> None:
    """Whose elements fit each track in this exposure."""
    book.refresh()
    if not tracks:
        return
    middle_utc_ns = begin_utc_ns + (end_utc_ns - begin_utc_ns) // 2
    sky = book.predict(np.array([begin_utc_ns, middle_utc_ns, end_utc_ns]), site)
    for track in tracks:
        moving = [course for course in track.courses if not course.spread_rad_per_s]  # a dot has no motion to agree
        each = [_elements_of(track, course, sky, middle_utc_ns, noise_rad) for course in moving]
        track.newest_satellites = frozenset[str]().union(*each)
        track.satellites.update(track.newest_satellites)


def _elements_of(
    track: Track, course: Course, sky: SatellitePositions, middle_utc_ns: int, noise_rad: float
) -> frozenset[str]:
    motion = course.at(np.array([middle_utc_ns]))[1][0]
    return identify.satellites_that_fit(track.newest, motion, course.rate_sigma_rad_per_s, sky, noise_rad)


def match_target(tracks: list[Track], telescope: Telescope, middle_utc_ns: int, middle_mono_s: float) -> None:
    """For how many detections on end each track has stood and moved with the telescope."""
    # Who names no target explains nothing by it.
    where = telescope.at(middle_mono_s) if telescope.names_a_target else None
    for track in tracks:
        fits = False
        if where is not None and track.confirmed and len(track.courses) == 1:
            course = track.courses[0]
            unit, motion, _, _ = course.at(np.array([middle_utc_ns]))
            fits = identify.is_own_target(unit[0], motion[0], course.rate_sigma_rad_per_s, *where)
        track.own_target = track.own_target + 1 if fits else 0


def judge_meteors(
    every: list[Track], tracks: list[Track], before: Sequence[Sighting], now: Sequence[Sighting], gap_s: float,
    exposure_s: float,
) -> int:  # fmt: skip
    """What was seen only in the exposure before is released now, if a meteor. Returns how many were.

    Args:
        every, tracks: all tracks, and those of this exposure.
        before, now: sightings of the exposure before, which ended `gap_s` ago, and of this one.
    What belongs to a slow track of its own is no trace of a fast one.
    """
    slow = {id(s) for track in every if _is_slow(track) for s in track.sightings[-2:]}
    before, now = ([s for s in some if id(s) not in slow] for some in (before, now))
    close = gap_s <= identify.METEOR_GAP_EXPOSURES * max(exposure_s, 0.5)
    released = 0
    for track in every:
        if track.detections > 1 or not identify.fast_enough_for_a_meteor(track.newest):
            continue
        if track in tracks:
            track.alone_before = close and identify.empty_along(track.newest, before, gap_s)
        elif list(track.seen_in)[-2:] == [True, False]:
            alone = close and track.alone_before and identify.empty_along(track.newest, now, gap_s)
            track.meteor = alone and track.radio_key is None
            released += track.meteor
    return released


def _is_slow(track: Track) -> bool:
    fastest = max(abs(course.rate_rad_per_s) for course in track.courses)
    return track.detections >= 2 and fastest < np.radians(identify.METEOR_RATE_DPS)
