"""VGG Image Annotator 1 and 2 (Dutta & Zisserman, ACM MM 2019): CSV and JSON exports, and project files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from models.importers.records import Imported, Region, Unusable, collect, is_number, picture_beside, points, read_json

COLUMNS = ("filename", "region_shape_attributes", "region_attributes")
CORNERS = 32  # of the polygon that stands for a circle or an ellipse


def read_via(path: Path, *, class_key: str | None = None, default: str = "aircraft") -> Imported:
    """Every picture of an export, found in the export's own folder.

    `class_key` is the region attribute that holds the class; without it, the only attribute there is. A region that
    says nothing is of class `default`. ValueError where the file is no export at all.
    """
    entries = _csv_entries(path) if path.suffix.lower() == ".csv" else _json_entries(path)
    found = Imported()
    for name, raw in entries:
        try:
            picture = picture_beside(path, name)
        except Unusable as why:
            found.fault(path, f"entry {name!r}: {why}")
            continue
        collect(found, picture, raw, lambda region: _region(region, class_key, default))
    return found


def _json_entries(path: Path) -> Iterator[tuple[Any, list[Any]]]:
    content = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("_via_img_metadata"), dict):
        content = content["_via_img_metadata"]
    if not isinstance(content, dict) or not all(isinstance(v, dict) and "filename" in v for v in content.values()):
        raise ValueError(f"{path}: no export of the VGG Image Annotator (pictures by key, each with its filename)")
    for entry in content.values():
        regions = entry.get("regions") or []
        raw = list(regions.values()) if isinstance(regions, dict) else regions  # version 1 numbers them as keys
        yield entry["filename"], raw if isinstance(raw, list) else [raw]


def _csv_entries(path: Path) -> Iterator[tuple[Any, list[Any]]]:
    """One row per region; a picture without any has one row with an empty shape."""
    try:
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig")))
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise ValueError(f"{path}: cannot be read as CSV ({err})") from err
    columns = {name.lstrip("#").strip(): name for name in reader.fieldnames or ()}
    if missing := [name for name in COLUMNS if name not in columns]:
        raise ValueError(f"{path}: no export of the VGG Image Annotator: column {missing[0]} is missing")
    by_picture: dict[str, list[Any]] = {}
    for row in rows:
        regions = by_picture.setdefault(row[columns["filename"]], [])
        shape, attributes = row[columns["region_shape_attributes"]], row[columns["region_attributes"]]
        if shape not in (None, "", "{}"):
            regions.append({"shape_attributes": _loads(shape), "region_attributes": _loads(attributes)})
    yield from by_picture.items()


def _loads(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None


def _region(raw: Any, class_key: str | None, default: str) -> Region:
    if not isinstance(raw, dict) or not isinstance(shape := raw.get("shape_attributes"), dict):
        raise Unusable("has no shape")
    kind = shape.get("name")
    if kind in ("polygon", "polyline"):
        outline = points(shape.get("all_points_x"), shape.get("all_points_y"), closed=kind == "polygon")
    elif kind == "rect":
        x, y, w, h = _numbers(shape, "x", "y", "width", "height")
        outline = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
    elif kind in ("circle", "ellipse"):
        x, y, rx, ry = _numbers(shape, "cx", "cy", *(("r", "r") if kind == "circle" else ("rx", "ry")))
        turn = shape.get("theta", 0.0)
        turn = float(turn) if is_number(turn) else 0.0
        at = np.arange(CORNERS) * 2 * np.pi / CORNERS
        a, b = rx * np.cos(at), ry * np.sin(at)
        outline = np.column_stack([x + a * np.cos(turn) - b * np.sin(turn), y + a * np.sin(turn) + b * np.cos(turn)])
    else:
        raise Unusable(f"shape {kind!r} has no area: polygon, polyline, rect, circle and ellipse have")
    return Region(_class(raw.get("region_attributes"), class_key, default), outline, kind != "polyline")


def _numbers(shape: dict[str, Any], *names: str) -> list[float]:
    for name in names:
        if not is_number(shape.get(name)):
            raise Unusable(f"{name} of a {shape['name']} is no number")
    return [float(shape[name]) for name in names]


def _class(attributes: Any, key: str | None, default: str) -> str:
    """Text and drop-down attributes hold the class itself; checkboxes hold {class: true}."""
    if not isinstance(attributes, dict) or (key is None and len(attributes) != 1):
        if attributes and key is None:
            raise Unusable(f"has several attributes: say which is the class ({', '.join(map(str, attributes))})")
        return default
    value = attributes.get(key) if key is not None else next(iter(attributes.values()))
    if isinstance(value, dict):
        value = next((name for name, ticked in value.items() if ticked is True or ticked == "true"), None)
    return value.strip() if isinstance(value, str) and value.strip() else default
