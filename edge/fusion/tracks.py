"""Camera tracks: which sighting continues which, and where each will be.

    tentative   one detection: counts for the guard, not for statistics
    confirmed   two detections in the last three judged exposures
    coasting    missed in the newest judged exposure, or none came: predicted, ever less certain
    gone        not seen for COAST_S (tentative: TENTATIVE_S)

Everything goes by time: a dropped frame is only a longer step. Pure: no clock, no thread.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.fusion.associate import GATE, NEVER, assign, chi_square, offsets
from edge.fusion.greatcircle import Course, Vector, fit_courses, resting
from edge.fusion.sightings import Sighting, stacked

WINDOW_S = 60.0  # of sightings a fit uses
COAST_S = 25.0
TENTATIVE_S = 6.0  # two further exposures of 2 s: a flash may fall between
LARGEST_COUNT = 64
LARGEST_SIGMA_RAD = np.radians(3.0)  # a track less certain than that may not claim a sighting
MANOEUVRE_SIGMAS = 3.0
LONG_DEG = 3.0  # a single trail of that length may be no path but a thing that stands there: a foreign beam, a contrail
SAME_WAY_RAD_PER_S = np.radians(0.05)  # slower motions have no direction to disagree about

TrackState = Literal["tentative", "confirmed", "coasting"]


@dataclass(slots=True, eq=False)
class Track:
    """One thing followed by the camera."""

    number: int
    sightings: list[Sighting]
    courses: tuple[Course, ...]
    end_mono_s: float  # of the newest exposure it was seen in
    detections: int = 1
    seen_in: deque[bool] = field(default_factory=lambda: deque([True], maxlen=3))  # the last judged exposures
    radio_keys: deque[str | None] = field(default_factory=lambda: deque(maxlen=3))  # matched at the last detections
    satellites: Counter[str] = field(default_factory=Counter)  # exposures in which an element set fitted
    newest_satellites: frozenset[str] = frozenset()  # that fit the newest sighting
    own_target: int = 0  # consecutive detections at the telescope's direction
    alone_before: bool = False  # the exposure just before its first was judged and empty along its path
    meteor: bool = False
    of_stacks: bool = False  # begun by a stack of exposures: whether it is there, only the next stack can tell

    @property
    def newest(self) -> Sighting:
        return self.sightings[-1]

    @property
    def radio_key(self) -> str | None:
        """The aircraft most of its last detections belong to; None when nobody, or undecided."""
        key, count = Counter(self.radio_keys).most_common(1)[0] if self.radio_keys else (None, 0)
        return key if 2 * count > len(self.radio_keys) else None

    @property
    def confirmed(self) -> bool:
        return self.detections >= 2 and (sum(self.seen_in) >= 2 or self.detections >= 3)

    def unseen_s(self, utc_ns: int) -> float:
        return max(utc_ns - self.newest.end_utc_ns, 0) / 1e9

    def patience_s(self) -> float:
        exposures = 1.5 if self.of_stacks else 3.0
        return COAST_S if self.confirmed else max(TENTATIVE_S, exposures * self.newest.exposure_s)

    def state(self, utc_ns: int) -> TrackState:
        missed = not self.seen_in[-1] or self.unseen_s(utc_ns) > 3.0 * max(self.newest.exposure_s, 1.0)
        if not self.confirmed:
            return "tentative"
        return "coasting" if missed else "confirmed"

    def may_go(self, motion: Vector, utc_ns: int) -> NDArray[np.bool_]:
        """(K,) whether paths of these motions (K, 3) may be its own; only one clearly opposite to its own may not."""
        if len(self.courses) > 1:
            return np.ones(len(motion), dtype=bool)
        mine = self.courses[0].at(np.array([utc_ns]))[1][0]
        slow = (np.linalg.norm(motion, axis=-1) < SAME_WAY_RAD_PER_S) | (np.linalg.norm(mine) < SAME_WAY_RAD_PER_S)
        return np.asarray(slow | (motion @ mine > 0), dtype=bool)

    def courses_along(self, motion: Vector, utc_ns: int) -> list[Course]:
        """Of both directions of a single trail the one with this motion (3,); both when it cannot tell."""
        if len(self.courses) == 1 or float(np.linalg.norm(motion)) < SAME_WAY_RAD_PER_S:
            return list(self.courses)
        agreeing = [c for c in self.courses if float(c.at(np.array([utc_ns]))[1][0] @ motion) > 0]
        return agreeing or list(self.courses)

    def extend(self, sighting: Sighting, noise_rad: float) -> bool:
        """Takes a new sighting in and fits again; True when it manoeuvred, which shortens the window."""
        self.sightings.append(sighting)
        self.detections += 1
        oldest = sighting.begin_utc_ns - int(WINDOW_S * 1e9)
        while len(self.sightings) > 1 and self.sightings[0].begin_utc_ns < oldest:
            del self.sightings[0]
        turned = False
        while True:
            self.courses = fit_courses(*stacked(self.sightings), noise_rad)
            if len(self.sightings) <= 2 or _residual(self.courses, sighting, noise_rad) <= MANOEUVRE_SIGMAS:
                return turned
            turned = True
            del self.sightings[: max(1, len(self.sightings) // 2)]


def _residual(courses: Sequence[Course], sighting: Sighting, noise_rad: float) -> float:
    """How far, in sigmas, the middle of a sighting lies from the best of the courses fitted through it."""
    when = np.array([sighting.middle_utc_ns])
    worst = []
    for course in courses:
        unit, motion, _, _ = course.at(when)
        off = offsets(sighting.points[None], unit, motion)
        late = 0.06 * float(np.linalg.norm(motion)) * sighting.exposure_s
        worst.append(max(abs(off.across[0, 0]) / noise_rad, abs(off.along[0, 0]) / np.hypot(noise_rad, late)))
    return float(min(worst))


class Tracker:
    """All camera tracks. `noise_rad`: one sigma of one direction."""

    def __init__(self, noise_rad: float) -> None:
        self._noise_rad = noise_rad
        self._next = 1
        self.tracks: list[Track] = []
        self.counters = {
            "tracks_started": 0,
            "tracks_gone": 0,
            "tracks_over_limit": 0,
            "manoeuvres": 0,
            "tracks_of_stacks": 0,
        }

    def cost(self, tracks: Sequence[Track], sightings: Sequence[Sighting], utc_ns: int) -> Vector:
        """(S, T) chi-square of every sighting on every track, the better of both directions."""
        cost = np.full((len(sightings), len(tracks)), NEVER)
        if not sightings or not tracks:
            return cost
        owners = [(t, course) for t, track in enumerate(tracks) for course in track.courses]
        ahead = [course.at(np.array([utc_ns])) for _, course in owners]
        unit, motion, along, across = (np.concatenate(part) for part in zip(*ahead, strict=True))
        points = np.stack([s.points for s in sightings])
        each = chi_square(points, unit, motion, along, across, sightings[0].exposure_s, self._noise_rad)
        each[:, np.maximum(along, across) > LARGEST_SIGMA_RAD] = NEVER
        for column, (t, _) in enumerate(owners):
            cost[:, t] = np.minimum(cost[:, t], each[:, column])
        return cost

    def update(self, sightings: Sequence[Sighting], middle_utc_ns: int, end_mono_s: float) -> list[Track]:
        """One judged exposure. Returns the track of every sighting, in order; short when the sky is too full."""
        chosen = dict(assign(self.cost(self.tracks, sightings, middle_utc_ns)))
        known = list(self.tracks)
        for t, track in enumerate(known):
            track.seen_in.append(t in chosen.values())
        result: list[Track] = []
        for s, sighting in enumerate(sightings):
            if s in chosen:
                track = known[chosen[s]]
                self.counters["manoeuvres"] += track.extend(sighting, self._noise_rad)
                track.end_mono_s = end_mono_s
            else:
                track = self._start(sighting, end_mono_s)
            result.append(track)
        self._limit()
        return [track for track in result if track in self.tracks]

    def add_slow(self, sightings: Sequence[Sighting], middle_utc_ns: int, end_mono_s: float) -> list[Track]:
        """Sightings of a stack of exposures that no single one of them showed. Returns the tracks they began or
        continue; what fits a track followed by single exposures is known better there."""
        cost = self.cost(self.tracks, sightings, middle_utc_ns)
        chosen = dict(assign(cost))
        known, changed = list(self.tracks), []
        for s, sighting in enumerate(sightings):
            if s in chosen:
                track = known[chosen[s]]
                if track.newest.exposure_s < 0.75 * sighting.exposure_s:
                    continue
                self.counters["manoeuvres"] += track.extend(sighting, self._noise_rad)
                track.end_mono_s = end_mono_s
            elif (cost[s] <= GATE).any():  # a second piece of what is followed already
                continue
            else:
                track = self._start(sighting, end_mono_s)
                track.of_stacks = True
                self.counters["tracks_of_stacks"] += 1
            changed.append(track)
        self._limit()
        return [track for track in changed if track in self.tracks]

    def _start(self, sighting: Sighting, end_mono_s: float) -> Track:
        courses = fit_courses(*stacked([sighting]), self._noise_rad)
        if sighting.length_deg > LONG_DEG:
            exposure_s, quarter = sighting.exposure_s, np.radians(sighting.length_deg) / 4
            middle_utc_ns = sighting.middle_utc_ns
            courses += (resting(sighting.middle, exposure_s, 1, middle_utc_ns, exposure_s / 2, float(quarter)),)
        track = Track(self._next, [sighting], courses, end_mono_s)
        self._next += 1
        self.tracks.append(track)
        self.counters["tracks_started"] += 1
        return track

    def _limit(self) -> None:
        if len(self.tracks) > LARGEST_COUNT:
            # What was seen most often and last stays: the rest is what a flickering sky is made of.
            self.tracks.sort(key=lambda t: (t.seen_in[-1], t.confirmed, t.end_mono_s, -t.number), reverse=True)
            self.counters["tracks_over_limit"] += len(self.tracks) - LARGEST_COUNT
            del self.tracks[LARGEST_COUNT:]
            self.tracks.sort(key=lambda t: t.number)

    def forget_old(self, now_mono_s: float, sky_rate: float) -> None:
        """Drops tracks not seen for their patience, in the sky's seconds by the machine's clock (a stepped calendar
        must not empty the sky)."""
        kept = [t for t in self.tracks if (now_mono_s - t.end_mono_s) * sky_rate <= t.patience_s()]
        self.counters["tracks_gone"] += len(self.tracks) - len(kept)
        self.tracks = kept
