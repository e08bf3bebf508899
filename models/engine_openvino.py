"""The only home of OpenVINO: a faster engine for processors, optional, and used only where it proves to compute the
file's own network.

Why the proof: OpenVINO 2026.4 answers wrongly, at full speed, for signed activations of unequal scale through Concat.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from models.contract import INPUT_NAME, OUTPUT_NAME, ModelRefused
from models.engine_onnx import RUNS_HERE, OnnxEngine, check_planes
from models.parity import demand_parity


class OpenVinoPatches:
    """A published network's ONNX file, as `patch_method.PatchDetector` calls it; for comparisons, hence unproven."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import openvino

        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self._request = openvino.Core().compile_model(str(path), "CPU", options).create_infer_request()

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array(next(iter(self._request.infer([patches]).values())))[:, 0]


class OpenVinoEngine:
    """One network in OpenVINO on the CPU. Not for several threads at once."""

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        """Raises ModelRefused: not installed, not a network for processors, or not the same answers as the file's."""
        try:
            import openvino
        except ImportError as err:
            raise ModelRefused(
                "[network] engine = 'openvino': not installed; pip install 'skyspotter[openvino]', or use 'onnx'"
            ) from err
        with OnnxEngine(path, threads=1, optimise=False) as literal:
            self.path, self.sha256, self.precision = literal.path, literal.sha256, literal.precision
            if self.precision not in RUNS_HERE:
                raise ModelRefused(f"{path}: precision {self.precision!r} is not for the CPU; use the .u8.onnx file")
            try:
                core = openvino.Core()
                options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
                self._request = core.compile_model(str(path), "CPU", options).create_infer_request()
            except RuntimeError as err:
                raise ModelRefused(f"{path}: OpenVINO cannot load it ({str(err).splitlines()[0]})") from err
            self.parity = demand_parity(self, literal, f"{path} in OpenVINO {openvino.__version__}")

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """planes (1, 4, H, W) float32, H and W multiples of STRIDE -> logits (1, len(CLASSES), H, W)."""
        check_planes(planes)
        return np.array(self._request.infer({INPUT_NAME: planes})[OUTPUT_NAME])

    def close(self) -> None:
        """Frees the network; safe to call twice."""
        self.__dict__.pop("_request", None)

    def __enter__(self) -> OpenVinoEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
