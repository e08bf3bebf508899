"""Whatever finds trails, opened by its file: a network of this project (.onnx, .engine), or a run of a published one,
so that one command scores both on the same pictures by the same rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from camera.background import Background
from camera.device import Frame
from models.contract import Trail
from models.detect import Detection, Detector, Engine
from models.engine_onnx import OnnxEngine
from models.patch_method import PatchDetector


class FindsTrails(Protocol):
    threshold: float

    def detect(self, frame: Frame, sky: Background | None = None) -> Detection: ...


class TellingDetector(Detector):
    """Keeps the last answer of its network, for whoever counts pixels."""

    def __init__(self, engine: Engine, threshold: float = 0.5) -> None:
        super().__init__(engine, threshold)
        self.logits = np.empty((0,), np.float32)

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        self.logits = super()._logits(planes)
        return self.logits


@contextmanager
def open_detector(path: Path, threshold: float, *, threads: int = 2) -> Iterator[FindsTrails]:
    """Raises ModelRefused, or ValueError for a run folder without a best network."""
    if path.is_dir():
        yield _published(path, threshold, threads)
        return
    with OnnxEngine(path, threads=threads) as engine:
        yield TellingDetector(engine, threshold)


@contextmanager
def named_detectors(
    paths: Sequence[Path], threshold: float, *, threads: int = 2
) -> Iterator[dict[str, Callable[[Frame], list[Trail]]]]:
    """Several, by the name of their file or run; by the whole path where two names are the same."""
    names = [path.stem for path in paths]
    with ExitStack() as stack:
        opened: dict[str, Callable[[Frame], list[Trail]]] = {}
        for path, name in zip(paths, names, strict=True):
            detector = stack.enter_context(open_detector(path, threshold, threads=threads))
            opened[name if names.count(name) == 1 else str(path)] = _trails_of(detector)
        yield opened


def _trails_of(detector: FindsTrails) -> Callable[[Frame], list[Trail]]:
    return lambda frame: detector.detect(frame).trails


def _published(run: Path, threshold: float, threads: int) -> PatchDetector:
    import torch

    from models.patch_export import torch_patches
    from models.patch_runs import load_best

    torch.set_num_threads(threads)
    net, preset, _ = load_best(run)
    view = preset.data.view
    return PatchDetector(
        torch_patches(net), view="classical" if view == "stored" else view, size=preset.size, threshold=threshold,
        mask_threshold=preset.threshold,
    )  # fmt: skip
