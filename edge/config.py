"""The station's configuration: one TOML file, read once, refused with the path of what is wrong, never corrected.

Every part gets its own section, never the whole. Secrets do not stand here: they come by systemd `LoadCredential` and
are read from $CREDENTIALS_DIRECTORY. `edge/example.toml` is the commented file that `skyspotter config init` writes.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from camera.geodesy import Site

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]  # goes into MQTT topics: no '/', '+', '#'


class ConfigRefused(Exception):
    """The configuration cannot be used; the message has one line per fault, each with file and path."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StationSection(Section):
    id: Name
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    height_m: float = Field(ge=-430, le=9000)  # above the WGS-84 ellipsoid, not above the sea
    geoid_m: float | None = Field(None, ge=-110, le=90)  # of the mean sea level above the ellipsoid, here
    qnh_hpa: float | None = Field(None, ge=870, le=1090)  # for aircraft that tell no GNSS height, while no other does
    temperature_celsius: float | None = Field(None, ge=-70, le=60)  # at the station, makes `qnh_hpa` worth more

    @property
    def site(self) -> Site:
        return Site(self.latitude_deg, self.longitude_deg, self.height_m)


class CameraSection(Section):
    source: Literal["asi", "sim", "replay", "none"] = "asi"
    serial: str = ""  # hexadecimal, as `skyspotter doctor` prints it; empty: the only camera there is
    library: Path | None = None  # libASICamera2.so; None: the usual places
    mode: Literal["video", "snap"] = "video"  # one exposure after the other, or each by itself
    exposure_s: float = Field(2.0, ge=0.05, le=60)
    shortest_exposure_s: float = Field(0.001, ge=0.0001, le=60)  # what a bright sky may shorten it to
    gain_setting: int = Field(120, ge=0, le=600)
    lowest_gain_setting: int = Field(0, ge=0, le=600)  # once the shortest exposure is still too bright
    offset_setting: int = Field(30, ge=0, le=500)
    bandwidth_percent: int = Field(80, ge=40, le=100)
    width_px: int = Field(2744, ge=64, multiple_of=8)
    height_px: int = Field(2822, ge=64, multiple_of=2)
    target_celsius: int | None = Field(None, ge=-50, le=30)  # None: cooler off
    cooler_ramp_celsius_per_min: float = Field(5.0, ge=0.5, le=30)
    dew_heater: bool = True
    darks_directory: Path | None = None  # of `skyspotter darks`; None: raw frames are judged as they are
    flat_file: Path | None = None  # of `skyspotter flat`; None: pictures stay darker towards the edge

    @model_validator(mode="after")
    def _room_below(self) -> CameraSection:
        if self.shortest_exposure_s > self.exposure_s:
            raise ValueError("shortest_exposure_s must not be larger than exposure_s")
        if self.lowest_gain_setting > self.gain_setting:
            raise ValueError("lowest_gain_setting must not be larger than gain_setting")
        return self


class PlateSection(Section):
    file: Path | None = None  # written by `skyspotter calibrate`; None: the camera cannot say where it looks
    mask_file: Path | None = None  # written by `skyspotter mask`; None: nothing hides the sky for good
    minimum_elevation_deg: float = Field(10.0, ge=0, le=60)

    @model_validator(mode="after")
    def _mask_of_a_plate(self) -> PlateSection:
        if self.mask_file is not None and self.file is None:
            raise ValueError("mask_file needs file: a mask belongs to a plate")
        return self


CUSTOMARY_PORTS = {"beast": 30005, "rtl_tcp": 1234}  # by radio.source


class RadioSection(Section):
    source: Literal["rtlsdr", "rtl_tcp", "sim", "beast", "iq", "none"] = "rtlsdr"
    serial: str = ""
    sample_rate_hz: Literal[2_400_000, 2_000_000] = 2_400_000
    gain_db: float | Literal["auto"] = "auto"  # -10 to 60; "auto": led by what is heard
    ppm: int = Field(0, ge=-200, le=200)
    bias_tee: bool = False
    files: tuple[Path, ...] = ()  # recordings, for source = "iq" (cu8) or "beast" (replay)
    host: str = Field("127.0.0.1", min_length=1)  # of "rtl_tcp", or of "beast" without files: a readsb or dump1090
    port: int | None = Field(None, ge=1, le=65535)  # None: what is customary for the source, see CUSTOMARY_PORTS

    @property
    def tcp_port(self) -> int:
        return self.port or CUSTOMARY_PORTS.get(self.source, 0)

    @model_validator(mode="after")
    def _of_one_piece(self) -> RadioSection:
        if self.gain_db != "auto" and not -10 <= self.gain_db <= 60:
            raise ValueError(f'gain_db should be "auto" or -10 to 60, not {self.gain_db}')
        for source, port in CUSTOMARY_PORTS.items():
            if self.source in CUSTOMARY_PORTS and self.source != source and self.port == port:
                raise ValueError(f'port {port} is customary for source = "{source}", not for "{self.source}"')
        if self.source == "rtl_tcp" and (self.files or self.serial):
            raise ValueError('source = "rtl_tcp" has neither files nor serial: the server chooses its dongle')
        return self


LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ShareSection(Section):
    """What other programs may have of the radio: the dongle can be opened only once."""

    host: str = Field("127.0.0.1", min_length=1)  # this box alone; "0.0.0.0": whoever reaches it
    beast_port: int | None = Field(None, ge=1, le=65535)  # None: off; 30005 is customary
    sbs_port: int | None = Field(None, ge=1, le=65535)  # None: off; 30003 is customary
    aircraft_json: bool = True
    json_directory: Path | None = None  # None: the runtime directory

    @model_validator(mode="after")
    def _two_ports(self) -> ShareSection:
        if self.beast_port is not None and self.beast_port == self.sbs_port:
            raise ValueError("beast_port and sbs_port must differ")
        return self


HIGHEST_THRESHOLD = 0.9  # of a station under the real sky: beyond, faint lights are no longer reported


class NetworkSection(Section):
    file: Path | None = None  # None: the network that ships in models/zoo
    engine: Literal["auto", "onnx", "tensorrt", "openvino"] = "auto"
    threshold: float = Field(0.5, gt=0, lt=1)
    threads: int = Field(2, ge=1, le=16)


class BeamSection(Section):
    name: Name = "main"
    region: Literal["cone", "fixed", "whole-sky"] = "cone"
    cone_deg: float = Field(6.0, ge=2, le=90)  # no permit with anything nearer to the beam; 2: an airliner 2 km away
    caution_deg: float = Field(10.0, gt=0, le=90)  # CAUTION with anything nearer
    azimuth_deg: float | None = Field(None, ge=0, lt=360)  # region = "fixed"
    elevation_deg: float | None = Field(None, ge=0, le=90)
    minimum_elevation_deg: float = Field(20.0, ge=0, le=60)  # region = "whole-sky": what is guarded
    telescope_east_m: float = 0.0  # of the telescope, from the camera
    telescope_north_m: float = 0.0
    telescope_up_m: float = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> BeamSection:
        if self.caution_deg < self.cone_deg:
            raise ValueError("caution_deg must not be smaller than cone_deg")
        if self.region == "fixed" and (self.azimuth_deg is None or self.elevation_deg is None):
            raise ValueError('region = "fixed" needs azimuth_deg and elevation_deg')
        return self


class GuardSection(Section):
    mode: Literal["shadow", "advisory", "enforce"] = "shadow"
    beams: tuple[BeamSection, ...] = (BeamSection(),)
    allow_radio_basis: bool = False  # permit (at most CAUTION) with the camera blind, given a primary measure
    allow_camera_basis: bool = False  # the same with the radio down
    primary_measure_timeout_s: float = Field(2.0, gt=0, le=10)
    explained_may_pass: tuple[Literal["satellite", "meteor", "own-beam", "own-target"], ...] = (
        "own-beam",
        "own-target",
    )
    smallest_range_m: float = Field(500.0, gt=0, le=5000)  # nearest aircraft the baseline is widened for

    @model_validator(mode="after")
    def _one_topic_per_beam(self) -> GuardSection:
        names = [beam.name for beam in self.beams]
        if not names:
            raise ValueError("at least one beam is needed")
        if len(set(names)) != len(names):
            raise ValueError("two beams have one name")
        return self


class MqttSection(Section):
    host: str = "127.0.0.1"
    port: int = Field(1883, ge=1, le=65535)
    protocol: Literal["5", "3.1.1"] = "5"
    ca_file: Path | None = None  # set: TLS
    certificate_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None  # the password comes as credential "mqtt-password"

    @model_validator(mode="after")
    def _tls_whole(self) -> MqttSection:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if self.certificate_file is not None and self.ca_file is None:
            raise ValueError("a client certificate needs ca_file")
        return self


class RecorderSection(Section):
    directory: Path | None = None  # None: $STATE_DIRECTORY, else nothing is recorded
    keep_frames: bool = False
    frames_quota_gb: float = Field(20.0, gt=0)
    evidence_quota_gb: float = Field(5.0, gt=0)
    evidence_beside_s: float = Field(20.0, ge=0, le=600)  # kept before and after an event
    preview_every_s: float = Field(10.0, ge=0, le=3600)  # 0: no pictures
    pictures_quota_gb: float = Field(5.0, gt=0)
    keep_free_gb: float = Field(2.0, ge=0)  # of the disk, for everybody else
    keep_aircraft: bool = True  # every state heard, as Parquet
    keep_messages: bool = False  # every message, as Beast files
    radio_quota_gb: float = Field(10.0, gt=0)  # of the two together
    outbox_rows: int = Field(50_000, ge=100)


