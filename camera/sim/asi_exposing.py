"""The simulated sensor at work: exposures one after the other, the driver's short buffer, and an account of each.

An exposure of `exposure_s` of sky time ends when the sky's clock says so; its picture is made meanwhile, to be handed
over on time. Every exposure completed is entered in the ledger: "made", and then "handed" (over to the caller),
"told" (lost, and ASIGetDroppedFrames said so), "failed" (a single one, and its status said so) or "cut" (lost where
nobody could be told: in the buffer when the video stopped, the cable was pulled, or the call hung).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camera.sim import asi_faults
from camera.sim.asi_unit import Ledger, Unit
from camera.zwo.controls import EXPOSURE, GAIN, OFFSET

BUFFERED = 2  # frames the driver keeps; older ones are dropped
STALL_SHARE = 0.8  # of an exposure that a stalled link holds a picture back
SHORTEST_S = 0.02  # from one exposure to the next: the sensor's readout
_NICENESS = 10

Render = Callable[[int, float], NDArray[np.uint16]]


class Scene(Protocol):
    """Makes a renderer for one region at one gain: given start (Unix ns) and exposure (s), (height, width) RGGB."""

    def __call__(
        self, *, width_px: int, height_px: int, origin_px: tuple[int, int], gain_setting: int, offset_setting: int
    ) -> Render: ...


class SkyTime(Protocol):
    """Sky time against this machine's monotonic clock (edge's SkyClock)."""

    @property
    def rate(self) -> float: ...

    def utc_at(self, mono_s: float) -> int: ...


class Exposing:
    """All captures of all units. `changed` guards the units' buffers and the ledger."""

    def __init__(self, scene: Scene, clock: SkyTime, fault: Callable[[], str], gap_s: float) -> None:
        self.changed = threading.Condition()
        self.ledger: Ledger = Ledger()
        self._scene, self._clock, self._fault, self._gap_s = scene, clock, fault, gap_s
        self._renders: dict[tuple[object, ...], Render] = {}  # making one takes longer than a frame may

    def begin(self, unit: Unit, mode: str) -> None:
        with self.changed:
            unit.mode, unit.dropped, unit.told, unit.failed = mode, 0, 0, False
            unit.exposure += 1
            unit.ready.clear()
        threading.Thread(target=self._expose, args=(unit, unit.exposure), name="sensor", daemon=True).start()

    def end(self, unit: Unit) -> None:
        """Whatever is in the buffer is lost; so is what the library knows to be lost and was not asked about."""
        with self.changed:
            self.ledger["cut"] += len(unit.ready) + unit.dropped - unit.told + unit.failed
            unit.ready.clear()
            unit.failed = False
            unit.mode, unit.dropped, unit.told, unit.exposure = "", 0, 0, unit.exposure + 1
            self.changed.notify_all()

    def tell_dropped(self, unit: Unit) -> int:
        with self.changed:
            self.ledger["told"] += unit.dropped - unit.told
            unit.told = unit.dropped
            return unit.dropped

    def tell_failed(self, unit: Unit) -> None:
        with self.changed:
            self.ledger["failed"] += unit.failed
            unit.failed = False
        self.end(unit)

    def prepare(self, unit: Unit) -> Render:
        """The renderer of the unit's present view."""
        (width, height), gain, offset = unit.size, unit.values[GAIN], unit.values[OFFSET]
        view = (width, height, unit.start, gain, offset)
        if view not in self._renders:
            render = self._scene(
                width_px=width, height_px=height, origin_px=unit.start, gain_setting=gain, offset_setting=offset
            )
            self._renders = {view: render}
        return self._renders[view]

    def _expose(self, unit: Unit, exposure: int) -> None:
        """One exposure after the other, each begun so late that its picture can be ready when it ends."""
        # A real sky is made elsewhere: this one gives way to whoever looks at it. Linux knows a niceness per thread.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        render = self.prepare(unit)
        exposure_s = unit.values[EXPOSURE] / 1e6
        period_s = max(exposure_s / self._clock.rate + self._gap_s, SHORTEST_S)
        end_mono_s, render_s, count = time.monotonic(), 0.0, 0
        while unit.exposure == exposure:
            end_mono_s = max(end_mono_s + period_s, time.monotonic() + 1.2 * render_s)
            begun_mono_s = time.monotonic()
            picture = render(self._clock.utc_at(end_mono_s) - round(exposure_s * 1e9), exposure_s)
            render_s = max(0.9 * render_s, time.monotonic() - begun_mono_s)
            count += 1
            late = time.monotonic() > end_mono_s
            fault = self._fault()
            held_s = STALL_SHARE * period_s * (count % 2) if fault == "stalls" else 0.0
            with self.changed:
                while unit.exposure == exposure and (left_s := end_mono_s + held_s - time.monotonic()) > 0:
                    self.changed.wait(left_s)
                if unit.exposure != exposure:
                    return
                if late and count == 1:  # nobody knew yet how long a picture takes: this one would carry a wrong time
                    continue
                self._complete(unit, picture, fault, count)
                self.changed.notify_all()
                if unit.mode == "snap":
                    return

    def _complete(self, unit: Unit, picture: NDArray[np.uint16], fault: str, count: int) -> None:
        self.ledger["made"] += 1
        lost = (
            fault in asi_faults.SILENT or (fault == "dropped" and count % 2) or (fault == "stalls" and count % 5 == 0)
        )
        if lost and unit.mode == "snap":
            unit.failed = True
        elif lost:
            unit.dropped += 1
        else:
            unit.ready.append(picture)
            if len(unit.ready) > BUFFERED:
                unit.ready.popleft()
                unit.dropped += 1
