"""Where an aircraft was while the shutter was open: between the reports before and after, and how sure that is.

Every report is carried to the instant as the fusion carries it (`edge.adsb.motion`: time of applicability, velocity,
height chain, what grows with age); between two reports the way goes over from the one to the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from camera.geodesy import Site
from edge.adsb.motion import Located, locate, paths
from edge.records import AircraftState
from edge.weaklabels.heard import HEARD_NS

Vector = NDArray[np.float64]
VOUCHED_S = 5.0  # of a report for an instant
INSTANTS = 5  # of an exposure: ten seconds of a bent trail within a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """One aircraft at the instants of an exposure, seen from the camera."""

    state: AircraftState  # the last one heard
    doubted: bool  # any of its positions
    away_s: float  # at worst, from an instant to the nearest report
    unit_enu: Vector  # (INSTANTS, 3)
    range_m: Vector  # (INSTANTS,)
    sigma_rad: Vector  # (INSTANTS,) of the direction


@dataclass(frozen=True, slots=True)
class Silent:
    """An aircraft that was heard, but not so that its way through the exposure is known."""

    why: str


def instants(begin_utc_ns: int, end_utc_ns: int) -> NDArray[np.int64]:
    """(INSTANTS,) evenly, both ends included."""
    return begin_utc_ns + np.linspace(0, end_utc_ns - begin_utc_ns, INSTANTS).round().astype(np.int64)


def ways(heard: Mapping[str, Sequence[AircraftState]], site: Site, utc_ns: NDArray[np.int64]) -> list[Way | Silent]:
    """One for every aircraft heard. Args: heard: by aircraft, each in order of time; utc_ns: (INSTANTS,)."""
    return [_way(states, site, utc_ns) for states in heard.values()]


def _way(states: Sequence[AircraftState], site: Site, utc_ns: NDArray[np.int64]) -> Way | Silent:
    reports: list[Located] = []
    for state in states:
        found = locate(state, site)
        if isinstance(found, str):
            return Silent(found)
        reports.append(found)
    enu_m, sigma_rad, worst_s = np.empty((len(utc_ns), 3)), np.empty(len(utc_ns)), 0.0
    for number, now in enumerate(utc_ns.tolist()):
        pair = _beside(reports, now)
        if not pair:
            return Silent("heard too long before or after")
        path = paths(pair, np.array([now]), now, np.zeros(3))
        away_s = np.abs([report.utc_ns - now for report in pair]) / 1e9
        weight = 1 - away_s / away_s.sum() if len(pair) == 2 and away_s.sum() else np.full(len(pair), 1 / len(pair))
        worst_s = max(worst_s, float(away_s.min()))
        enu_m[number] = weight @ (path.unit_enu[:, 0] * path.range_m[:, 0, None])
        sigma_rad[number] = weight @ path.sigma_rad[:, 0]  # what one report has wrong the next has as well
    range_m = np.maximum(np.linalg.norm(enu_m, axis=1), 1.0)
    doubted = any(state.flags for state in states)
    return Way(states[-1], doubted, worst_s, enu_m / range_m[:, None], range_m, sigma_rad)


def _beside(reports: Sequence[Located], now_utc_ns: int) -> list[Located]:
    """The last one before that instant and the first one after; an old one only where there is no other."""
    before = [one for one in reports if now_utc_ns - HEARD_NS <= one.utc_ns <= now_utc_ns]
    after = [one for one in reports if now_utc_ns < one.utc_ns <= now_utc_ns + HEARD_NS]
    pair = before[-1:] + after[:1]
    return [one for one in pair if abs(one.utc_ns - now_utc_ns) <= VOUCHED_S * 1e9] or pair