class SatelliteSection(Section):
    directory: Path | None = None  # *.tle files, watched; None: no satellite is ever named
    maximum_age_days: float = Field(7.0, gt=0, le=30)


class SimulationSection(Section):
    """Present only in demo and replay. Its presence alone moves every topic under `skyspotter-sim/`."""

    seed: int = 1
    minutes: float = Field(3.0, gt=0, le=24 * 60)
    rate: float = Field(1.0, ge=0.1, le=50)
    paced: bool = False  # replay of a recording: at `rate` times its own pace, else as fast as it can be read
    epoch_utc_ns: int
    mono_zero_s: float
    files: tuple[Path, ...] = ()  # replay: the frames, in order
    file_list: Path | None = None  # replay: the same as a text file, one path a line
    output: Path | None = None  # replay, demo: where pictures and detections.jsonl go


class Config(Section):
    station: StationSection
    camera: CameraSection = CameraSection()
    plate: PlateSection = PlateSection()
    radio: RadioSection = RadioSection()
    share: ShareSection = ShareSection()
    network: NetworkSection = NetworkSection()
    guard: GuardSection = GuardSection()
    mqtt: MqttSection = MqttSection()
    recorder: RecorderSection = RecorderSection()
    satellites: SatelliteSection = SatelliteSection()
    simulation: SimulationSection | None = None

    @model_validator(mode="after")
    def _safe_as_a_whole(self) -> Config:
        simulated = self.camera.source in ("sim", "replay") or self.radio.source in ("sim", "iq") or self.radio.files
        if simulated and self.simulation is None:
            raise ValueError(
                "camera.source or radio.source is simulated or recorded, but there is no [simulation] section"
            )
        if self.simulation is not None and self.share.host not in LOOPBACK:
            raise ValueError("share.host must be 127.0.0.1 in a simulation: others would take it for the sky")
        radio = self.radio
        if radio.source in CUSTOMARY_PORTS and not radio.files and radio.host in LOOPBACK:
            for key in ("beast_port", "sbs_port"):
                if getattr(self.share, key) == radio.tcp_port:
                    raise ValueError(
                        f"radio.port and share.{key} are both {radio.tcp_port}: the radio would listen to itself"
                    )
        if self.network.threshold > HIGHEST_THRESHOLD and self.simulation is None:
            raise ValueError(f"network.threshold above {HIGHEST_THRESHOLD} is a camera that reports nothing")
        if self.camera.source == "none" and self.radio.source == "none":
            raise ValueError("camera.source and radio.source are both none: a station needs at least one sense")
        return self

    @property
    def topic_root(self) -> str:
        return f"{'skyspotter' if self.simulation is None else 'skyspotter-sim'}/{self.station.id}"

    @property
    def is_replay(self) -> bool:
        """Whether recordings set the pace of the judgement, not the clock."""
        return self.camera.source == "replay" or (self.simulation is not None and bool(self.radio.files))

    def sha256(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def parse_config(text: str, name: str) -> Config:
    """TOML, or JSON where the name ends so (programs write it).

    Raises ConfigRefused with one line per fault: `name: guard.beams.0.cone_deg: should be ... to 2, not 1`.
    """
    try:
        given = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
        return Config.model_validate_json(json.dumps(given, default=str), strict=True)  # "1883" is no number
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as err:
        raise ConfigRefused(f"{name}: not valid {'JSON' if name.endswith('.json') else 'TOML'}: {err}") from err
    except ValidationError as err:
        lines = []
        for fault in err.errors():
            path = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
            lines.append(f"{name}: {path}: {_in_words(fault['type'], fault['msg'], fault['input'])}")
        raise ConfigRefused("\n".join(lines)) from err


def _in_words(kind: str, words: str, given: object) -> str:
    """One fault as pydantic found it, for people who never heard of pydantic."""
    match kind:
        case "extra_forbidden":
            return "unknown key; remove it or correct its spelling"
        case "missing":
            return "missing; `skyspotter config init` writes an example with every key"
        case "value_error":
            return words.removeprefix("Value error, ")
        case "string_pattern_mismatch":
            return f"{given!r} does not fit: a-z, 0-9 and -, at most 32 characters, no - in front"
        case "model_type":
            return "should be a section, with its name in brackets"
        case "tuple_type":
            return "should be a list (of sections: the name in double brackets)"
    return f"{words}, not {given!r}" if isinstance(given, (str, int, float)) else words


def load_config(path: Path) -> Config:
    """Raises ConfigRefused when the file is missing, unreadable or wrong."""
    try:
        return parse_config(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as err:
        raise ConfigRefused(f"{path}: cannot be read: no such file; write one with `skyspotter config init`") from err
    except OSError as err:
        raise ConfigRefused(f"{path}: cannot be read: {err.strerror}; give a file that this user may read") from err
    except UnicodeDecodeError as err:
        raise ConfigRefused(f"{path}: cannot be read: byte {err.start} is no UTF-8 text") from err
