"""Aircraft heard on 1090 MHz: who has a place on the sky and who has none, bounded in number and in age.

What a report means at an instant is `edge.adsb.motion`; CLOCK_MONOTONIC says how old it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from camera.geodesy import Site
from edge.adsb.motion import GONE_S, Located, locate
from edge.records import AircraftState

LARGEST_COUNT = 500
MATTERS_M = 150_000.0  # farther away, the highest airliner stands 4 deg above the horizon


class HeardSky:
    """The newest report of every aircraft, until it is GONE_S old."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._located: dict[str, Located] = {}
        self._unlocated: dict[str, tuple[AircraftState, str]] = {}
        self.counters = {"heard_states": 0, "heard_dropped": 0, "heard_over_limit": 0}
        self.left_out_mono_s = float("-inf")  # when somebody who matters was last left out

    def hear(self, states: Iterable[AircraftState]) -> None:
        for state in states:
            self.counters["heard_states"] += 1
            found = locate(state, self._site)
            if isinstance(found, Located):
                self._located[state.key] = found
                self._unlocated.pop(state.key, None)
            elif found == "on the ground" or state.key not in self._located:
                self._located.pop(state.key, None)
                self._unlocated[state.key] = (state, found)
        while len(self._located) > LARGEST_COUNT:
            farthest = max(self._located.values(), key=lambda one: float(np.linalg.norm(one.position_m)))
            del self._located[farthest.state.key]
            self.counters["heard_over_limit"] += 1
            if float(np.linalg.norm(farthest.position_m)) < MATTERS_M:
                self.left_out_mono_s = max(self.left_out_mono_s, farthest.state.seen_mono_s)
        while len(self._unlocated) > LARGEST_COUNT:
            del self._unlocated[next(iter(self._unlocated))]
            self.counters["heard_over_limit"] += 1

    def forget_old(self, now_mono_s: float, sky_rate: float) -> None:
        """Drops what is older than GONE_S of the sky's seconds, judged by the machine's clock."""
        for key in [k for k, one in self._located.items() if one.age_s(now_mono_s) * sky_rate > GONE_S]:
            del self._located[key]
            self.counters["heard_dropped"] += 1
        for key in [k for k, (s, _) in self._unlocated.items() if (now_mono_s - s.seen_mono_s) * sky_rate > GONE_S]:
            del self._unlocated[key]

    def located(self) -> list[Located]:
        return list(self._located.values())

    def without_position(self) -> dict[str, str]:
        """Key -> why: heard, but not to be drawn on the sky."""
        return {key: reason for key, (_, reason) in self._unlocated.items()}
