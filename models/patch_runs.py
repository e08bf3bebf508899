"""What a training leaves in its run folder, so that it can go on and be reported: preset.json, history.jsonl (one line
per epoch), last.pt and best.pt, each whole or not there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.checkpoints import read_checkpoint, write_checkpoint
from models.networks.published import Network, build
from models.preset import Preset

LAST, BEST, HISTORY, PRESET = "last.pt", "best.pt", "history.jsonl", "preset.json"
KEYS = ("preset", "history", "best", "net")  # of last.pt and best.pt


@dataclass(frozen=True)
class Epoch:
    """One line of the history; shares are of validation pixels, for several classes the mean over those drawn."""

    epoch: int
    steps: int
    rate: float
    loss: float
    validation_loss: float
    iou: float
    precision: float
    recall: float

    def better_than(self, other: Epoch | None, monitor: str) -> bool:
        if other is None:
            return True
        return self.validation_loss < other.validation_loss if monitor == "loss" else self.iou > other.iou


@dataclass
class Run:
    """Everything that changes while training goes on."""

    folder: Path
    preset: Preset
    parts: dict[str, Any]  # network, optimiser, scaler: whatever has a state_dict
    history: list[Epoch]
    best: Epoch | None = None

    @classmethod
    def begin(cls, folder: Path, preset: Preset, **parts: Any) -> Run:
        """A new run, or the one in that folder, from the end of its last epoch; ValueError where that is another's."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, preset, parts, [])
        if not (folder / LAST).exists():
            (folder / PRESET).write_text(preset.model_dump_json(indent=1))
            return run
        state = read_checkpoint(folder / LAST, *KEYS)
        if Preset.model_validate(state["preset"]) != preset:
            raise ValueError(f"{folder / LAST}: was made by another preset; give another run folder or remove it")
        for name, part in parts.items():
            part.load_state_dict(state[name])
        run.history = [Epoch(**e) for e in state["history"]]
        run.best = Epoch(**state["best"])
        return run

    @property
    def over(self) -> bool:
        """Whether patience is."""
        since = len(self.history) - self.best.epoch if self.best else 0
        return bool(self.preset.patience) and since >= self.preset.patience

    def add(self, epoch: Epoch, *, write: bool) -> None:
        self.history.append(epoch)
        best_now = epoch.better_than(self.best, self.preset.monitor)
        self.best = epoch if best_now or self.best is None else self.best
        if not write:
            return
        state = {name: part.state_dict() for name, part in self.parts.items()} | {
            "preset": self.preset.model_dump(),
            "history": [asdict(e) for e in self.history],
            "best": asdict(self.best),
        }
        if best_now:
            write_checkpoint(self.folder / BEST, state)
        write_checkpoint(self.folder / LAST, state)
        (self.folder / HISTORY).write_text("".join(json.dumps(asdict(e)) + "\n" for e in self.history))


def load_best(folder: Path) -> tuple[Network, Preset, list[Epoch]]:
    """The network of a run's best epoch, ready to infer, its preset and the whole history."""
    state, last = read_checkpoint(folder / BEST, *KEYS), read_checkpoint(folder / LAST, *KEYS)
    preset = Preset.model_validate(state["preset"])
    net = build(preset.network, outputs=preset.outputs)
    net.load_state_dict(state["net"])
    return net.eval(), preset, [Epoch(**e) for e in last["history"]]
