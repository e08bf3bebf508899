"""The naked-eye stars: 5044 to V = 6.0, ICRS J2000 (Hipparcos via d3-celestial, BSD-3: see data/stars.LICENSE).

No proper motions: the worst bright star (alpha Centauri) is off by 0.03 deg in 2026, half a pixel of an all-sky camera.
The table is rebuilt by  python -m camera.stars stars.6.json camera/data/stars.csv
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).parent / "data" / "stars.csv"
UNKNOWN_BV = 0.6  # colour of the few stars without one: the Sun's


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """N stars, brightest first."""

    hip: NDArray[np.int64]  # Hipparcos number
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    v_mag: NDArray[np.float64]
    bv_mag: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.hip)

    def brighter(self, v_mag: float) -> Stars:
        """Those with V <= v_mag."""
        n = int(np.searchsorted(self.v_mag, v_mag, side="right"))
        return Stars(self.hip[:n], self.ra_deg[:n], self.dec_deg[:n], self.v_mag[:n], self.bv_mag[:n])


@cache
def load_stars() -> Stars:
    """The table that ships with the package."""
    table = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    for column in table.T:
        column.flags.writeable = False
    return Stars(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3], table[:, 4])


def table_of(geojson: str) -> str:
    """d3-celestial's GeoJSON -> the CSV: hip, ra_deg, dec_deg, v_mag, bv_mag, sorted by brightness then number."""
    rows = []
    for feature in json.loads(geojson)["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        bv = feature["properties"]["bv"]
        row = (
            feature["properties"]["mag"],
            feature["id"],
            longitude % 360.0,
            latitude,
            float(bv) if bv else UNKNOWN_BV,
        )
        rows.append(row)
    lines = [f"{hip},{ra:.4f},{dec:.4f},{v:.2f},{bv:.3f}" for v, hip, ra, dec, bv in sorted(rows)]
    return "\n".join(["hip,ra_deg,dec_deg,v_mag,bv_mag", *lines]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(table_of(Path(sys.argv[1]).read_text()))
