"""The commented example configuration, and what a configuration means in words."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from edge.config import Config, ConfigRefused
from edge.guard.facts import LONGEST_EXPOSURE_S


def example_text() -> str:
    """`edge/example.toml`: every key with unit, range and default."""
    return files("edge").joinpath("example.toml").read_text(encoding="utf-8")


def write_example(path: Path) -> None:
    """Writes the example, whole or not at all. Raises ConfigRefused where a file exists or cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(example_text(), encoding="utf-8")
        os.link(temporary, path)  # unlike a rename it never replaces what is there
    except FileExistsError as err:
        raise ConfigRefused(f"{path}: exists already; give another path, or move it away first") from err
    except OSError as err:
        raise ConfigRefused(f"{path}: cannot be written: {err.strerror}; give a path you may write to") from err
    finally:
        temporary.unlink(missing_ok=True)


def summary(config: Config) -> list[str]:
    """What the station will be: topics, senses, what a permission may rest on, what it cannot do."""
    fitted, hears, guard = config.camera.source != "none", config.radio.source != "none", config.guard
    fast, plate = config.camera.exposure_s <= LONGEST_EXPOSURE_S, config.plate.file
    sees = fitted and fast and plate is not None and plate.exists()
    allowed = {
        "camera and radio": sees and hears,
        "radio alone": hears and guard.allow_radio_basis,
        "camera alone": sees and guard.allow_camera_basis,
    }
    bases = [name for name, possible in allowed.items() if possible]
    lines = [
        f"topics: {config.topic_root}/...",
        f"senses: camera {config.camera.source}, radio {config.radio.source}",
        f"permission may rest on: {'; '.join(bases) or 'nothing, so it never permits'}",
        f"mode: {guard.mode}" + (" (never permits, says what it would)" if guard.mode == "shadow" else ""),
        f"beams: {', '.join(f'{beam.name} ({beam.region}, {beam.cone_deg:g} deg)' for beam in guard.beams)}",
    ]
    if fitted and not fast:
        lines.append(f"exposures of {config.camera.exposure_s:g} s record, but come too late to guard")
    if fitted and (plate is None or not plate.exists()):
        why = "no plate" if plate is None else f"no plate at {plate}"
        lines.append(f"{why}: the camera cannot say where a trail is, so it is no basis for a permission")
    if config.satellites.directory is None:
        lines.append("no satellite elements: a satellite is held for an aircraft")
    if config.mqtt.ca_file is None and config.mqtt.host not in ("127.0.0.1", "localhost", "::1"):
        lines.append(f"MQTT to {config.mqtt.host} goes unencrypted: set mqtt.ca_file")
    return lines
