"""Whatever finds trails, opened by its file: a network of this project (.onnx, .engine), or a run of a published one,
so that one command scores both on the same pictures by the same rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from camera.background import Background
from camera.device import Frame
from models.detect import Detection, Detector
from models.engine_onnx import OnnxEngine
from models.patch_method import PatchDetector


class FindsTrails(Protocol):
    threshold: float

    def detect(self, frame: Frame, sky: Background | None = None) -> Detection: ...


@contextmanager
def open_detector(path: Path, threshold: float, *, threads: int = 2) -> Iterator[FindsTrails]:
    """Raises ModelRefused, or ValueError for a run folder without a best network."""
    if path.is_dir():
        yield _published(path, threshold, threads)
        return
    with OnnxEngine(path, threads=threads) as engine:
        yield Detector(engine, threshold)


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
