"""TensorRT and pycuda without a GPU: what the engine calls, and what it may be told. The "GPU" computes the plan's ONNX
file literally on the processor, or whatever a test puts in its place. Anything else that is called fails: names that
one of the supported versions lacks are missing here, too.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from models.engine_onnx import OnnxEngine


@dataclass
class Told:
    """How the fakes behave, and what they saw."""

    version: str = "10.16.1"
    gpu: str = "Orin"
    unparsable: str = ""
    unbuildable: tuple[str, ...] = ()  # file endings, as in ("int8",)
    wrong: tuple[str, ...] = ()  # precisions computed wrongly
    never_done: bool = False
    builds: list[str] = field(default_factory=list)
    flags: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    allocated: int = 0


def install(monkeypatch: Any, told: Told) -> None:
    version = tuple(int(part) for part in told.version.split(".")[:2])
    monkeypatch.setitem(sys.modules, "tensorrt", _tensorrt(told, version))
    pycuda, driver = ModuleType("pycuda"), _driver(told)
    pycuda.driver = driver
    monkeypatch.setitem(sys.modules, "pycuda", pycuda)
    monkeypatch.setitem(sys.modules, "pycuda.driver", driver)


class _Memory:
    """Addresses are ids of these."""

    by_address: dict[int, _Memory] = {}  # noqa: RUF012

    def __init__(self, told: Told, size: int) -> None:
        self.data, self._told = np.zeros(size, np.uint8), told
        told.allocated += 1
        _Memory.by_address[id(self)] = self

    def __int__(self) -> int:
        return id(self)

    def free(self) -> None:
        self._told.allocated -= 1
        del _Memory.by_address[id(self)]


def _driver(told: Told) -> ModuleType:
    driver = ModuleType("pycuda.driver")

    def seen() -> None:
        told.threads.add(threading.get_ident())

    class Device:
        def __init__(self, number: int) -> None:
            assert number == 0

        def name(self) -> str:
            return told.gpu

        def compute_capability(self) -> tuple[int, int]:
            return (8, 7)

        def retain_primary_context(self) -> Any:
            seen()
            return SimpleNamespace(push=seen, pop=seen, detach=seen)

    def to_gpu(memory: _Memory, host: np.ndarray, stream: Any) -> None:
        seen()
        memory.data[: host.nbytes] = host.view(np.uint8)

    def from_gpu(host: np.ndarray, memory: _Memory, stream: Any) -> None:
        seen()
        host.view(np.uint8)[:] = memory.data[: host.nbytes]

    driver.Error = type("Error", (Exception,), {})
    driver.init, driver.Device = seen, Device
    driver.Stream = lambda: SimpleNamespace(handle=7)
    driver.Event = lambda: SimpleNamespace(record=lambda stream: seen(), query=lambda: not told.never_done)
    driver.pagelocked_empty = lambda size, dtype: np.empty(size, dtype)
    driver.mem_alloc = lambda size: _Memory(told, size)
    driver.memcpy_htod_async, driver.memcpy_dtoh_async = to_gpu, from_gpu
    return driver


def _tensorrt(told: Told, version: tuple[int, ...]) -> ModuleType:
    trt = ModuleType("tensorrt")
    trt.__version__ = told.version
    trt.Logger = type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None})
    trt.MemoryPoolType = SimpleNamespace(WORKSPACE=0)
    trt.NetworkDefinitionCreationFlag = IntEnum(
        "Flag", {"EXPLICIT_BATCH": 0} if version < (10, 0) else {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1}
    )
    # Weak typing's flags do not exist in 11.
    trt.BuilderFlag = SimpleNamespace(**({} if version >= (11, 0) else {"INT8": "INT8", "FP16": "FP16"}))

    class Network:
        content = b""
        num_inputs = num_outputs = 1

        def get_input(self, k: int) -> Any:
            return SimpleNamespace(name="planes", shape=(1, 4, -1, -1))

        def get_output(self, k: int) -> Any:
            return SimpleNamespace(name="logits", shape=(1, 5, -1, -1))

    class Config:
        def __init__(self) -> None:
            self.flags: tuple[str, ...] = ()

        def set_memory_pool_limit(self, pool: int, size: int) -> None: ...
        def add_optimization_profile(self, profile: Any) -> None: ...
        def set_flag(self, flag: str) -> None:
            self.flags += (flag,)

    class Parser:
        num_errors = 1

        def __init__(self, network: Network, logger: Any) -> None:
            self._network = network

        def parse(self, content: bytes) -> bool:
            self._network.content = content
            return not told.unparsable

        def get_error(self, k: int) -> Any:
            return SimpleNamespace(desc=lambda: told.unparsable)

    class Builder:
        def __init__(self, logger: Any) -> None: ...
        def create_network(self, flags: int) -> Network:
            network = Network()
            network.flags = flags
            return network

        def create_builder_config(self) -> Config:
            return Config()

        def create_optimization_profile(self) -> Any:
            return SimpleNamespace(set_shape=lambda name, low, best, high: None)

        def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
            precision = precision_of(network.content)
            told.builds.append(precision)
            told.flags.append((network.flags, config.flags))
            return None if precision in told.unbuildable else network.content

    class Context:
        def __init__(self, content: bytes) -> None:
            self._wrong = precision_of(content) in told.wrong
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "plan.onnx"
                path.write_bytes(content)
                self._engine = OnnxEngine(path, threads=1, optimise=False)
            self._at: dict[str, int] = {}

        def set_tensor_address(self, name: str, address: int) -> None:
            self._at[name] = address

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> None:
            self._shape = tuple(shape)

        def execute_async_v3(self, stream: int) -> bool:
            source, target = (_Memory.by_address[self._at[name]] for name in ("planes", "logits"))
            size = 4 * int(np.prod(self._shape))
            logits = self._engine.infer(source.data[:size].view(np.float32).reshape(self._shape))
            if self._wrong:
                logits = logits[:, [1, 0, 2, 3, 4]].copy()
            target.data[: logits.nbytes] = np.ascontiguousarray(logits).view(np.uint8).ravel()
            return True

    class Runtime:
        def __init__(self, logger: Any) -> None: ...
        def deserialize_cuda_engine(self, plan: bytes) -> Any:
            return SimpleNamespace(create_execution_context=lambda: Context(plan))

    trt.OnnxParser, trt.Builder, trt.Runtime = Parser, Builder, Runtime
    return trt


def precision_of(content: bytes) -> str:
    return next(p for p in ("int8-s8", "int8-u8", "float16", "float32") if p.encode() in content)
