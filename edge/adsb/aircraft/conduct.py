"""Does it fly as aircraft do? What no aircraft does is flagged for a while, with the name of what was wrong.

speed          faster over ground than anything in civil air
acceleration   two velocities that no airframe turns into each other
climb          a vertical rate beyond any
altitude-jump  an altitude that could not be reached, said twice; said once it is held back
velocity       for ten seconds the positions went elsewhere than the velocity it reports
ground-claim   said to be on the ground seconds after it flew faster than anything lands: not believed, or one message
               of somebody else would take it from the sky
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, hypot, radians, sin

from edge.adsb.aircraft.positions import FASTEST_MPS, Fix

FLAG_S = 15.0
STEEPEST_MPS = 100.0  # 20 000 ft/min
HARDEST_MPS2 = 60.0  # 6 g
TURN_MPS2 = 4.6  # 25 deg of bank
ALTITUDE_SLACK_M = 60.0  # two steps of 100 ft
LANDING_MPS, FLEW_S = 100.0, 5.0
_ROUNDING_MPS = 4.0  # one count of a supersonic velocity is 2 m/s
_NEWER_S, _OLDER_S = 0.2, 10.0  # apart: velocities that are compared, positions that are
_WINDOW_S = 10.0
_WINDOW_SLACK_M, _WINDOW_LATE_S = 100.0, 0.3
_DEGREE_M = 111_195.0


@dataclass(slots=True)
class Conduct:
    """The watch over one aircraft. Times: `utc_ns` of the sky, `mono_s` for how long a flag stays."""

    _seen_mono_s: dict[str, float] = field(default_factory=dict)  # what was wrong: when last
    _velocity: tuple[float, float, int] | None = None  # east and north, m/s; utc_ns
    _altitude: tuple[float, int] | None = None
    _held_altitude: tuple[float, int] | None = None
    _fix: Fix | None = None
    _window_s: float = 0.0
    _astray_m: tuple[float, float] = (0.0, 0.0)  # east and north: positions less velocity, summed over the window
    _turned_m: float = 0.0
    _flew_mono_s: float = -1e9

    def flags(self, mono_s: float) -> tuple[str, ...]:
        if not self._seen_mono_s:
            return ()
        self._seen_mono_s = {name: at_s for name, at_s in self._seen_mono_s.items() if mono_s - at_s < FLAG_S}
        return tuple(self._seen_mono_s)

    def fly(self, speed_mps: float, track_deg: float, sigma_mps: float, utc_ns: int, mono_s: float) -> None:
        """A velocity over ground, standard deviation `sigma_mps`."""
        if speed_mps > FASTEST_MPS:
            self._seen_mono_s["speed"] = mono_s
        track = radians(track_deg)
        east_mps, north_mps = speed_mps * sin(track), speed_mps * cos(track)
        if self._velocity is not None:
            elapsed_s = (utc_ns - self._velocity[2]) / 1e9
            change_mps = hypot(east_mps - self._velocity[0], north_mps - self._velocity[1])
            most_mps = HARDEST_MPS2 * elapsed_s + _ROUNDING_MPS + 4 * sigma_mps
            if _NEWER_S <= elapsed_s <= _OLDER_S and change_mps > most_mps:
                self._seen_mono_s["acceleration"] = mono_s
        self._velocity = east_mps, north_mps, utc_ns

    def lands(self, on_ground: bool, speed_mps: float | None, mono_s: float) -> bool:
        """A word on where it is; `speed_mps` what it said before. False where it is not to be believed."""
        if not on_ground:
            self._flew_mono_s = mono_s
        elif mono_s - self._flew_mono_s < FLEW_S and (speed_mps or 0.0) > LANDING_MPS:
            self._seen_mono_s["ground-claim"] = mono_s
            return False
        return True

    def climb(self, rate_mps: float, mono_s: float) -> None:
        if abs(rate_mps) > STEEPEST_MPS:
            self._seen_mono_s["climb"] = mono_s

    def rise(self, altitude_m: float, utc_ns: int, mono_s: float) -> bool:
        """An altitude; False where it waits for a second one like it."""
        if self._altitude is None or _in_reach(self._altitude, altitude_m, utc_ns):
            self._altitude, self._held_altitude = (altitude_m, utc_ns), None
            return True
        if self._held_altitude is None or not _in_reach(self._held_altitude, altitude_m, utc_ns):
            self._held_altitude = altitude_m, utc_ns
            return False
        self._altitude, self._held_altitude = (altitude_m, utc_ns), None
        self._seen_mono_s["altitude-jump"] = mono_s
        return True

    def move(self, fix: Fix, sigma_mps: float) -> None:
        """An accepted position; `sigma_mps` of the velocity. Judged by the ten seconds: in one step of half a second
        nothing could be told from rounding and delay."""
        before, self._fix = self._fix, fix
        step_s = 0.0 if before is None else (fix.utc_ns - before.utc_ns) / 1e9
        velocity = self._velocity
        if before is None or velocity is None or not 0 <= step_s <= 3.0 or fix.utc_ns - velocity[2] > 3e9:
            self._begin_window()
            return
        north_m = (fix.latitude_deg - before.latitude_deg) * _DEGREE_M
        turn_deg = (fix.longitude_deg - before.longitude_deg + 180.0) % 360.0 - 180.0
        east_m = turn_deg * cos(radians(fix.latitude_deg)) * _DEGREE_M
        self._astray_m = (
            self._astray_m[0] + east_m - velocity[0] * step_s,
            self._astray_m[1] + north_m - velocity[1] * step_s,
        )
        self._turned_m += TURN_MPS2 * step_s * max(step_s, 1.0)  # the velocity may be a step older than the position
        self._window_s += step_s
        if self._window_s >= _WINDOW_S:
            late_m = _WINDOW_LATE_S * hypot(velocity[0], velocity[1])
            most_m = _WINDOW_SLACK_M + late_m + (4 * sigma_mps + 1.0) * self._window_s + self._turned_m
            if hypot(*self._astray_m) > most_m:
                self._seen_mono_s["velocity"] = fix.mono_s
            self._begin_window()

    def jumped(self, fix: Fix) -> None:
        """A position that does not continue the one before."""
        self._fix = fix
        self._begin_window()

    def _begin_window(self) -> None:
        self._window_s, self._astray_m, self._turned_m = 0.0, (0.0, 0.0), 0.0


def _in_reach(from_: tuple[float, int], altitude_m: float, utc_ns: int) -> bool:
    elapsed_s = abs(utc_ns - from_[1]) / 1e9
    return abs(altitude_m - from_[0]) <= ALTITUDE_SLACK_M + STEEPEST_MPS * elapsed_s
