"""Built TensorRT engines on disk: a header that says what they were built from and for, a checksum, the engine.

TensorRT itself trusts any bytes it is given, and an engine of another GPU or version may load and answer wrongly.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from models.contract import ModelRefused

MAGIC = b"skyspotter-engine/1\n"


def pack(path: Path, header: dict[str, Any], plan: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**header, "sha256": hashlib.sha256(plan).hexdigest()}).encode()
    partial = path.with_suffix(".partial")
    partial.write_bytes(MAGIC + line + b"\n" + plan)
    os.replace(partial, path)


def unpack(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and engine of a file that was written here and is undamaged: TensorRT itself trusts any bytes."""
    try:
        content = path.read_bytes()
    except OSError as err:
        raise ModelRefused(f"{path}: the engine cannot be read ({err.strerror})") from err
    line, _, plan = content.removeprefix(MAGIC).partition(b"\n")
    try:
        header = dict(json.loads(line)) if content.startswith(MAGIC) else {}
    except ValueError:
        header = {}
    if header.get("sha256") != hashlib.sha256(plan).hexdigest():
        raise ModelRefused(f"{path}: damaged, or not an engine of this project; remove it and give the .onnx file")
    return header, plan
