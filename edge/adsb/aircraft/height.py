"""Height above the ellipsoid from the best there is: every step down the chain knows less, and says so by its sigma.

gnss            GNSS height of position messages with type codes 20 to 22
own-difference  barometric altitude plus the difference the aircraft itself reports (type code 19)
neighbours      the same with the median difference of others at its altitude in the last half hour
qnh             barometric altitude corrected by the station's pressure, and its temperature where that is known
baro            barometric altitude as it is

Uncorrected, the atmosphere alone puts an airliner overhead up to a degree beside where it is. Before version 2 a "GNSS
height" may be above the ellipsoid or above the sea, nobody can tell: halfway is taken, and the other half is doubt.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import hypot
from statistics import median

from edge.adsb.motion import BARO_SIGMA_M, GONE_S, STALE_S
from edge.adsb.quality import Codes, height_sigma_m
from edge.records import HeightBasis

GNSS_SIGMA_M = 30.0  # where the aircraft does not tell
UNSURE_UNIT_SIGMA_M = 1000.0  # a type code 20 to 22 height that no barometric altitude confirms
GEOID_SIGMA_M = 40.0  # of an undulation nobody told: it spans -107 to +86 m, 30 m rms
AGREES_M = 1500.0  # GNSS height and barometric altitude of the same place
NEIGHBOUR_ALTITUDE_M, NEIGHBOUR_S = 600.0, 1800.0
NEIGHBOUR_AGAIN_S = 60.0  # one aircraft counts once a minute
NEIGHBOUR_SIGMA_M, FEW_NEIGHBOURS_SIGMA_M = 50.0, 120.0
LARGEST_DIFFERENCE_M = 1000.0  # the field holds 3137 ft
_LAYER_M, _LAYER_COUNT, _REFRESH_S = 300.0, 100, 5.0
_ISA_PA_EXPONENT, _ISA_SCALE_M, _ISA_HPA = 0.190263, 44_330.77, 1013.25
_ISA_CELSIUS, _LAPSE_C_PER_M, _EXPANSION_PER_C = 15.0, 0.0065, 0.004  # 0.4 % a kelvin
_COLUMN_DOUBT, _UNKNOWN_COLUMN_DOUBT = 0.02, 0.035  # of the height: 5 K and 9 K wrong all the way up


@dataclass(frozen=True, slots=True)
class Air:
    """What the station knows of its own place: None where it does not."""

    geoid_m: float | None = None  # of mean sea level above the ellipsoid
    qnh_hpa: float | None = None
    temperature_celsius: float | None = None
    station_height_m: float = 0.0  # above the ellipsoid


@dataclass(frozen=True, slots=True)
class Height:
    height_m: float
    sigma_m: float
    basis: HeightBasis


@dataclass(slots=True)
class Heights:
    """What one aircraft said of its height."""

    baro_m: float | None = None
    baro_mono_s: float = -1e9
    gnss_m: float | None = None
    gnss_sigma_m: float = GNSS_SIGMA_M
    gnss_mono_s: float = -1e9
    difference_m: float | None = None
    difference_mono_s: float = -1e9
    _counted_mono_s: float = -1e9

    def gnss(self, height_m: float | None, if_metres_m: float | None, sigma_m: float | None, mono_s: float) -> None:
        """A height of type codes 20 to 22, read as feet and as metres; the barometric altitude tells which it is."""
        readings = [value for value in (height_m, if_metres_m) if value is not None]
        if not readings:
            return
        sigma_m = GNSS_SIGMA_M if sigma_m is None else sigma_m
        baro_m = self.baro_m
        if baro_m is not None and mono_s - self.baro_mono_s < GONE_S:
            best_m = min(readings, key=lambda value: abs(value - baro_m))
            if abs(best_m - baro_m) > AGREES_M:
                return  # neither is the height of this aircraft
        else:
            best_m, sigma_m = readings[0], max(sigma_m, UNSURE_UNIT_SIGMA_M)
        self.gnss_m, self.gnss_sigma_m, self.gnss_mono_s = best_m, sigma_m, mono_s

    def difference(self, difference_m: float, mono_s: float) -> None:
        """GNSS height minus barometric altitude, of type code 19."""
        self.difference_m, self.difference_mono_s = difference_m, mono_s

    def counts_again(self, mono_s: float) -> bool:
        """Whether its difference is due to be counted for its neighbours."""
        if not 0 <= mono_s - self._counted_mono_s < NEIGHBOUR_AGAIN_S:
            self._counted_mono_s = mono_s
            return True
        return False


class HeightChain:
    """The station's part: its air, and the differences of everybody by altitude."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._layers: dict[int, deque[tuple[float, float, float]]] = {}  # of 300 m: (mono_s, altitude_m, difference_m)
        self._medians: dict[int, tuple[float, tuple[float, float] | None]] = {}  # by layer: (mono_s, result)

    def best(self, said: Heights, codes: Codes, mono_s: float, *, vouched: bool) -> Height | None:
        """None where nothing is known; `vouched`: whether its word may count for its neighbours."""
        shift_m, datum_sigma_m = self._datum(codes)
        if said.gnss_m is not None and mono_s - said.gnss_mono_s < STALE_S:
            return Height(said.gnss_m + shift_m, hypot(said.gnss_sigma_m, datum_sigma_m), "gnss")
        baro_m = said.baro_m
        if baro_m is None:
            return None
        if said.difference_m is not None and mono_s - said.difference_mono_s < GONE_S:
            own_sigma_m = hypot(height_sigma_m(codes) or GNSS_SIGMA_M, datum_sigma_m)
            if vouched and said.counts_again(mono_s):
                self.count(baro_m, said.difference_m + shift_m, mono_s)
            return Height(baro_m + said.difference_m + shift_m, own_sigma_m, "own-difference")
        others = self.neighbours(baro_m, mono_s)
        if others is not None:
            return Height(baro_m + others[0], others[1], "neighbours")
        return self._by_pressure(baro_m)

    def count(self, altitude_m: float, difference_m: float, mono_s: float) -> None:
        """What one aircraft at that altitude reports."""
        layer = int(altitude_m // _LAYER_M)
        if abs(difference_m) <= LARGEST_DIFFERENCE_M:
            kept = self._layers.setdefault(layer, deque(maxlen=_LAYER_COUNT))
            kept.append((mono_s, altitude_m, difference_m))

    def neighbours(self, altitude_m: float, mono_s: float) -> tuple[float, float] | None:
        """(median difference, its sigma) around that altitude, anew every five seconds."""
        layer = int(altitude_m // _LAYER_M)
        made_s, result = self._medians.get(layer, (-1e9, None))
        if 0 <= mono_s - made_s < _REFRESH_S:
            return result
        middle_m, reach_m = (layer + 0.5) * _LAYER_M, NEIGHBOUR_ALTITUDE_M - _LAYER_M / 2  # for all of the layer
        said = [
            difference_m
            for near in range(layer - 2, layer + 3)
            for at_s, other_m, difference_m in self._layers.get(near, ())
            if 0 <= mono_s - at_s < NEIGHBOUR_S and abs(other_m - middle_m) <= reach_m
        ]
        result = None
        if said:
            middle = median(said)
            spread_m = 1.4826 * median(abs(value - middle) for value in said)  # of a normal law, by its MAD
            least_m = NEIGHBOUR_SIGMA_M if len(said) >= 3 else FEW_NEIGHBOURS_SIGMA_M
            result = middle, max(least_m, spread_m)
        self._medians[layer] = mono_s, result
        return result

    def _datum(self, codes: Codes) -> tuple[float, float]:
        """(shift, sigma) that make of a reported GNSS height one above the ellipsoid."""
        if (codes.version or 0) >= 2:
            return 0.0, 0.0
        if self._air.geoid_m is None:
            return 0.0, GEOID_SIGMA_M
        return self._air.geoid_m / 2, abs(self._air.geoid_m) / 2

    def _by_pressure(self, baro_m: float) -> Height:
        air = self._air
        sea_m, sea_sigma_m = air.geoid_m or 0.0, 0.0 if air.geoid_m is not None else GEOID_SIGMA_M
        if air.qnh_hpa is None:
            return Height(baro_m + sea_m, BARO_SIGMA_M, "baro")
        above_sea_m = baro_m + _ISA_SCALE_M * ((air.qnh_hpa / _ISA_HPA) ** _ISA_PA_EXPONENT - 1)
        station_m = air.station_height_m - sea_m
        column_m = above_sea_m - station_m  # of air that is not as in the book; at the station the pressure is right
        doubt_m = _UNKNOWN_COLUMN_DOUBT * abs(column_m)
        if air.temperature_celsius is not None:
            warmer_c = air.temperature_celsius - (_ISA_CELSIUS - _LAPSE_C_PER_M * station_m)
            above_sea_m += _EXPANSION_PER_C * warmer_c * column_m
            doubt_m = _COLUMN_DOUBT * abs(column_m)
        sigma_m = min(BARO_SIGMA_M, hypot(GNSS_SIGMA_M, doubt_m, sea_sigma_m))
        return Height(above_sea_m + sea_m, sigma_m, "qnh")
