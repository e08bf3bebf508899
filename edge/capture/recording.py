"""The recorder of a station, as its configuration wants it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Protocol

from camera.store.disk import Quotas
from camera.store.header import Origin
from camera.store.recorder import FrameRecorder, RecorderSettings
from edge.config import Config
from edge.runtime.place import evidence_spool, record_directory

# -I: as the processes themselves are started. Run at dawn, for the folder of the night.
BUILD_COMMAND = (sys.executable, "-I", "-m", "edge", "night")


class NamedCamera(Protocol):
    """What the camera says of itself, "" and nan until it is open."""

    name: str
    pixel_um: float


def recorder_for(config: Config, camera: NamedCamera) -> FrameRecorder | None:
    """None where nothing is to be kept, or nowhere."""
    section = config.recorder
    directory = record_directory(section.directory)
    if directory is None or not (section.keep_frames or section.preview_every_s):
        return None

    def origin() -> Origin:
        return Origin(
            software=f"Skyspotter {version('skyspotter')}",
            station=config.station.id,
            site=config.station.site,
            instrument=camera.name,
            pixel_um=camera.pixel_um,
            offset_setting=config.camera.offset_setting,
            simulated=config.simulation is not None,
        )

    settings = RecorderSettings(
        directory=directory,
        quotas=Quotas(
            frames=_bytes(section.frames_quota_gb),
            pictures=_bytes(section.pictures_quota_gb),
            evidence=_bytes(section.evidence_quota_gb),
            keep_free=_bytes(section.keep_free_gb),
        ),
        keep_frames=section.keep_frames,
        preview_every_s=section.preview_every_s,
        spool=evidence_spool() if section.keep_frames else None,
        plate_file=config.plate.file,
        build_command=BUILD_COMMAND if config.simulation is None else (),
    )
    return FrameRecorder(settings, origin)


def _bytes(gb: float) -> int:
    return round(gb * 1e9)
