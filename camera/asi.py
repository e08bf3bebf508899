"""The real camera: a ZWO ASI through the vendor's library, driven by the package zwoasi 0.2.0.

One thread owns it; any other may ask which call has not come back (`overdue`). RAW16, a region in the middle of the
sensor, every automatism off. Two modes: continuous video, where one exposure follows the other, and single exposures.
Facts from the vendor's ASICamera2.h: region width % 8 == 0 and height % 2 == 0; a control out of range is clipped and
called a success; 2 x exposure + 500 ms is the time to wait for a frame.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import Any, Literal

import numpy as np

from camera.device import CameraError, CameraLost, CameraRefused, Frame, FrameTimeout
from camera.zwo.bus import choose
from camera.zwo.controls import BANDWIDTH, COOLER_POWER, DEW_HEATER, OFFSET, TEMPERATURE, Controls
from camera.zwo.cooler import Cooler
from camera.zwo.library import asking, load_sdk

log = logging.getLogger(__name__)

OPENING_S = 4.5  # the shortest deadline of a call: opening takes seconds however short the exposure is
_WITHOUT_WAITING_S = 0.005
_POLL_S = 0.01  # of a single exposure's end

Mode = Literal["video", "snap"]


@dataclass(frozen=True, kw_only=True)
class AsiSettings:
    """What the camera is asked for; the names are those of the configuration's section [camera]."""

    exposure_s: float
    width_px: int
    height_px: int
    mode: Mode = "video"
    gain_setting: int = 120
    offset_setting: int = 30
    bandwidth_percent: int = 80
    target_celsius: int | None = None  # None: cooler off
    cooler_ramp_celsius_per_min: float = 5.0
    dew_heater: bool = False
    serial: str = ""  # empty: the only camera there is
    library: Path | None = None


