"""Recipes as files: every published one ships in presets/, and anybody's own is a TOML of the same keys.

An unknown key or a value out of range is refused with its path.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.augment import Augmentation

FOLDER = Path(__file__).with_name("presets")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Section):
    view: Literal["classical", "enhanced", "stored"] = "classical"
    split: Literal["source", "night"] = "source"
    shares: tuple[float, float] = (0.75, 0.25)  # of training and validation; what is left is for the test
    empty_share: float = Field(1.0, ge=0)  # patches without label per patch with one

    @field_validator("shares")
    @classmethod
    def _shares(cls, shares: tuple[float, float]) -> tuple[float, float]:
        if min(shares) <= 0 or sum(shares) > 1 + 1e-9:
            raise ValueError("two positive shares of at most 1 together")
        return shares


class Preset(_Section):
    """Everything that decides the outcome, besides the data."""

    network: str
    outputs: int = Field(1, ge=1, le=32)  # 1: one mask of whatever is labelled; else class numbers
    loss: str
    threshold: float = Field(0.5, gt=0, lt=1)
    size: int = Field(256, ge=16, le=4096)
    batch: int = Field(16, ge=1)
    epochs: int = Field(50, ge=1)
    steps_per_epoch: int = Field(0, ge=0)  # 0: every patch once
    learning_rate: float = Field(1e-4, gt=0, le=10)
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["constant", "polynomial", "cosine"] = "constant"
    decay_power: float = Field(0.9, gt=0)
    warm_up_steps: int = Field(0, ge=0)
    patience: int = Field(0, ge=0)  # epochs without improvement until it stops; 0: never
    monitor: Literal["loss", "iou"] = "iou"
    half_precision: bool = False
    seed: int = 1
    data: DataRecipe = DataRecipe()
    augmentation: Augmentation = Augmentation()

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step out of `steps`: warm-up, then constant, (1 - t)^power or half a cosine."""
        t = min(1.0, step / max(steps, 1))
        warm = min(1.0, (step + 1) / self.warm_up_steps) if self.warm_up_steps else 1.0
        shape = {"constant": 1.0, "polynomial": (1 - t) ** self.decay_power, "cosine": (1 + math.cos(math.pi * t)) / 2}
        return self.learning_rate * warm * shape[self.schedule]

    def changed(self, **values: object) -> Preset:
        """A checked copy; None leaves a value as it is."""
        given = {name: value for name, value in values.items() if value is not None}
        return _checked({**self.model_dump(), **given}, "the options given")


def shipped() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_preset(name: str | Path) -> Preset:
    """By the name of a shipped one or by file. ValueError says what is wrong with which key."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise ValueError(f"preset {name!r}: not shipped; there are {', '.join(shipped())}, or give a .toml file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise ValueError(f"{path}: no preset ({err})") from err
    return _checked(content, str(path))


def _checked(content: dict[str, object], where: str) -> Preset:
    try:
        return Preset.model_validate(content)
    except ValidationError as err:
        first = err.errors()[0]
        at = ".".join(map(str, first["loc"])) or "the whole"
        raise ValueError(f"{where}: {at}: {first['msg']}") from err
