"""A simulated camera: its library stands where the vendor's would be. Only such a station loads its code."""

from __future__ import annotations

from edge.config import Config, SimulationSection
from edge.runtime.clock import SkyClock
from edge.runtime.place import runtime_directory

FAULT_FILE = "fault-camera"  # in the runtime directory: a fault of the simulated camera, by name


def install_simulated_camera(config: Config, simulation: SimulationSection) -> None:
    """Puts the simulated library where the vendor's would be; only a simulated camera loads its code."""
    from camera.sim.laser import LASER_FILE, read_intervals
    from camera.sim.renderer import Renderer, simulated_plate
    from camera.sim.scenario import night
    from camera.sim.sdk import Render, SimulatedSdk

    scenario = night(
        simulation.seed, minutes=simulation.minutes, site=config.station.site, epoch_utc_ns=simulation.epoch_utc_ns
    )
    plate = simulated_plate(scenario)
    laser_file = runtime_directory() / LASER_FILE  # written by the simulated telescope

    def scene(
        *, width_px: int, height_px: int, origin_px: tuple[int, int], gain_setting: int, offset_setting: int
    ) -> Render:
        return Renderer(
            scenario, plate, width_px=width_px, height_px=height_px, origin_px=origin_px, gain_setting=gain_setting,
            offset_setting=offset_setting, lasing=lambda: read_intervals(laser_file),
        ).render  # fmt: skip

    sky = SkyClock(simulation.epoch_utc_ns, simulation.mono_zero_s, simulation.rate)
    SimulatedSdk(scene, sky, serials=(plate.camera_serial,), fault_file=runtime_directory() / FAULT_FILE).install()
