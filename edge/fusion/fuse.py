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

from camera.geodesy import Site
from edge.adsb.motion import STALE_S
from edge.fusion.evidence import judge_meteors, match_radio, match_satellites, match_target, split_own_beam
from edge.fusion.greatcircle import Vector
from edge.fusion.heard import HeardSky
from edge.fusion.identify import distance_to_deg
from edge.fusion.objects import beam_object, everywhere, heard_objects, seen_object
from edge.fusion.satellites import SatelliteBook
from edge.fusion.sightings import Sighting, join_pieces, sighting_of
from edge.fusion.telescope import Telescope
from edge.fusion.tracks import Track, Tracker
from edge.records import AircraftState, Pointing, SkyObject, SkyTrail

LARGEST_TRAILS = 100  # of one exposure; joining the pieces of more would take longer than the exposure lasts
RECENT_EXPOSURES = 8  # more than a stack is made of
SHOWN_DEG, SHOWN_SHARE = 1.0, 0.3  # of a stack's sighting near what single exposures showed


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
        self._book = book
        self._exposure_s = exposure_s
        self._noise_rad = float(np.radians(plate_sigma_deg))
        self._sky_rate = sky_rate
        self._lock = threading.Lock()
        self._heard = HeardSky(site)
        self._tracker = Tracker(self._noise_rad)
        self._telescope = Telescope(telescope_enu_m, sky_rate)
        self._recent: deque[tuple[int, list[Sighting]]] = deque(maxlen=RECENT_EXPOSURES)  # end and sightings of each
        self._beam: list[Sighting] = []  # of the newest exposure
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
        middle = begin + (end - begin) // 2
        middle_mono_s = end_mono_s - (end - middle) / 1e9 / self._sky_rate
        with self._lock:
            self._telescope.hear(pointing)
            if self._recent and end <= self._recent[-1][0]:
                self._counters["calendar_stepped_back"] += 1
                self._tracker.tracks = []
                self._recent.clear()
            self._seen_mono_s = end_mono_s
            sightings = self._sightings(trails, begin, end)
            over_limit = self._tracker.counters["tracks_over_limit"]
            self._tracker.forget_old(end_mono_s, self._sky_rate)
            # Before pieces are joined, lest a piece of an aircraft that crosses the beam becomes a piece of the beam.
            flying, self._beam = self._split_own_beam(sightings, begin, end, end_mono_s)
            flying = self._joined(flying)
            tracks = self._tracker.update(flying, middle, end_mono_s)
            self._crowded = len(trails) > LARGEST_TRAILS or self._tracker.counters["tracks_over_limit"] > over_limit
            self._match(tracks, begin, end)
            match_target(tracks, self._telescope, middle, middle_mono_s)
            seen = flying + self._beam
            if self._recent:
                ended, before = self._recent[-1]
                gap_s = (begin - ended) / 1e9
                every = self._tracker.tracks
                self._counters["meteors"] += judge_meteors(every, tracks, before, seen, gap_s, self._exposure_s)
            self._recent.append((end, seen))

    def see_stack(self, trails: Sequence[SkyTrail], begin_utc_ns: int, end_utc_ns: int, end_mono_s: float) -> None:
        """After `see` of its last exposure: trails on the stack of several, of which single ones showed nothing.

        It only ever adds objects. What stands where a single exposure of the stack has shown something is known better
        from there; the own beam may be too faint for single ones, so it is looked for again.
        """
        with self._lock:
            sightings = self._sightings(trails, begin_utc_ns, end_utc_ns)
            flying, _ = self._split_own_beam(sightings, begin_utc_ns, end_utc_ns, end_mono_s)
            shown = [s.points for end, some in self._recent if end > begin_utc_ns for s in some]
            new = [s for s in self._joined(flying) if not shown or not _lies_on(s, np.concatenate(shown))]
            middle = begin_utc_ns + (end_utc_ns - begin_utc_ns) // 2
            self._match(self._tracker.add_slow(new, middle, end_mono_s), begin_utc_ns, end_utc_ns)

    def _sightings(self, trails: Sequence[SkyTrail], begin: int, end: int) -> list[Sighting]:
        self._counters["exposures_seen"] += 1
        self._counters["trails_seen"] += len(trails)
        self._counters["trails_over_limit"] += max(len(trails) - LARGEST_TRAILS, 0)
        kept = sorted(trails, key=lambda t: t.score, reverse=True)[:LARGEST_TRAILS]
        found = [s for s in (sighting_of(trail, begin, end) for trail in kept) if s is not None]
        self._counters["trails_unusable"] += len(kept) - len(found)
        return found

    def _split_own_beam(
        self, sightings: list[Sighting], begin: int, end: int, end_mono_s: float
    ) -> tuple[list[Sighting], list[Sighting]]:
        """What flies and what is the own beam, wherever it stood between begin and end."""
        arcs = self._telescope.beam(end_mono_s - (end - begin) / 1e9 / self._sky_rate, end_mono_s)
        flying, beam = split_own_beam(sightings, arcs, self._tracker, begin + (end - begin) // 2)
        self._counters["trails_of_own_beam"] += len(beam)
        return flying, beam

    def _joined(self, pieces: list[Sighting]) -> list[Sighting]:
        joined = join_pieces(pieces, self._noise_rad)
        self._counters["pieces_joined"] += len(pieces) - len(joined)
        return joined

    def _match(self, tracks: list[Track], begin: int, end: int) -> None:
        matched = match_radio(tracks, self._heard.located(), begin + (end - begin) // 2, self._noise_rad)
        self._counters["trails_matched_to_radio"] += matched
        match_satellites(tracks, self._book, self._site, begin, end, self._noise_rad)

    # -- what the guard and the publisher ask -----------------------------------------------------------------------

    def objects(self, now_utc_ns: int, now_mono_s: float, pointing: Pointing | None) -> tuple[SkyObject, ...]:
        """Everything on the sky now, over HORIZON_S: heard aircraft from the telescope, the rest from the camera."""
        with self._lock:
            self._telescope.hear(pointing)
            self._heard.forget_old(now_mono_s, self._sky_rate)
            self._tracker.forget_old(now_mono_s, self._sky_rate)
            heard = self._heard.located()
            matched: dict[str, list[Track]] = {one.state.key: [] for one in heard}
            alone: list[Track] = []
            for track in self._tracker.tracks:
                key = track.radio_key
                (alone if key is None else matched.get(key, alone)).append(track)
            telescope_m = self._telescope.position_m
            found = heard_objects(heard, matched, telescope_m, now_utc_ns, now_mono_s, self._sky_rate)
            found += [seen_object(track, now_utc_ns, now_mono_s, pointing) for track in alone]
            seen_age_s = max(now_mono_s - self._seen_mono_s, 0.0)
            if self._beam and seen_age_s * self._sky_rate <= 3 * max(self._exposure_s, 1.0):
                found.append(beam_object(self._beam, seen_age_s, self._noise_rad))
            if self._crowded:
                found.append(everywhere("camera", seen_age_s))
            left_out_s = max(now_mono_s - self._heard.left_out_mono_s, 0.0)
            if left_out_s * self._sky_rate <= STALE_S:
                found.append(everywhere("radio", left_out_s))
            return tuple(found)


def _lies_on(sighting: Sighting, shown: Vector) -> bool:
    """Whether a good part of it stands where single exposures have shown something. `shown` (N, 3): their points."""
    return bool((distance_to_deg(sighting.points, shown) <= SHOWN_DEG).mean() >= SHOWN_SHARE)
