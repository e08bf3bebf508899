"""The little map shows each sector where the camera has it, and marks what nobody vouches for."""

from __future__ import annotations

import numpy as np

from camera.sectors import SECTORS
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import night
from camera.visibility import SectorState
from edge.guard.payload import Stamp
from edge.skydisc import MASKED, sky_disc
from edge.vision.skygrid import sky_message
from tests.edge.vision.test_station import judged

PLATE = simulated_plate(night(1))
SIDE = 300


def test_each_sector_is_drawn_where_the_camera_has_it():
    view = judged(1.0).visibility
    assert view is not None
    states = np.full(SECTORS, int(SectorState.SEEN), np.int8)
    states[22:32], states[32:42] = SectorState.BLIND, SectorState.MASKED  # 25 to 40 degrees, east and west
    view.sectors[:] = states
    message = sky_message(view, None, Stamp(station="a", boot_id="b", simulated=True), utc_ns=0, sky_utc_ns=0, mono_s=0)
    disc = sky_disc(message, SIDE, PLATE).astype(int)
    middle_px = (np.array(PLATE.region.size_px) - 1) / 2
    scale = SIDE / max(PLATE.region.size_px) * 0.86

    def around(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
        x, y = (
            PLATE.azel_to_pixel(np.array([[azimuth_deg, elevation_deg]]), PLATE.region.origin_px)[0] - middle_px
        ) * scale
        row, column = round(y + SIDE / 2), round(x + SIDE / 2)
        return disc[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3)

    blind, masked, seen = around(90.0, 32.0), around(270.0, 32.0), around(90.0, 60.0)
    assert np.abs(masked - np.array(MASKED)).max() < 5
    assert seen.std(axis=0).max() < 12
    assert (seen[:, 0] > 130).all()  # blue: faint stars show
    assert blind.std(axis=0).max() > 15  # stripes
