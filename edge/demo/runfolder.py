"""The folder of one demo run: configuration, plate, elements, and where everything is written.

    station.toml   the very file that the three processes read
    plate.json     of the simulated camera: true, because a calibration is not what the demo shows
    tle/           elements of the scenario's satellite and of the telescope's target
    out/           the station's journals and the stacked picture
    station.log    what the processes said
The run time's own directory is apart, on tmpfs, so that a station running on the same box is not met.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from camera.plate import Plate
from camera.sim.renderer import simulated_plate
from camera.sim.scenario import Scenario, night
from edge.config import Config, load_config
from edge.runtime.clock import SkyClock

STATION_ID = "demo"
BEAM = "main"
LEAD_S = 2.0  # from writing the configuration to the scenario's first second: the processes are starting


class DemoRefused(Exception):
    """The demo cannot start as asked; one sentence."""


@dataclass(frozen=True, eq=False)
class RunFolder:
    """Everything the demo's parts need to know of one run."""

    directory: Path
    config_file: Path
    config: Config
    scenario: Scenario
    plate: Plate
    clock: SkyClock

    @property
    def output(self) -> Path:
        return self.directory / "out"

    @property
    def log(self) -> Path:
        return self.directory / "station.log"


def make_run_folder(
    *, seed: int, minutes: float, fast: float, address: tuple[str, int], protocol: str, keep: Path | None
) -> RunFolder:
    """Writes all files. Raises DemoRefused when `keep` holds an earlier run or cannot be written."""
    directory = _directory(keep)
    scenario = night(seed, minutes=minutes)
    plate = simulated_plate(scenario)
    for name in ("out", "tle"):
        (directory / name).mkdir()
    plate.save(directory / "plate.json")
    elements = [satellite.elements for satellite in scenario.satellites] + [scenario.beam.target]
    lines = "".join(f"{e.name}\n{e.line1}\n{e.line2}\n" for e in elements)
    (directory / "tle" / "demo.tle").write_text(lines, encoding="ascii")
    clock = SkyClock(scenario.epoch_utc_ns, round(time.monotonic() + LEAD_S, 3), fast)
    site, (east_m, north_m, up_m) = scenario.site, scenario.beam.telescope_enu_m
    sections: dict[str, Mapping[str, object]] = {
        "station": {
            "id": STATION_ID,
            "latitude_deg": site.latitude_deg,
            "longitude_deg": site.longitude_deg,
            "height_m": site.height_m,
        },
        "camera": {"source": "sim"},
        "plate": {"file": str(directory / "plate.json")},
        "radio": {"source": "sim"},
        "network": {"threads": 1 if (os.cpu_count() or 1) < 4 else 2},
        "guard": {
            "mode": "advisory",
            "beams": [{"name": BEAM, "telescope_east_m": east_m, "telescope_north_m": north_m, "telescope_up_m": up_m}],
        },
        "mqtt": {"host": address[0], "port": address[1], "protocol": protocol},
        "recorder": {
            "directory": str(directory / "record"),
            "keep_frames": keep is not None,
            "preview_every_s": 0.0 if keep is None else 10.0,
        },
        "satellites": {"directory": str(directory / "tle")},
        "simulation": {
            "seed": seed,
            "minutes": minutes,
            "rate": fast,
            "epoch_utc_ns": scenario.epoch_utc_ns,
            "mono_zero_s": clock.mono_zero_s,
            "output": str(directory / "out"),
        },
    }
    file = directory / "station.toml"
    file.write_text(_toml(sections), encoding="utf-8")
    return RunFolder(directory, file, load_config(file), scenario, plate, clock)


def _directory(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="skyspotter-demo-"))
    directory = keep.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise DemoRefused(f"--keep {keep}: the folder is not empty; name a new one")
    except OSError as err:
        raise DemoRefused(f"--keep {keep}: cannot be used: {err.strerror}") from err
    return directory


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    """Flat sections of texts, numbers, truths and lists of flat tables; JSON's words are TOML's for these."""
    lines = ["# Written by `skyspotter demo`; a simulated station."]
    for name, keys in sections.items():
        lines.append(f"\n[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items() if not isinstance(value, list)]
        for key, tables in keys.items():
            for table in tables if isinstance(tables, list) else ():
                lines += [f"\n[[{name}.{key}]]", *(f"{k} = {json.dumps(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"
