"""Checkpoints on disk: whole or not there, and refused by name where they are something else."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch


def read_checkpoint(path: Path, *needed: str) -> dict[str, Any]:
    """ValueError where the file is none, or lacks any of the keys `needed`."""
    try:
        state = dict(torch.load(path, map_location="cpu", weights_only=True))
    except OSError as err:
        raise ValueError(f"{path}: no checkpoint of this training ({err.strerror or err})") from err
    except (RuntimeError, LookupError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as err:
        raise ValueError(f"{path}: no checkpoint of this training (damaged, or another kind of file)") from err
    if missing := sorted(set(needed) - set(state)):
        raise ValueError(f"{path}: no checkpoint of this training (without {', '.join(missing)})")
    return state


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)
