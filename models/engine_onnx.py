"""The only home of ONNX Runtime: a network file that honours the contract, or a refusal that says why.

Why the memory arena is emptied when the size changes: it keeps blocks of every image size it ever saw, and replayed
nights bring many sizes; without an arena at all, a pass takes half as long again. Threads do not spin while they
wait, because two processes share the cores.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.contract import CLASSES, INPUT_NAME, OUTPUT_NAME, STRIDE, ModelRefused

CONTRACT_KEY, PRECISION_KEY = "skyspotter.contract", "skyspotter.precision"  # metadata of every file we make
CONTRACT = "planes-logits/1"
RUNS_HERE = ("int8-u8", "float32")  # "int8-s8" is for TensorRT: symmetric activations are several times slower on a CPU
SUMS = "SHA256SUMS"


class OnnxEngine:
    """One network in ONNX Runtime on the CPU. Not for several threads at once."""

    def __init__(self, path: Path, *, threads: int = 2, optimise: bool = True) -> None:
        """Raises ModelRefused. `optimise=False` computes the nodes of any file literally: the reference for parity."""
        self.path = Path(path)
        try:
            content = self.path.read_bytes()
        except OSError as err:
            raise ModelRefused(
                f"{self.path}: the network cannot be read ({err.strerror}); check [network] file"
            ) from err
        self._shape: tuple[int, ...] = ()
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._check_sum()
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if overflows():
            options.add_session_config_entry("session.x64quantprecision", "1")
        options.log_severity_level = 3
        if not optimise:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as err:  # ONNX Runtime raises a dozen unrelated classes for a damaged file
            raise ModelRefused(f"{self.path}: not a network that ONNX Runtime can load ({_first_line(err)})") from err
        self._check_contract(optimise)

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """planes (1, 4, H, W) float32, H and W multiples of STRIDE -> logits (1, len(CLASSES), H, W)."""
        check_planes(planes)
        run = ort.RunOptions()
        if planes.shape != self._shape:
            run.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
            self._shape = planes.shape
        (logits,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: planes}, run)
        return np.asarray(logits)

    def close(self) -> None:
        """Frees the network; safe to call twice."""
        self.__dict__.pop("_session", None)

    def __enter__(self) -> OnnxEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_sum(self) -> None:
        """Where the folder lists sums (the zoo does), the file must be the one listed."""
        sums = self.path.with_name(SUMS)
        if not sums.is_file():
            return
        for line in sums.read_text().splitlines():
            listed, _, name = line.partition("  ")
            if name == self.path.name and listed != self.sha256:
                raise ModelRefused(
                    f"{self.path}: damaged or replaced, its SHA-256 is not the one in {sums.name}; install again"
                )

    def _check_contract(self, optimise: bool) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [i.name for i in inputs] != [INPUT_NAME] or [o.name for o in outputs] != [OUTPUT_NAME]:
            raise ModelRefused(
                f"{self.path}: its ends are not {INPUT_NAME} -> {OUTPUT_NAME}: not a network of this project"
            )
        for tensor, channels in ((inputs[0], 4), (outputs[0], len(CLASSES))):
            if tensor.type != "tensor(float)" or len(tensor.shape) != 4 or tensor.shape[1] != channels:
                raise ModelRefused(
                    f"{self.path}: {tensor.name} is {tensor.type} {tensor.shape}, wanted float (1, {channels}, H, W)"
                )
        metadata = self._session.get_modelmeta().custom_metadata_map
        if metadata.get(CONTRACT_KEY) != CONTRACT:
            raise ModelRefused(
                f"{self.path}: made for contract {metadata.get(CONTRACT_KEY)!r}, this release reads {CONTRACT!r}"
            )
        self.precision = metadata.get(PRECISION_KEY, "")
        if optimise and self.precision not in RUNS_HERE:
            raise ModelRefused(
                f"{self.path}: precision {self.precision!r} is not for the CPU; use the .u8.onnx file beside it"
            )


def check_planes(planes: NDArray[np.float32]) -> None:
    """ValueError for what no engine may be given."""
    if planes.ndim != 4 or planes.shape[:2] != (1, 4) or planes.shape[2] % STRIDE or planes.shape[3] % STRIDE:
        raise ValueError(f"planes of shape {planes.shape}: wanted (1, 4, H, W) with H and W multiples of {STRIDE}")


@cache
def overflows() -> bool:
    """Whether two products of u8 and s8 overflow in 16 bits here: on x86 without VNNI. ONNX Runtime must be told to
    take a slower kernel; where it is told in vain (AMX), it takes it too."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        return "vnni" not in Path("/proc/cpuinfo").read_text()
    except OSError:
        return True


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0][:200] if str(err).strip() else type(err).__name__
