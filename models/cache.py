"""Pictures prepared once and kept as files: whole or not there, and made anew where a disk or a killed machine spoiled
them."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Pair = tuple[NDArray[Any], NDArray[Any]]  # planes, labels: of one picture or of several


def kept(stored: Path, make: Callable[[], Pair]) -> Pair:
    """What the .npz file holds; where it is none, it is made."""
    if stored.is_file():
        try:
            with stored.open("rb") as file, np.load(file) as arrays:
                return arrays["planes"], arrays["labels"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as err:
            log.warning("made anew file=%s error=%s", stored, err)
    planes, labels = make()
    stored.parent.mkdir(parents=True, exist_ok=True)
    partial = stored.with_suffix(".partial.npz")
    np.savez(partial, planes=planes, labels=labels)
    partial.replace(stored)
    return planes, labels
