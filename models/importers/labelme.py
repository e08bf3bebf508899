"""AnyLabeling and LabelMe: one JSON per picture (LabelMe 5, `labelme/label_file.py`; AnyLabeling writes the same)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models.importers.records import Imported, Region, Unusable, collect, picture_beside, points, read_json

LINES, OUTLINES = ("line", "linestrip"), ("polygon", "rectangle", "rotation", "circle")


def read_labelme(folder: Path) -> Imported:
    """Every `*.json` of a folder that has `shapes`; one that has none, or no picture, is a fault."""
    found = Imported()
    for path in sorted(folder.glob("*.json")):
        try:
            content = read_json(path)
            if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
                raise Unusable("no shapes: not a file of LabelMe or AnyLabeling")
            picture = picture_beside(path, content.get("imagePath"))
        except (Unusable, ValueError) as why:
            found.fault(path, str(why))
            continue
        collect(found, picture, content["shapes"], _region)
    return found


def _region(raw: Any) -> Region:
    if not isinstance(raw, dict) or not isinstance(raw.get("points"), list):
        raise Unusable("has no points")
    kind, corners = raw.get("shape_type", "polygon"), raw["points"]
    if not all(isinstance(p, list) and len(p) == 2 for p in corners):
        raise Unusable("a point is not a pair")
    closed = kind in OUTLINES
    if not closed and kind not in LINES:
        raise Unusable(f"shape {kind!r} has no area: {', '.join((*OUTLINES, *LINES))} have")
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    outline = points(xs, ys, closed=closed and len(corners) != 2)
    if len(outline) == 2 and kind == "rectangle":
        (x0, y0), (x1, y1) = outline
        outline = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    elif len(outline) == 2 and kind == "circle":  # centre, then a point of the rim
        at = np.arange(32) * np.pi / 16
        outline = outline[0] + np.linalg.norm(outline[1] - outline[0]) * np.column_stack([np.cos(at), np.sin(at)])
    elif len(outline) == 2 and closed:
        raise Unusable(f"a {kind} of 2 points")
    label = raw.get("label")
    if not isinstance(label, str) or not label:
        raise Unusable("has no label")
    return Region(label, outline, closed)
