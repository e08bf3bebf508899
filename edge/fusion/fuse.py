"""One sky from two senses: who is it, where will it be, how sure. The only file here that others call.

Trails come once per judged exposure (`see`), radio reports whenever they come (`hear`), the guard asks for `objects`
ten times a second. An unexplained object counts as an aircraft; an explanation never removes an object, it only says
what it is; a heard aircraft always stays an object of its own, with the paths of the trails that agree beside its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from camera.geodesy import Site, enu_to_azel
from edge.adsb.motion import STALE_S, Located, paths
from edge.fusion import identify
from edge.fusion.associate import GATE, NEVER, assign, chi_square
from edge.fusion.explain import everywhere, explanation
from edge.fusion.greatcircle import HORIZON_NS, Course, Vector
from edge.fusion.heard import HeardSky
from edge.fusion.satellites import SatelliteBook, SatellitePositions
from edge.fusion.sightings import Sighting, join_pieces, on_one_line, sighting_of
from edge.fusion.tracks import Track, Tracker
from edge.records import HORIZON_S, AircraftState, Hypothesis, Pointing, SkyObject, SkyTrail

LARGEST_TRAILS = 100  # of one exposure; joining the pieces of more would take longer than the exposure lasts
LASER_SLACK_S = 2.0  # between what the telescope says and what the exposure saw, each side
RADIO_LARGEST_SIGMA_RAD = np.radians(2.0)  # a vaguer report explains no trail
KNOWN_BONUS = 4.0  # chi-square in favour of the aircraft a track already belongs to
RECENT_EXPOSURES = 8  # more than a sum is made of
SHOWN_DEG, SHOWN_SHARE = 1.0, 0.3  # of a sum's sighting near what single exposures showed
SAME_WAY_RAD_PER_S = np.radians(0.05)  # slower motions have no direction to disagree about


class Fusion:
    """Thread-safe. Times: `utc_ns` is sky time, `mono_s` CLOCK_MONOTONIC, `sky_rate` sky seconds per machine second.

    Args:
        site: of the camera. telescope_enu_m: (east, north, up) of the telescope from the camera.
        exposure_s: nominal; plate_sigma_deg: one sigma of one direction, plate and detection together.
    """

    def __init__(
        self,
        *,
        site: Site,
        telescope_enu_m: tuple[float, float, float],
        book: SatelliteBook,
        exposure_s: float,
        plate_sigma_deg: float = 0.1,
        sky_rate: float = 1.0,
    ) -> None:
        self._site = site
        self._telescope_m: Vector = np.array(telescope_enu_m, dtype=float)
        self._book = book
        self._exposure_s = exposure_s
        self._noise_rad = float(np.radians(plate_sigma_deg))
        self._sky_rate = sky_rate
        self._lock = threading.Lock()
        self._heard = HeardSky(site)
        self._tracker = Tracker(self._noise_rad)
        self._pointings: deque[Pointing] = deque(maxlen=300)
        self._before: tuple[int, list[Sighting]] | None = None  # end and sightings of the exposure judged last
        self._beam: list[Sighting] = []
        self._recent: deque[tuple[int, list[Sighting]]] = deque(maxlen=RECENT_EXPOSURES)
        self._seen_mono_s = 0.0
        self._crowded = False
        self._counters = {
            "exposures_seen": 0, "trails_seen": 0, "trails_unusable": 0, "trails_over_limit": 0, "pieces_joined": 0,
            "trails_of_own_beam": 0, "trails_matched_to_radio": 0, "meteors": 0, "calendar_stepped_back": 0,
        }  # fmt: skip

    @property
    def counters(self) -> dict[str, int]:
        with self._lock:
            return {**self._counters, **self._tracker.counters, **self._heard.counters, **self._book.counters}

    def heard_without_position(self) -> dict[str, str]:
        """Key -> reason, for every aircraft heard that has no place on the sky."""
        with self._lock:
            return self._heard.without_position()

    def hear(self, states: Iterable[AircraftState]) -> None:
        with self._lock:
            self._heard.hear(states)

    # -- one judged exposure ----------------------------------------------------------------------------------------

    def see(
        self,
        trails: Sequence[SkyTrail],
        begin_utc_ns: int,
        end_utc_ns: int,
        end_mono_s: float,
        pointing: Pointing | None,
    ) -> None:
        """Once per judged exposure, in order of time, also when nothing was on it."""
        begin, end = sorted((begin_utc_ns, end_utc_ns))
        with self._lock:
            self._remember(pointing)
            if self._before is not None and end <= self._before[0]:
                self._counters["calendar_stepped_back"] += 1
                self._tracker.tracks, self._before = [], None
                self._recent.clear()
            self._seen_mono_s = end_mono_s
            sightings = self._sightings(trails, begin, end)
            over_limit = self._tracker.counters["tracks_over_limit"]
            self._tracker.forget_old(end_mono_s, self._sky_rate)
            # Before pieces are joined, lest a piece of an aircraft that crosses the beam becomes a piece of the beam.
            flying = self._joined(self._without_beam(sightings, begin, end, end_mono_s))
            middle = begin + (end - begin) // 2
            tracks = self._tracker.update(flying, middle, end_mono_s)
            self._crowded = len(trails) > LARGEST_TRAILS or self._tracker.counters["tracks_over_limit"] > over_limit
            self._match_radio(tracks, middle)
            self._match_satellites(tracks, begin, middle, end)
            self._match_target(tracks, middle, end_mono_s - (end - middle) / 1e9 / self._sky_rate)
            self._judge_meteors(tracks, flying + self._beam, begin)
            self._before = (end, flying + self._beam)
            self._recent.append(self._before)

    def see_sum(self, trails: Sequence[SkyTrail], begin_utc_ns: int, end_utc_ns: int, end_mono_s: float) -> None:
        """After `see` of its last exposure: trails on the sum of several, of which single ones showed nothing.

        It only ever adds objects. What stands where a single exposure of the sum has shown something, the own beam
        included, is known better from there.
        """
        with self._lock:
            sightings = self._sightings(trails, begin_utc_ns, end_utc_ns)
            shown = [s.points for end, some in self._recent if end > begin_utc_ns for s in some]
            new = [s for s in self._joined(sightings) if not shown or not _lies_on(s, np.concatenate(shown))]
            middle = begin_utc_ns + (end_utc_ns - begin_utc_ns) // 2
            tracks = self._tracker.add_slow(new, middle, end_mono_s)
            self._match_radio(tracks, middle)
            self._match_satellites(tracks, begin_utc_ns, middle, end_utc_ns)

    def _sightings(self, trails: Sequence[SkyTrail], begin: int, end: int) -> list[Sighting]:
        self._counters["exposures_seen"] += 1
        self._counters["trails_seen"] += len(trails)
        self._counters["trails_over_limit"] += max(len(trails) - LARGEST_TRAILS, 0)
        kept = sorted(trails, key=lambda t: t.score, reverse=True)[:LARGEST_TRAILS]
        found = [s for s in (sighting_of(trail, begin, end) for trail in kept) if s is not None]
        self._counters["trails_unusable"] += len(kept) - len(found)
        return found

    def _joined(self, pieces: list[Sighting]) -> list[Sighting]:
        joined = join_pieces(pieces, self._noise_rad)
        self._counters["pieces_joined"] += len(pieces) - len(joined)
        return joined

    def _remember(self, pointing: Pointing | None) -> None:
        if pointing is None or (self._pointings and pointing.received_mono_s <= self._pointings[-1].received_mono_s):
            return
        self._pointings.append(pointing)

    def _pointing_at(self, mono_s: float) -> tuple[Vector, Vector] | None:
        """Direction and motion (rad/s of the sky) of the telescope; None when it said nothing within LASER_SLACK_S."""
        near = min(self._pointings, key=lambda p: abs(p.received_mono_s - mono_s), default=None)
        if near is None or abs(near.received_mono_s - mono_s) > LASER_SLACK_S:
            return None
        return identify.pointing_vectors(
            near.azimuth_deg, near.elevation_deg, near.azimuth_rate_dps, near.elevation_rate_dps,
            (mono_s - near.received_mono_s) * self._sky_rate,
        )  # fmt: skip

    def _without_beam(self, sightings: list[Sighting], begin: int, end: int, end_mono_s: float) -> list[Sighting]:
        """Takes out what the station's own beam explains; the rest flies."""
        self._beam = []
        begin_mono_s = end_mono_s - (end - begin) / 1e9 / self._sky_rate
        lasing = any(
            p.laser_on and begin_mono_s - LASER_SLACK_S <= p.received_mono_s <= end_mono_s + LASER_SLACK_S
            for p in self._pointings
        )
        where = [self._pointing_at(t) for t in np.linspace(begin_mono_s, end_mono_s, 5)]
        arcs = [identify.beam_arc(self._telescope_m, w[0]) for w in where if w is not None]
        if not lasing or not arcs or not sightings:
            return sightings
        explained = identify.on_own_beam(sightings, arcs)
        line = np.concatenate(arcs)
        # What came from elsewhere along its own course is no beam, even while it flies along the beam.
        travellers = [
            track
            for track in self._tracker.tracks
            if track.confirmed
            and any(identify.distance_to_deg(s.points, line).max() > 2.5 for s in track.sightings[-10:])
        ]
        cost = self._tracker.cost(travellers, sightings, begin + (end - begin) // 2)
        flying: list[Sighting] = []
        for i, sighting in enumerate(sightings):
            (self._beam if explained[i] and not (cost[i] <= GATE).any() else flying).append(sighting)
        self._counters["trails_of_own_beam"] += len(self._beam)
        return flying

    def _match_radio(self, tracks: list[Track], middle: int) -> None:
        heard = self._heard.located()
        chosen: dict[int, int] = {}
        if heard and tracks:
            at = paths(heard, np.array([middle]), middle, np.zeros(3))
            unit, motion, sigma = at.unit_enu[:, 0], at.motion[:, 0], at.sigma_rad[:, 0]
            points = np.stack([t.newest.points for t in tracks])
            exposure_s = tracks[0].newest.exposure_s
            cost = chi_square(points, unit, motion, sigma, sigma, exposure_s, self._noise_rad)
            cost[:, sigma > RADIO_LARGEST_SIGMA_RAD] = NEVER
            for i, track in enumerate(tracks):
                cost[i, ~_same_way(track, middle, motion)] = NEVER
                known = track.radio_key
                cost[i, [k for k, one in enumerate(heard) if one.state.key == known]] -= KNOWN_BONUS
            chosen = dict(assign(cost, GATE))
            for i in [
                i for i in range(len(tracks)) if i not in chosen
            ]:  # further pieces of an aircraft already matched
                for j, k in list(chosen.items()):
                    longest = 1.2 * float(np.degrees(np.linalg.norm(motion[k]))) * exposure_s + 0.3
                    if on_one_line(tracks[i].newest, tracks[j].newest, longest, self._noise_rad):
                        chosen[i] = k
                        break
        for i, track in enumerate(tracks):
            track.radio_keys.append(heard[chosen[i]].state.key if i in chosen else None)
        self._counters["trails_matched_to_radio"] += len(chosen)

    def _match_satellites(self, tracks: list[Track], begin: int, middle: int, end: int) -> None:
        self._book.refresh()
        if not tracks:
            return
        sky = self._book.predict(np.array([begin, middle, end]), self._site)
        for track in tracks:
            moving = [course for course in track.courses if not course.spread_rad_per_s]  # a dot has no motion to agree
            each = [self._satellites_of(track, course, sky, middle) for course in moving]
            track.newest_satellites = frozenset[str]().union(*each)
            track.satellites.update(track.newest_satellites)

    def _satellites_of(self, track: Track, course: Course, sky: SatellitePositions, middle: int) -> frozenset[str]:
        motion = course.at(np.array([middle]))[1][0]
        return identify.satellites_that_fit(track.newest, motion, course.rate_sigma_rad_per_s, sky, self._noise_rad)

    def _match_target(self, tracks: list[Track], middle: int, middle_mono_s: float) -> None:
        named = bool(self._pointings and self._pointings[-1].target_id)  # who names no target explains nothing by it
        where = self._pointing_at(middle_mono_s) if named else None
        for track in tracks:
            fits = False
            if where is not None and track.confirmed and len(track.courses) == 1:
                course = track.courses[0]
                unit, motion, _, _ = course.at(np.array([middle]))
                fits = identify.is_own_target(unit[0], motion[0], course.rate_sigma_rad_per_s, *where)
            track.own_target = track.own_target + 1 if fits else 0

    def _judge_meteors(self, tracks: list[Track], sightings: list[Sighting], begin: int) -> None:
        """`tracks`, `sightings`: of this exposure. What was seen only in the one before is released now, if a meteor.

        What belongs to a slow track of its own is no trace of a fast one.
        """
        if self._before is None:
            return
        gap_s = (begin - self._before[0]) / 1e9
        slow = {id(s) for t in self._tracker.tracks if _is_slow(t) for s in t.sightings[-2:]}
        before, now = ([s for s in some if id(s) not in slow] for some in (self._before[1], sightings))
        close = gap_s <= identify.METEOR_GAP_EXPOSURES * max(self._exposure_s, 0.5)
        for track in self._tracker.tracks:
            if track.detections > 1 or not identify.fast_enough_for_a_meteor(track.newest):
                continue
            if track in tracks:
                track.alone_before = close and identify.empty_along(track.newest, before, gap_s)
            elif list(track.seen_in)[-2:] == [True, False]:
                alone = close and track.alone_before and identify.empty_along(track.newest, now, gap_s)
                track.meteor = alone and track.radio_key is None
                self._counters["meteors"] += track.meteor

    # -- what the guard and the publisher ask -----------------------------------------------------------------------

    def objects(self, now_utc_ns: int, now_mono_s: float, pointing: Pointing | None) -> tuple[SkyObject, ...]:
        """Everything on the sky now, over HORIZON_S: heard aircraft from the telescope, the rest from the camera."""
        with self._lock:
            self._remember(pointing)
            self._heard.forget_old(now_mono_s, self._sky_rate)
            self._tracker.forget_old(now_mono_s, self._sky_rate)
            heard = self._heard.located()
            keys = {one.state.key for one in heard}
            matched: dict[str, list[Track]] = {}
            alone = []
            for track in self._tracker.tracks:
                if track.radio_key in keys:
                    matched.setdefault(str(track.radio_key), []).append(track)
                else:
                    alone.append(track)
            found = self._heard_objects(heard, matched, now_utc_ns, now_mono_s)
            found += [self._seen_object(track, now_utc_ns, now_mono_s, pointing) for track in alone]
            found += self._beam_objects(now_mono_s)
            if self._crowded:
                found.append(everywhere("camera", max(now_mono_s - self._seen_mono_s, 0.0)))
            left_out_s = max(now_mono_s - self._heard.left_out_mono_s, 0.0)
            if left_out_s * self._sky_rate <= STALE_S:
                found.append(everywhere("radio", left_out_s))
            return tuple(found)

    def _heard_objects(
        self, heard: list[Located], matched: dict[str, list[Track]], now_utc_ns: int, now_mono_s: float
    ) -> list[SkyObject]:
        if not heard:
            return []
        ahead = paths(heard, now_utc_ns + HORIZON_NS, now_utc_ns, self._telescope_m)
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
                way = _same_way_courses(track, now_utc_ns, ahead.motion[k, 0])
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
                    state="coasting" if age_s * self._sky_rate > STALE_S else "confirmed",
                    evidence=evidence,
                )
            )
        return found

    def _seen_object(self, track: Track, now_utc_ns: int, now_mono_s: float, pointing: Pointing | None) -> SkyObject:
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

    def _beam_objects(self, now_mono_s: float) -> list[SkyObject]:
        age_s = max(now_mono_s - self._seen_mono_s, 0.0)
        if not self._beam or age_s * self._sky_rate > 3 * max(self._exposure_s, 1.0):
            return []
        points = np.concatenate([s.points for s in self._beam])
        top = points[np.argmax(points[:, 2])]
        azimuth, elevation = enu_to_azel(top)
        path = Hypothesis(np.tile(top, (len(HORIZON_S), 1)), np.full(len(HORIZON_S), np.degrees(self._noise_rad)))
        words = "lies along the telescope's beam while the laser is on"
        return [
            SkyObject(
                "own-beam", "own-beam", "own beam", ("camera",), (path,), float(azimuth), float(elevation), None, age_s,
                "confirmed", words,
            )
        ]  # fmt: skip