class AsiCamera:
    """`Camera` over the vendor's library.

    The pixels of a frame live in one of two buffers in turn: they hold until the next-but-one `read`. Copy to keep.
    `dropped` counts the exposures that were lost, over all openings: by what the library says, and because the camera
    failed between a picture and what belongs to it.
    """

    def __init__(self, settings: AsiSettings, *, utc_ns: Callable[[], int] = time.time_ns, rate: float = 1.0) -> None:
        """`utc_ns` gives sky time; in a simulation it runs `rate` times as fast as this machine's."""
        self._settings = settings
        self._utc_ns, self._rate = utc_ns, rate
        self.longest_s = settings.exposure_s / rate  # on this machine's clock
        self._sdk: Any = None
        self._camera: Any = None
        self._seq = 0
        self._dropped_told, self._previous_end_mono_s = 0, 0.0
        self._snap_began_mono_s: float | None = None
        self._cooler = Cooler(settings.target_celsius, settings.cooler_ramp_celsius_per_min * rate)
        self.dropped = 0
        self.name, self.pixel_um = "", nan  # until it is open

    @property
    def deadline_s(self) -> float:
        """How long the vendor advises to wait for a frame, of the longest exposure asked for."""
        return 2.0 * max(self.longest_s, self.longest_s * self._rate) + 0.5

    def overdue(self, now_mono_s: float) -> tuple[str, float] | None:
        """The call that should have come back by now, and how long it has been waited for."""
        calling = self._sdk.zwolib.calling if self._sdk is not None and self._sdk.zwolib is not None else None
        if calling is None or (waited_s := now_mono_s - calling[1]) <= max(self.deadline_s, OPENING_S):
            return None
        return calling[0], waited_s

    def open(self) -> None:
        """Chooses the camera, sets it up, starts it. Raises CameraRefused or CameraLost."""
        self.close()
        self._sdk = load_sdk(self._settings.library)
        self._camera, self._serial = choose(self._sdk, self._settings.serial)
        try:
            with asking(self._sdk, "setting up the camera"):
                self._set_up()
                self._start()
        except BaseException:
            self.close()
            raise

    def expose(self, exposure_s: float, gain_setting: int) -> None:
        """From now on with this exposure and gain; what is under way is given up, so that no frame is of both.

        Raises CameraRefused or CameraLost.
        """
        if (exposure_s, gain_setting) == (self._settings.exposure_s, self._settings.gain_setting):
            return
        self._settings = replace(self._settings, exposure_s=exposure_s, gain_setting=gain_setting)
        if self._camera is None:
            return
        with asking(self._sdk, "setting the exposure"):
            self._stop()
            self._gain_e_per_adu = self._controls.expose(exposure_s, gain_setting)
            self._start()

    def read(self, timeout_s: float) -> Frame:
        """The next exposure. Raises FrameTimeout (none yet: read again) or CameraLost."""
        if self._camera is None:
            raise CameraLost("the camera is not open")
        able = self._controls.able
        self._buffers.reverse()
        video = self._settings.mode == "video"
        with asking(self._sdk, "reading a frame"):
            end_mono_s = (self._video if video else self._snap)(self._buffers[0], timeout_s)
        end_utc_ns = self._utc_ns() - round((time.monotonic() - end_mono_s) * self._rate * 1e9)
        try:
            with asking(self._sdk, "reading a frame"):
                self._seq += 1 + (self._count_dropped() if video else 0)
                celsius = self._controls.get(TEMPERATURE, nan) / 10.0
                cooler_percent = self._controls.get(COOLER_POWER, 0.0) if able.cooled else 0.0
                self._cooler.follow(self._controls)
        except CameraError:
            self.dropped += 1  # the picture is here, but not what belongs to it
            raise
        settings = self._settings
        pixels = np.frombuffer(self._buffers[0], "<u2").reshape(settings.height_px, settings.width_px)
        pixels.flags.writeable = False
        return Frame(
            seq=self._seq,
            start_utc_ns=end_utc_ns - round(settings.exposure_s * 1e9),
            end_mono_s=end_mono_s,
            exposure_s=settings.exposure_s,
            gain_setting=settings.gain_setting,
            gain_e_per_adu=self._gain_e_per_adu,
            origin_px=able.origin_px(settings.width_px, settings.height_px),
            mosaic=able.mosaic,
            white_adu=able.white_adu,
            sensor_celsius=celsius,
            cooler_percent=cooler_percent,
            pixels=pixels,
            camera_serial=self._serial,
        )

    def close(self, *, for_good: bool = False) -> None:
        """Safe to call twice, and after any error. A camera that is only reopened keeps its cooler going."""
        if self._camera is None:
            return
        farewells: list[tuple[str, Callable[[], None]]] = [
            ("stopping the exposures", self._stop), ("closing the camera", self._camera.close)
        ]  # fmt: skip
        if for_good:
            farewells.insert(0, ("warming the sensor", lambda: self._cooler.warm_up(self._controls)))
        try:
            for what, farewell in farewells:
                with contextlib.suppress(CameraLost, FrameTimeout), asking(self._sdk, what):
                    farewell()
        finally:
            self._camera = None

    def _set_up(self) -> None:
        settings = self._settings
        controls = self._controls = Controls(self._camera)
        self.name, self.pixel_um = controls.able.name, controls.able.pixel_um
        if settings.target_celsius is not None and not controls.able.cooled:
            raise CameraRefused(f"camera.target_celsius is set, but the {self.name} has no cooler: remove it")
        controls.all_manual()
        self._gain_e_per_adu = controls.expose(settings.exposure_s, settings.gain_setting)
        controls.put(OFFSET, settings.offset_setting, "camera.offset_setting")
        controls.put(BANDWIDTH, settings.bandwidth_percent, "camera.bandwidth_percent")
        if not controls.put(DEW_HEATER, int(settings.dew_heater), "camera.dew_heater") and settings.dew_heater:
            log.info("event=no-dew-heater camera=%r", self.name)
        self._cooler.begin(controls)
        controls.region(settings.width_px, settings.height_px)
        self._buffers = [bytearray(2 * settings.width_px * settings.height_px) for _ in range(2)]

    # -- exposures -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._dropped_told = 0
        self._snap_began_mono_s = None
        self._previous_end_mono_s = time.monotonic()
        if self._settings.mode == "video":
            self._camera.start_video_capture()

    def _stop(self) -> None:
        if self._settings.mode == "snap":
            self._camera.stop_exposure()
            return
        self._count_dropped()  # the library forgets them with the next start
        self._camera.stop_video_capture()

    def _count_dropped(self) -> int:
        told = int(self._camera.get_dropped_frames())
        new, self._dropped_told = max(told - self._dropped_told, 0), told
        self.dropped += new
        return new

    def _video(self, buffer: bytearray, timeout_s: float) -> float:
        """Fills the buffer; returns when its exposure ended."""
        asked_mono_s = time.monotonic()
        self._camera.get_video_data(timeout=round(timeout_s * 1000), buffer_=buffer)
        mono_s = time.monotonic()
        late_s = 0.0
        if mono_s - asked_mono_s < _WITHOUT_WAITING_S:
            # It lay ready in the driver's buffer: it ended when the one before it and one exposure more had passed.
            late_s = max(mono_s - self._previous_end_mono_s - self._settings.exposure_s / self._rate, 0.0)
        self._previous_end_mono_s = mono_s - late_s
        return self._previous_end_mono_s

    def _snap(self, buffer: bytearray, timeout_s: float) -> float:
        """One exposure from start to data, over as many calls of `timeout_s` as it takes; returns when it ended."""
        sdk, camera = self._sdk, self._camera
        give_up_mono_s = time.monotonic() + timeout_s
        if self._snap_began_mono_s is None:
            camera.start_exposure()
            self._snap_began_mono_s = time.monotonic()
        while (status := camera.get_exposure_status()) == sdk.ASI_EXP_WORKING:
            if time.monotonic() >= give_up_mono_s:
                raise FrameTimeout("reading a frame: the exposure is under way")
            time.sleep(_POLL_S)
        mono_s, self._snap_began_mono_s = time.monotonic(), None
        if status != sdk.ASI_EXP_SUCCESS:
            self._seq += 1
            self.dropped += 1
            raise FrameTimeout("reading a frame: the library says that the exposure failed")
        camera.get_data_after_exposure(buffer)
        return mono_s
