"""What the simulated camera looks at changes by fault: a knocked mount, a cap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camera.sim.conditions import SimKnock
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night
from camera.zwo.library import import_zwoasi
from edge.capture.simulated import FAULT_FILE, KNOCK_DEG, install_simulated_camera
from tests.edge.capture.station import EPOCH_UTC_NS, config_of

VIEW: dict[str, Any] = {
    "width_px": 256, "height_px": 256, "origin_px": (1900, 1300), "gain_setting": 120, "offset_setting": 30
}  # fmt: skip


@pytest.fixture
def fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    config = config_of("sim", seed=3)
    assert config.simulation is not None
    install_simulated_camera(config, config.simulation)
    yield tmp_path / FAULT_FILE
    import_zwoasi().zwolib.uninstall()


def test_a_knock_turns_the_sky_by_its_angle_and_passes_with_the_fault(fault: Path) -> None:
    render = import_zwoasi().zwolib._exposing._scene(**VIEW)
    calm = render(EPOCH_UTC_NS, 2.0)
    fault.write_text("knock")
    knocked = render(EPOCH_UTC_NS, 2.0)
    fault.unlink()
    assert np.array_equal(render(EPOCH_UTC_NS, 2.0), calm)
    config = config_of("sim", seed=3)
    assert config.simulation is not None
    scenario = night(3, minutes=config.simulation.minutes, site=config.station.site, epoch_utc_ns=EPOCH_UTC_NS)
    moved = SimKnock(t_s=0.0, tilt_east_deg=KNOCK_DEG).moved(simulated_plate(scenario))
    assert np.array_equal(knocked, Renderer(scenario, moved, **VIEW).render(EPOCH_UTC_NS, 2.0))
    assert not np.array_equal(knocked, calm)


def test_a_cap_leaves_the_sensors_noise_alone(fault: Path) -> None:
    render = import_zwoasi().zwolib._exposing._scene(**VIEW)
    calm = np.median(render(EPOCH_UTC_NS, 2.0))
    fault.write_text("cap")
    assert np.median(render(EPOCH_UTC_NS, 2.0)) < calm