def _is_slow(track: Track) -> bool:
    fastest = max(abs(course.rate_rad_per_s) for course in track.courses)
    return track.detections >= 2 and fastest < np.radians(identify.METEOR_RATE_DPS)


def _lies_on(sighting: Sighting, shown: Vector) -> bool:
    """Whether a good part of it stands where single exposures have shown something. `shown` (N, 3): their points."""
    return bool((identify.distance_to_deg(sighting.points, shown) <= SHOWN_DEG).mean() >= SHOWN_SHARE)


def _same_way(track: Track, utc_ns: int, motion: Vector) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(K,) whether a path may be the track's: only a clear opposite motion of a known direction says no."""
    if len(track.courses) > 1:
        return np.ones(len(motion), dtype=bool)
    mine = track.courses[0].at(np.array([utc_ns]))[1][0]
    slow = (np.linalg.norm(motion, axis=-1) < SAME_WAY_RAD_PER_S) | (np.linalg.norm(mine) < SAME_WAY_RAD_PER_S)
    return np.asarray(slow | (motion @ mine > 0), dtype=bool)


def _same_way_courses(track: Track, utc_ns: int, motion: Vector) -> list[Course]:
    """Of both directions of a single trail the one the radio says; both when it cannot tell."""
    if len(track.courses) == 1 or float(np.linalg.norm(motion)) < SAME_WAY_RAD_PER_S:
        return list(track.courses)
    agreeing = [c for c in track.courses if float(c.at(np.array([utc_ns]))[1][0] @ motion) > 0]
    return agreeing or list(track.courses)
