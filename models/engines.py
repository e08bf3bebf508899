"""Which runtime runs the network: as configured, or the fastest that is here and proves to compute the file.

"auto" is TensorRT where it and its file are installed, else ONNX Runtime; OpenVINO only where it is asked for.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelRefused
from models.engine_onnx import OnnxEngine
from models.zoo import zoo_path

log = logging.getLogger(__name__)

EngineName = Literal["auto", "onnx", "tensorrt", "openvino"]


class NetworkEngine(Protocol):
    """What every engine is: a file, what it was, and its answers."""

    path: Path
    sha256: str
    precision: str

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def close(self) -> None: ...
    def __enter__(self) -> NetworkEngine: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def load_engine(
    name: EngineName, file: Path | None, *, threads: int = 2, build: bool = False, cache: Path | None = None
) -> NetworkEngine:
    """Raises ModelRefused. `file` is the one for processors (.u8.onnx) or for TensorRT; None: what ships.

    Only `skyspotter models build-engine` lets TensorRT `build`: that takes minutes, and a station must start in one.
    """
    if name == "openvino":
        from models.engine_openvino import OpenVinoEngine

        return OpenVinoEngine(file or zoo_path(), threads=threads)
    for_gpu = _for_gpu(file)
    if name == "tensorrt":
        return _tensorrt(for_gpu, build, cache or engine_cache())
    if name == "auto" and for_gpu.is_file() and all(map(find_spec, ("tensorrt", "pycuda"))):
        try:
            return _tensorrt(for_gpu, build, cache or engine_cache())
        except ModelRefused as why:
            log.warning("tensorrt refused, onnx runtime instead reason=%s", why)
    return OnnxEngine(file or zoo_path(), threads=threads)


def engine_cache() -> Path:
    """Where built engines are kept: systemd's state directory on the box, the user's cache elsewhere."""
    if folder := os.environ.get("STATE_DIRECTORY"):
        return Path(folder) / "engines"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skyspotter" / "engines"


def _for_gpu(file: Path | None) -> Path:
    if file is None:
        return zoo_path("field.s8.onnx")
    return file.with_name(file.name.replace(".u8.onnx", ".s8.onnx"))


def _tensorrt(file: Path, build: bool, cache: Path) -> NetworkEngine:
    from models.engine_tensorrt import TensorRtEngine

    def literally(onnx_file: Path) -> OnnxEngine:
        return OnnxEngine(onnx_file, threads=2, optimise=False)

    return TensorRtEngine(file, reference=literally, cache=cache, build=build)
