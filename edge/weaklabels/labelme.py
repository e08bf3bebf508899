"""The label file beside a frame, as LabelMe 5 and AnyLabeling write and edit it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from camera.device import Frame
from edge.weaklabels.sort import Shape


def label_file(picture: str, frame: Frame, shapes: Sequence[Shape]) -> bytes:
    """Args: picture: name of the frame's file, in the same folder."""
    return json.dumps(
        {
            "version": "5.5.0",
            "flags": {},
            "shapes": [
                {
                    "label": shape.label,
                    "points": shape.polygon_px.round(2).tolist(),
                    "group_id": None,
                    "description": shape.words,
                    "shape_type": "polygon",
                    "flags": {},
                }
                for shape in shapes
            ],
            "imagePath": picture,
            "imageData": None,
            "imageHeight": frame.height,
            "imageWidth": frame.width,
        },
        indent=1,
    ).encode()
