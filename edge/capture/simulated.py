"""A simulated camera: its library stands where the vendor's would be. Only such a station loads its code."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.config import Config, SimulationSection
from edge.runtime.clock import SkyClock
from edge.runtime.place import runtime_directory
from edge.runtime.usb import UsbDevice

if TYPE_CHECKING:
    from camera.sim.sdk import SimulatedSdk

FAULT_FILE = "fault-camera"  # in the runtime directory: a fault of the simulated camera, by name
KNOCK_DEG = 0.3  # that its mount then leans east


class SimulatedUsb:
    """`UsbBus` of a simulated camera: what is done to it reaches the simulated library."""

    def __init__(self, sdk: SimulatedSdk) -> None:
        self._sdk = sdk

    def find_device(self, vendor: int, product: int | None = None, serial: str | None = None) -> UsbDevice | None:
        if not self._sdk.on_bus():
            return None
        return UsbDevice(port="2-1.4", vendor=vendor, product=0x294E, serial="", bus=2, number=7)

    def reset(self, device: UsbDevice) -> None:
        self._sdk.usb_reset()

    def power_cycle(self, device: UsbDevice, off_s: float) -> None:
        self._sdk.power_cycle()


def install_simulated_camera(config: Config, simulation: SimulationSection) -> SimulatedUsb:
    """Puts the simulated library where the vendor's would be; gives what shakes the simulated device."""
    from camera.sim.conditions import SimKnock
    from camera.sim.laser import LASER_FILE, read_intervals
    from camera.sim.renderer import Renderer, simulated_plate
    from camera.sim.scenario import night
    from camera.sim.sdk import Render, SimulatedSdk

    scenario = night(
        simulation.seed, minutes=simulation.minutes, site=config.station.site, epoch_utc_ns=simulation.epoch_utc_ns
    )
    plate = simulated_plate(scenario)
    laser_file = runtime_directory() / LASER_FILE  # written by the simulated telescope

    knocked = SimKnock(t_s=0.0, tilt_east_deg=KNOCK_DEG).moved(plate)
    capped = replace(scenario, sky=replace(scenario.sky, capped_s=((-inf, inf),)))
    sights = {"": (scenario, plate), "knock": (scenario, knocked), "cap": (capped, plate)}  # by fault

    def scene(
        *, width_px: int, height_px: int, origin_px: tuple[int, int], gain_setting: int, offset_setting: int
    ) -> Render:
        @cache
        def renderer(fault: str) -> Renderer:
            return Renderer(
                *sights[fault], width_px=width_px, height_px=height_px, origin_px=origin_px, gain_setting=gain_setting,
                offset_setting=offset_setting, lasing=lambda: read_intervals(laser_file),
            )  # fmt: skip

        def render(start_utc_ns: int, exposure_s: float) -> NDArray[np.uint16]:
            fault = sdk.fault()
            return renderer(fault if fault in sights else "").render(start_utc_ns, exposure_s)

        renderer("")  # takes longer than a frame may
        return render

    sky = SkyClock(simulation.epoch_utc_ns, simulation.mono_zero_s, simulation.rate)
    sdk = SimulatedSdk(scene, sky, serials=(plate.camera_serial,), fault_file=runtime_directory() / FAULT_FILE)
    camera = config.camera
    sdk.prepare(camera.width_px, camera.height_px, camera.gain_setting, camera.offset_setting)
    sdk.install()
    return SimulatedUsb(sdk)
