"""The only home of TensorRT and pycuda: builds an engine from the ONNX file once per machine, keeps it, and runs it.

Nothing here is imported on a machine without them; names are those that TensorRT 8.5, 10 and 11 have in common, and
where they differ the library is asked what it has. INT8 comes from the file's own Quantize/Dequantize pairs, never
from a calibrator (gone in 11). Where INT8 cannot be built or computes another network, the `.f16.onnx` beside it is
taken, or the file is refused. NVIDIA, "TensorRT Developer Guide", chapters on the Python API, explicit quantization
and strongly typed networks; migration guide 10.x to 11.x.

Why a thread of its own: a CUDA context belongs to the thread that made it, callers come from several, and a wait that
can be given up needs somebody else to wait.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.contract import CLASSES, INPUT_NAME, OUTPUT_NAME, STRIDE, ModelRefused
from models.engine_file import pack, unpack
from models.parity import Infers, Parity, demand_parity
from models.tiles import infer_in_tiles

LARGEST_PX = (1440, 1376)  # rows and columns of the planes: the field camera's region of interest, padded
WORKSPACE_BYTES = 1 << 30
BUILD_TIMEOUT_S, INFER_TIMEOUT_S, POLL_S = 1800.0, 5.0, 0.0002
PRECISION = {".s8": "int8", ".f16": "float16", ".float32": "float32"}  # by what stands before ".onnx"
Result = TypeVar("Result")


class EngineLost(RuntimeError):
    """The GPU does not answer any more. Nothing repairs that within a process: let it end and start again."""


class TensorRtEngine:
    """One network on one GPU. From any thread, one call at a time."""

    def __init__(
        self, path: Path, *, reference: Callable[[Path], Infers], cache: Path,
        largest_px: tuple[int, int] = LARGEST_PX, build: bool = True,
    ) -> None:  # fmt: skip
        """Loads the engine that `cache` keeps for this file and machine, or builds it (minutes). Raises ModelRefused,
        also where it would have to be built and `build` forbids it.

        Args: path: `.s8.onnx`, `.f16.onnx` or `.float32.onnx`; or a kept `.engine` with its .onnx beside it, which is
            refused unless it was made here. reference: literally computes an ONNX file, for golden-frame parity.
        """
        self.path, self._largest_px, self._cache, self._may_build = Path(path), largest_px, cache, build
        self.parity: Parity | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cuda")
        self._gpu: _Gpu | None = None
        try:
            self._gpu = self._on_thread(_Gpu, BUILD_TIMEOUT_S)
            if self.path.suffix == ".engine":
                self._load_kept(reference)
            else:
                self._build_or_fall_back(reference)
        except BaseException:
            self.close()
            raise

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """planes (1, 4, H, W) float32, H and W multiples of STRIDE -> logits (1, len(CLASSES), H, W)."""
        rows, columns = planes.shape[2:] if planes.ndim == 4 else (0, 0)
        if planes.shape[:2] != (1, 4) or not rows or not columns or rows % STRIDE or columns % STRIDE:
            raise ValueError(f"planes of shape {planes.shape}: wanted (1, 4, H, W) with H and W multiples of {STRIDE}")
        gpu = self._gpu
        if gpu is None:
            raise EngineLost("the engine is closed")
        once = lambda window: self._on_thread(lambda: gpu.infer(window), 2 * INFER_TIMEOUT_S)  # noqa: E731
        return infer_in_tiles(once, planes, self._largest_px)

    def close(self) -> None:
        """Gives everything on the GPU back; safe to call twice."""
        gpu, self._gpu = self._gpu, None
        if gpu is not None:
            self._on_thread(gpu.close, INFER_TIMEOUT_S)
        self._thread.shutdown(wait=False)

    def __enter__(self) -> TensorRtEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _on_thread(self, work: Callable[[], Result], timeout_s: float) -> Result:
        future = self._thread.submit(work)
        try:
            return future.result(timeout_s)
        except TooLate:
            raise EngineLost(f"the GPU has not answered for {timeout_s:.0f} s") from None

    def _load_kept(self, reference: Callable[[Path], Infers]) -> None:
        header, plan = unpack(self.path)
        assert self._gpu is not None
        for name, value in self._gpu.machine.items():
            if header.get(name) != value:
                raise ModelRefused(
                    f"{self.path}: built for {name} {header.get(name)!r}, here is {value!r}; give the .onnx file"
                )
        source = self.path.with_name(str(header["onnx"]))
        if not source.is_file() or hashlib.sha256(source.read_bytes()).hexdigest() != header["onnx_sha256"]:
            raise ModelRefused(
                f"{self.path}: {source.name}, which it was built from, is not beside it: no proof possible"
            )
        self.sha256, self.precision = str(header["onnx_sha256"]), str(header["precision"])
        self._largest_px = (int(header["largest_px"][0]), int(header["largest_px"][1]))
        self._start(plan)
        self.parity = demand_parity(self, reference(source), f"{self.path} in TensorRT")

    def _build_or_fall_back(self, reference: Callable[[Path], Infers]) -> None:
        """The file itself, else the half-precision one beside it; each has to prove that it computes its file."""
        half = self.path.with_name(self.path.name.replace(".s8.onnx", ".f16.onnx"))
        candidates = [self.path] + ([half] if half != self.path and half.is_file() else [])
        faults = []
        for file in candidates:
            try:
                self._from_onnx(file)
                self.parity = demand_parity(self, reference(file), f"{file} in TensorRT")
                return
            except ModelRefused as why:
                faults.append(str(why))
        raise ModelRefused("; then ".join(faults))

    def _from_onnx(self, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError as err:
            raise ModelRefused(f"{file}: the network cannot be read ({err.strerror})") from err
        precision = PRECISION.get(Path(file.stem).suffix)
        if precision is None:
            raise ModelRefused(f"{file}: not a file for TensorRT; use the .s8.onnx or .f16.onnx file")
        assert self._gpu is not None
        gpu, self.sha256, self.precision = self._gpu, hashlib.sha256(content).hexdigest(), precision
        header = {
            **gpu.machine, "onnx": file.name, "onnx_sha256": self.sha256, "precision": precision,
            "largest_px": list(self._largest_px),
        }  # fmt: skip
        key = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:24]
        kept = self._cache / f"{file.name.split('.')[0]}-{precision}-{key}.engine"
        try:
            found, plan = unpack(kept)
            usable = all(found.get(name) == value for name, value in header.items())
        except ModelRefused:
            usable = False
        if not usable and not self._may_build:
            raise ModelRefused(f"{file}: no engine is built for this machine yet: run `skyspotter models build-engine`")
        if not usable:
            plan = self._on_thread(lambda: gpu.build(content, file, precision, self._largest_px), BUILD_TIMEOUT_S)
            pack(kept, header, plan)
        self._start(plan)

    def _start(self, plan: bytes) -> None:
        assert self._gpu is not None
        gpu = self._gpu
        self._on_thread(lambda: gpu.start(plan, self.path, self._largest_px), BUILD_TIMEOUT_S)


class _Gpu:
    """Everything that only the owning thread may touch."""

    def __init__(self) -> None:
        try:
            import pycuda.driver as cuda
            import tensorrt as trt
        except (ImportError, OSError) as err:
            raise ModelRefused(
                f"[network] engine = 'tensorrt': TensorRT or pycuda is not installed ({err}); use engine = 'onnx'"
            ) from err
        self._cuda, self._trt = cuda, trt
        self._version = tuple(int(part) for part in trt.__version__.split(".")[:2])
        try:
            cuda.init()
            self._device = cuda.Device(0)
            self._primary = self._device.retain_primary_context()  # the one TensorRT uses, too
            self._primary.push()
            self._stream, self._done = cuda.Stream(), cuda.Event()
        except cuda.Error as err:
            raise ModelRefused(f"[network] engine = 'tensorrt': no usable GPU ({err}); use engine = 'onnx'") from err
        major, minor = self._device.compute_capability()
        # What an engine belongs to.
        self.machine = {"tensorrt": trt.__version__, "gpu": self._device.name(), "compute": f"{major}.{minor}"}
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._context: Any = None
        self._host: dict[str, Any] = {}
        self._on_gpu: dict[str, Any] = {}

    def build(self, content: bytes, file: Path, precision: str, largest_px: tuple[int, int]) -> bytes:
        trt = self._trt
        builder = trt.Builder(self._logger)
        network = builder.create_network(self._network_flags())
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(content):
            why = "; ".join(str(parser.get_error(k).desc()) for k in range(parser.num_errors))
            raise ModelRefused(f"{file}: TensorRT {trt.__version__} cannot read it ({why})")
        ends = [(network.get_input(k).name, network.get_input(k).shape[1]) for k in range(network.num_inputs)]
        ends += [(network.get_output(k).name, network.get_output(k).shape[1]) for k in range(network.num_outputs)]
        if ends != [(INPUT_NAME, 4), (OUTPUT_NAME, len(CLASSES))]:
            raise ModelRefused(f"{file}: its ends are {ends}: not a network of this project")
        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
        for name in self._precision_flags(precision):
            config.set_flag(getattr(trt.BuilderFlag, name))
        largest = (1, 4, *largest_px)
        profile = builder.create_optimization_profile()
        profile.set_shape(INPUT_NAME, (1, 4, STRIDE, STRIDE), largest, largest)
        config.add_optimization_profile(profile)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise ModelRefused(f"{file}: TensorRT {trt.__version__} finds no way to run it in {precision}")
        return bytes(plan)

    def start(self, plan: bytes, file: Path, largest_px: tuple[int, int]) -> None:
        """Loads an engine and allocates its two pairs of buffers, once."""
        trt, cuda = self._trt, self._cuda
        self._free()
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        self._context = self._engine.create_execution_context() if self._engine is not None else None
        if self._context is None:
            raise ModelRefused(
                f"{file}: TensorRT {trt.__version__} cannot load the engine; remove the kept .engine file"
            )
        pixels = largest_px[0] * largest_px[1]
        self._host = {INPUT_NAME: cuda.pagelocked_empty(4 * pixels, np.float32),
                      OUTPUT_NAME: cuda.pagelocked_empty(len(CLASSES) * pixels, np.float32)}  # fmt: skip
        self._on_gpu = {name: cuda.mem_alloc(host.nbytes) for name, host in self._host.items()}
        for name, buffer in self._on_gpu.items():
            self._context.set_tensor_address(name, int(buffer))

    def infer(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        cuda, stream, (rows, columns) = self._cuda, self._stream, planes.shape[2:]
        source = self._host[INPUT_NAME][: planes.size]
        target = self._host[OUTPUT_NAME][: len(CLASSES) * rows * columns]
        np.copyto(source.reshape(planes.shape), planes)
        self._context.set_input_shape(INPUT_NAME, planes.shape)
        cuda.memcpy_htod_async(self._on_gpu[INPUT_NAME], source, stream)
        if not self._context.execute_async_v3(stream.handle):
            raise EngineLost("TensorRT refused to run")
        cuda.memcpy_dtoh_async(target, self._on_gpu[OUTPUT_NAME], stream)
        self._done.record(stream)
        deadline = time.monotonic() + INFER_TIMEOUT_S
        while not self._done.query():  # synchronize() would wait for ever
            if time.monotonic() > deadline:
                raise EngineLost(f"the GPU has not answered for {INFER_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)
        return np.array(target.reshape(1, len(CLASSES), rows, columns))

    def close(self) -> None:
        self._free()
        del self._stream, self._done  # while their context still lives
        self._primary.pop()
        self._primary.detach()

    def _free(self) -> None:
        self._context = self._engine = self._runtime = None
        for buffer in self._on_gpu.values():
            buffer.free()
        self._host, self._on_gpu = {}, {}

    def _network_flags(self) -> int:
        """Strongly typed from 10.12 on, where weak typing is deprecated; explicit batch while it must be asked for."""
        flags = self._trt.NetworkDefinitionCreationFlag
        if self._version >= (10, 12):
            return 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0
        return 1 << int(flags.EXPLICIT_BATCH) if self._version < (10, 0) else 0

    def _precision_flags(self, precision: str) -> tuple[str, ...]:
        """Only of weakly typed networks; a strongly typed one takes every type from the file."""
        weak = {"int8": ("INT8", "FP16"), "float16": ("FP16",), "float32": ()}
        return () if self._version >= (10, 12) else weak[precision]
