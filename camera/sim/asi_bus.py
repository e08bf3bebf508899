"""The simulated cameras on their bus: there or not, shaken from outside, and the faults that are asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from camera.sim import asi_faults
from camera.sim import asi_unit as asi
from camera.sim.asi_exposing import Exposing, Scene, SkyTime
from camera.sim.asi_faults import FAULTS
from camera.sim.asi_unit import Ledger, Model, Unit
from camera.sim.faultfile import FaultFile
from camera.zwo.controls import GAIN, OFFSET

_TICK_S = 0.2


class Bus:
    """Units, faults, and what may be done to the device without its library.

    Args: faults: number of the read (1, 2, ...) -> name in FAULTS, for that read alone.
          fault_file: whatever name stands in it is the fault until the file is gone.
          gap_s: from the end of one exposure to the beginning of the next, on this machine's clock.
    """

    def __init__(
        self,
        scene: Scene,
        clock: SkyTime,
        *,
        serials: tuple[str, ...] = ("51d0c0de00000001",),
        sensor_px: tuple[int, int] | None = None,
        model: Model | None = None,
        faults: Mapping[int, str] | None = None,
        fault_file: Path | None = None,
        gap_s: float = 0.0,
    ) -> None:
        model = model or (Model(size_px=sensor_px) if sensor_px else Model())
        self._units = [Unit(bytes.fromhex(serial), model) for serial in serials]  # in their order on the bus
        self._faults, self._fault_file = faults or {}, FaultFile(fault_file, FAULTS)
        self._cured("restart")  # nothing is as fresh as a library just loaded
        self._reads = 0
        self._exposing = Exposing(scene, clock, self.fault, gap_s)
        self._gone = False
        self._shaken = 0  # resets of the device, which end a call that hangs
        self.released = threading.Event()  # lets a hung call go, so that a test can end

    def prepare(self, width_px: int, height_px: int, gain_setting: int, offset_setting: int) -> None:
        """Makes the renderer of the view that will be asked for: no real camera needs time for it."""
        unit = self._units[0]
        view = Unit(unit.serial, unit.model, size=(width_px, height_px))
        view.start = asi.centred(unit.model, width_px, height_px)
        view.values |= {GAIN: gain_setting, OFFSET: offset_setting}
        self._exposing.prepare(view)

    def fault(self) -> str:
        """The fault in force, "" for none."""
        return self._fault_file.wanted() or self._faults.get(self._reads, "")

    @property
    def ledger(self) -> Ledger:
        """Where every completed exposure ended (`asi_exposing`)."""
        return self._exposing.ledger

    # -- what is done to the device from outside -------------------------------------------------------------------

    def on_bus(self) -> bool:
        return self.fault() not in asi_faults.GONE

    def usb_reset(self) -> None:
        self._shake("usb-reset")

    def power_cycle(self) -> None:
        self._shake("usb-reset")
        self._shake("power-cycle")

    def _shake(self, cure: asi_faults.Cure) -> None:
        self._cured(cure)
        self._shaken += 1
        for unit in self._units:
            self._pull_out(unit)

    def _cured(self, cure: asi_faults.Cure) -> None:
        fault = self._fault_file.wanted()
        if asi_faults.CURES.get(fault) == cure:
            self._fault_file.over(fault)

    def _pull_out(self, unit: Unit) -> None:
        self._exposing.end(unit)
        unit.opened = unit.initialised = False

    def _hang(self, call: str) -> bool:
        """Does not come back while its fault lasts and nobody resets the device; True when it hung."""
        if self.fault() not in asi_faults.HANGS[call]:
            return False
        shaken = self._shaken
        while not self.released.wait(_TICK_S) and self._shaken == shaken:
            pass
        return True

    def _count(self) -> int:
        self._look_at_the_bus()
        return 0 if self._gone else len(self._units)

    def _look_at_the_bus(self) -> None:
        """Notices a cable that was pulled, or put back: then the cameras stand in another order."""
        gone = self.fault() in asi_faults.GONE
        if gone and not self._gone:
            for unit in self._units:
                self._pull_out(unit)
            self._units.append(self._units.pop(0))
        self._gone = gone

    def _unit(self, number: int) -> tuple[int, Unit]:
        """(error, unit) as every function begins."""
        if not 0 <= number < len(self._units):
            return asi.INVALID_ID, Unit(b"")
        self._look_at_the_bus()
        unit = self._units[number]
        if self._gone:
            return asi.REMOVED, unit
        return (asi.SUCCESS if unit.opened else asi.CLOSED), unit
