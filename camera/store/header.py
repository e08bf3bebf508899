"""What a recorded frame says of itself: FITS keywords, among them the plate, so that one file can be measured alone.

Keywords of the FITS Standard 4.0 (Pence et al. 2010, A&A 524, A42, and its successor), those customary among cameras
(SBIG's extensions: EGAIN, CCD-TEMP, XPIXSZ, XORGSUBF; BAYERPAT, ROWORDER, COOLPOWR as capture programs write them), and
our own for the lens, which begin with KB. Pure: values in, cards out, and the plate back from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite, nan
from typing import Any

from pydantic import ValidationError

from camera.device import Frame, PlateRefused
from camera.geodesy import Site
from camera.lens import PARAMETERS
from camera.plate import Plate, Region, Station

Card = tuple[str, Any, str]

_AXES = ("1", "2", "3")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a frame does not know of itself: by whom, where and with what it was made."""

    software: str = "Skyspotter"
    station: str = ""
    site: Site | None = None
    instrument: str = ""  # the camera's name
    pixel_um: float = nan
    offset_setting: int | None = None  # the driver's number
    plate: Plate | None = None  # of this camera and region, or it is left out
    simulated: bool = False  # no sky was ever before this camera


def frame_cards(frame: Frame, origin: Origin) -> list[Card]:
    """All keywords but those of the plate; what nobody knows is left out rather than made up."""
    start = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=frame.start_utc_ns // 1000)
    end = start + timedelta(seconds=frame.exposure_s)
    cards: list[Card] = [
        ("TIMESYS", "UTC", "time scale of all dates here"),
        ("DATE-OBS", _iso(start), "start of exposure"),
        ("DATE-END", _iso(end), "end of exposure"),
        ("EXPTIME", frame.exposure_s, "[s] exposure"),
        ("IMAGETYP", "LIGHT", "shutterless camera: every frame sees the sky"),
        ("GAIN", frame.gain_setting, "driver's number, 0.1 dB"),
        ("EGAIN", frame.gain_e_per_adu, "[electron] per stored unit"),
        ("SATURATE", frame.white_adu, "stored unit of a saturated pixel"),
        ("XORGSUBF", frame.origin_px[0], "[pixel] first column on the sensor, from 0"),
        ("YORGSUBF", frame.origin_px[1], "[pixel] first row on the sensor, from 0"),
        ("XBINNING", 1, "no binning"),
        ("YBINNING", 1, "no binning"),
        ("ROWORDER", "TOP-DOWN", "first stored row is the sensor's first"),
        ("SERIAL", frame.camera_serial, "of the camera"),
        ("FRAMENO", frame.seq, "a gap means lost exposures"),
        ("SWCREATE", origin.software, "written by"),
    ]
    if origin.simulated:
        cards.append(("SIMULATE", True, "rendered: nothing here was ever in the sky"))
    if frame.mosaic == "RGGB":
        cards += [
            ("BAYERPAT", "RGGB", "colours of the first two rows"),
            ("XBAYROFF", 0, "pattern begins at the first column"),
            ("YBAYROFF", 0, "pattern begins at the first row"),
        ]
    if origin.offset_setting is not None:
        cards.append(("OFFSET", origin.offset_setting, "driver's number"))
    if isfinite(frame.sensor_celsius):
        cards.append(("CCD-TEMP", frame.sensor_celsius, "[Celsius] sensor"))
    if isfinite(frame.cooler_percent):
        cards.append(("COOLPOWR", frame.cooler_percent, "[percent] cooler"))
    if isfinite(origin.pixel_um):
        cards += [("XPIXSZ", origin.pixel_um, "[um] pixel"), ("YPIXSZ", origin.pixel_um, "[um] pixel")]
    if origin.instrument:
        cards.append(("INSTRUME", origin.instrument, "camera"))
    if origin.station:
        cards += [("OBSERVAT", origin.station, "station"), ("TELESCOP", "all-sky camera", "not the laser's telescope")]
    if origin.site is not None:
        cards += [
            ("SITELAT", origin.site.latitude_deg, "[deg] north, WGS-84"),
            ("SITELONG", origin.site.longitude_deg, "[deg] east, WGS-84"),
            ("SITEELEV", origin.site.height_m, "[m] above the WGS-84 ellipsoid"),
        ]
    return [(key, _plain(value), comment) for key, value, comment in cards]


def plate_cards(plate: Plate) -> list[Card]:
    """The lens as `camera.lens` takes it; the covariance stays in the plate's file, which the hash names."""
    parameters = plate.parameters
    cards: list[Card] = [
        ("KBMODEL", plate.model, "lens model: see camera/lens.py"),
        ("KBSHA", plate.sha256, ""),
        ("KBDATE", plate.date, "newest frame it was solved from"),
        ("KBSTARS", plate.stars, "stars it rests on"),
        ("KBRMS", plate.rms_px, "[pixel] residual of them"),
        ("KBFLIP", plate.flip, "-1: a mirror image"),
    ]
    # Pixels of the full sensor and radians. Twenty columns hold 15 to 16 digits: 1e-12 of a pixel or less.
    cards += [(f"KB_{name.upper()}", getattr(parameters, name), "") for name in PARAMETERS]
    cards += [(f"KB_R{row}{column}", plate.r0[int(row) - 1][int(column) - 1], "") for row in _AXES for column in _AXES]
    cards += [
        ("KBLAT", plate.station.latitude_deg, "[deg] where it was solved"),
        ("KBLONG", plate.station.longitude_deg, "[deg]"),
        ("KBELEV", plate.station.height_m, "[m]"),
    ]
    return cards


def plate_of(header: Mapping[str, Any], frame: Frame) -> Plate | None:
    """The plate a frame carries, sealed anew; None when it carries none. Raises PlateRefused when it is damaged."""
    model = header.get("KBMODEL")
    if model is None:
        return None
    if model != "kb13/1":
        raise PlateRefused(f'{frame.file}: carries a plate of model {model!r}, this version knows "kb13/1"')
    try:
        return Plate.sealed(
            parameters={name: header[f"KB_{name.upper()}"] for name in PARAMETERS},
            flip=header["KBFLIP"],
            r0=tuple(tuple(header[f"KB_R{row}{column}"] for column in _AXES) for row in _AXES),
            camera_serial=frame.camera_serial,
            region=Region(origin_px=frame.origin_px, size_px=(frame.width, frame.height)),
            date=header["KBDATE"],
            station=Station(latitude_deg=header["KBLAT"], longitude_deg=header["KBLONG"], height_m=header["KBELEV"]),
            rms_px=header["KBRMS"],
            stars=header["KBSTARS"],
        )
    except KeyError as err:
        raise PlateRefused(f"{frame.file}: its plate lacks keyword {err.args[0]}") from err
    except ValidationError as err:
        first = err.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise PlateRefused(f"{frame.file}: its plate is damaged ({field}: {first['msg']})") from err


def _plain(value: Any) -> Any:
    """A header knows printable ASCII only; a camera's name may be anything."""
    return "".join(c if " " <= c <= "~" else "?" for c in value) if isinstance(value, str) else value


def _iso(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}"
