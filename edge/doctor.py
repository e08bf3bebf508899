"""`skyspotter doctor`: looks at everything a station needs and says what to do. Changes nothing.

Each check is a function that returns findings; a check that breaks is a finding itself.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from edge.config import Config, ConfigRefused, load_config
from edge.runtime import usb
from edge.runtime.place import StartRefused, record_directory, runtime_directory
from edge.runtime.timesync import clock_quality, kernel_time_words

TV_DRIVER = "dvb_usb_rtl28xxu"  # the kernel's television driver takes the dongle away
RING_BYTES = 3 * 2822 * 2744 * 2


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and for "warn" and "fail" what to do."""

    what: str
    level: Literal["ok", "warn", "fail"]
    words: str


Check = Callable[[Config | None], Iterator[Finding]]


def python_and_packages(_: Config | None) -> Iterator[Finding]:
    enough = sys.version_info >= (3, 11)
    yield Finding(
        "python", "ok" if enough else "fail", platform.python_version() + ("" if enough else ": 3.11 is needed")
    )
    missing = []
    for line in metadata.requires("skyspotter") or []:
        name = line.partition(";")[0].split("[")[0].strip()
        name = next((name[:i] for i, c in enumerate(name) if c in "<>=!~ "), name)
        if "extra ==" not in line:
            try:
                metadata.version(name)
            except metadata.PackageNotFoundError:
                missing.append(name)
    if missing:
        yield Finding("packages", "fail", f"missing: {', '.join(missing)}; install skyspotter again")
    else:
        yield Finding("packages", "ok", f"skyspotter {metadata.version('skyspotter')} and all it needs")


def camera(config: Config | None) -> Iterator[Finding]:
    if config is not None and config.camera.source != "asi":
        yield Finding("camera", "ok", f"camera.source is {config.camera.source}: no camera is needed")
        return
    from camera.device import CameraError
    from camera.zwo.bus import found_cameras, usb_refusal

    try:
        found = found_cameras(config.camera.library if config else None)
    except CameraError as err:
        yield Finding("camera library", "fail", str(err))
        return
    yield Finding("camera library", "ok", "loaded")
    if refusal := usb_refusal():
        yield Finding("camera", "fail", refusal)
    elif not found:
        yield Finding(
            "camera", "fail", "none on the USB bus; plug it in, and give it its own 12 V for cooler and heater"
        )
    else:
        yield Finding("camera", "ok", ", ".join(f"{one.name} serial {one.serial or 'not readable'}" for one in found))


def dongle(config: Config | None) -> Iterator[Finding]:
    if config is not None and config.radio.source != "rtlsdr":
        yield Finding("radio", "ok", f"radio.source is {config.radio.source}: no dongle is needed")
        return
    from edge.adsb.sources.rtl import PRODUCTS, VENDOR

    found = [device for device in usb.devices() if device.vendor == VENDOR and device.product in PRODUCTS]
    if not found:
        yield Finding("radio", "fail", "no RTL-SDR dongle on the USB bus; plug one in, with an antenna for 1090 MHz")
    for device in found:
        if os.access(device.node(), os.R_OK | os.W_OK):
            yield Finding("radio", "ok", f"RTL-SDR, serial {device.serial or 'none'}")
        else:
            yield Finding("radio", "fail", f"{device.node()} may not be opened by this user: {usb.UDEV_ADVICE}")
    wanted = config.radio.serial if config is not None else ""
    if found and wanted and wanted not in {device.serial for device in found}:
        yield Finding("radio", "fail", f"no dongle has the serial number {wanted} of radio.serial")
    elif len(found) > 1 and not wanted:
        yield Finding("radio", "warn", "several dongles: name the one for 1090 MHz in radio.serial")
    if found and (Path("/sys/module") / TV_DRIVER).exists():
        advice = f"write 'blacklist {TV_DRIVER}' into /etc/modprobe.d/skyspotter.conf, reboot"
        yield Finding("radio", "warn", f"the kernel's television driver {TV_DRIVER} may hold the dongle: {advice}")


def place(_: Config | None) -> Iterator[Finding]:
    try:
        directory = runtime_directory()
    except StartRefused as err:
        yield Finding("shared memory", "fail", str(err))
        return
    free = shutil.disk_usage(directory).free
    words = f"{directory}: {free / 1e6:.0f} MB free, the frame ring needs {RING_BYTES / 1e6:.0f} MB"
    if free < RING_BYTES:
        yield Finding("shared memory", "fail", f"{words}; enlarge it (in a container: --shm-size=256m)")
    else:
        yield Finding("shared memory", "ok", words)


def clock(_: Config | None) -> Iterator[Finding]:
    yield Finding("clock", "ok" if clock_quality().good else "fail", kernel_time_words())


def plate(config: Config | None) -> Iterator[Finding]:
    if config is None or config.camera.source == "none":
        return
    if config.plate.file is None:
        words = "none: the camera cannot say where a trail is and is no basis for a permission; `skyspotter calibrate`"
        yield Finding("plate", "warn", words)
        return
    from camera.device import PlateRefused
    from camera.mask import load_mask
    from camera.plate import load_plate

    try:
        found = load_plate(config.plate.file)
        yield Finding("plate", "ok", str(config.plate.file))
        if config.plate.mask_file is not None:
            mask = load_mask(config.plate.mask_file, found)
            yield Finding("mask", "ok", f"{config.plate.mask_file}: {len(mask.polygons_px)} areas")
    except PlateRefused as err:
        yield Finding("plate", "fail", str(err))


def masters(config: Config | None) -> Iterator[Finding]:
    """Darks and flat: a station goes on without those that are refused, so somebody must be told."""
    if config is None or config.camera.source == "none":
        return
    from camera.device import PlateRefused
    from camera.frames.dark import MasterRefused
    from camera.frames.flat import Flattener, load_flat
    from camera.frames.masters import Masters
    from camera.plate import load_plate

    try:
        plate = None if config.plate.file is None else load_plate(config.plate.file)
    except PlateRefused:  # said already
        plate = None
    try:
        if (directory := config.camera.darks_directory) is not None:
            serial = Masters.of(directory).camera_serial
            if plate is not None and serial != plate.camera_serial:
                words = f"{directory}: of camera {serial!r}, the plate of {plate.camera_serial!r}: make darks anew"
                yield Finding("darks", "fail", words)
            else:
                yield Finding("darks", "ok", f"{directory}: of camera {serial!r}")
        if (file := config.camera.flat_file) is not None:
            flat = load_flat(file)
            if plate is None:
                yield Finding("flat", "warn", f"{file}: not used without a plate")
            else:
                Flattener(flat, plate)
                yield Finding("flat", "ok", str(file))
    except MasterRefused as err:
        yield Finding("darks or flat", "fail", f"{err}; until then the station goes on without")


def recordings(config: Config | None) -> Iterator[Finding]:
    """Where frames and evidence go; what systemd gives is not there outside of the unit."""
    if config is None or (directory := record_directory(config.recorder.directory)) is None:
        return
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free_gb, wanted_gb = shutil.disk_usage(there).free / 1e9, config.recorder.keep_free_gb
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("recordings", "fail", f"{directory}: {there} cannot be written to; correct recorder.directory")
    elif free_gb < wanted_gb:
        words = f"{directory}: {free_gb:.1f} GB free, recorder.keep_free_gb is {wanted_gb:g}: nothing will be kept"
        yield Finding("recordings", "fail", words)
    else:
        yield Finding("recordings", "ok", f"{directory}: {free_gb:.1f} GB free")


def network(config: Config | None) -> Iterator[Finding]:
    from importlib.resources import files

    from models.contract import ModelRefused
    from models.engines import load_engine

    file = config.network.file if config else None
    shipped = sorted(Path(str(files("models"))).glob("zoo/*.u8.onnx"))
    if file is None and not shipped:
        yield Finding("network", "fail", "none in models/zoo; install skyspotter again, or set network.file")
        return
    try:
        with load_engine(config.network.engine if config else "auto", file) as engine:
            kind = type(engine).__name__.removesuffix("Engine")
            yield Finding("network", "ok", f"{engine.path.name} in {kind}, SHA-256 {engine.sha256[:12]}")
    except ModelRefused as err:
        yield Finding("network", "fail", str(err))


CHECKS: tuple[Check, ...] = (python_and_packages, camera, dongle, place, clock, plate, masters, recordings, network)


def examine(file: Path | None) -> list[Finding]:
    """All findings; without a configuration those that need none."""
    config: Config | None = None
    findings = []
    if file is None:
        findings.append(Finding("configuration", "warn", "none given: `skyspotter doctor --config FILE` sees more"))
    else:
        try:
            config = load_config(file)
            findings.append(Finding("configuration", "ok", str(file)))
        except ConfigRefused as err:
            findings.append(Finding("configuration", "fail", str(err)))
    for check in CHECKS:
        try:
            findings.extend(check(config))
        except (OSError, ImportError, ValueError) as err:
            findings.append(Finding(check.__name__, "fail", f"could not be examined: {err}"))
    return findings


def show_findings(file: Path | None) -> int:
    """Prints the table; returns 1 when something fails, else 0."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    findings = examine(file)
    table = Table("what", "", "how it is, what to do")
    colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for finding in findings:
        table.add_row(finding.what, Text(finding.level, colours[finding.level]), Text(finding.words))
    Console().print(table)
    return 1 if any(finding.level == "fail" for finding in findings) else 0
