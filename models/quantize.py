"""INT8 as explicit Quantize/Dequantize pairs in ONNX: one calibration, two files.

- `int8-s8`: symmetric signed activations, zero point 0, float bias, Conv -> ReLU -> Q: what TensorRT's parser accepts
  (calibrators are gone from TensorRT 11; onnx-tensorrt, docs/operators.md: zero point must be 0, no UINT8 inside).
- `int8-u8`: the same limits in unsigned bytes. Most tensors are >= 0 (input in [0, 1], ReLU and what only moves its
  values), where u8 with zero point 0 has one bit more, and ONNX Runtime absorbs the ReLU: twice as fast as s8; those
  with a sign (logits, summands) have zero point 128. Processors without VNNI add two products in 16 bits, which may
  overflow: `engine_onnx` asks for the kernel that does not.

What becomes bytes and what shares a scale says `int8_plan`; the logits too stay bytes until the very end, which spares
four passes over large float arrays. `int8_equalise` makes every channel fill its byte, `int8_steps` makes every runtime
find the same bytes. Percentile calibration and per-channel weights after Nagel et al. 2021, "A White Paper on Neural
Network Quantization", sections 2-3.

Rounding puts trails that stand near a threshold on either side of it: `detect` makes up for that in their scores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.contract import INPUT_NAME, OUTPUT_NAME
from models.engine_onnx import CONTRACT, CONTRACT_KEY, PRECISION_KEY, SUMS, OnnxEngine
from models.int8_equalise import Ranges, equalise
from models.int8_plan import MOVERS, plan
from models.int8_steps import few_bits, power_of_two
from models.lint import lint_tensorrt
from models.parity import compare
from models.preprocess import ZERO

Kind = Literal["int8-s8", "int8-u8"]
PERCENTILE = 99.99  # of a channel's values in a sample; the rest saturates
WEIGHT_TOP = 127
LOGIT_TOP = 8.0  # beyond it every pixel is sure; a finer step keeps equal answers, which are no trail, rare near 0


def calibrate(model: onnx.ModelProto, samples: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    """Of every tensor to be quantised, the largest value worth keeping of every channel."""
    planned = plan(model)
    names = [t for t in planned.tensors if t != INPUT_NAME]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    known = {output.name for output in probe.graph.output}
    probe.graph.output.extend(
        helper.make_tensor_value_info(t, onnx.TensorProto.FLOAT, None) for t in names if t not in known
    )
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    ranges: dict[str, NDArray[np.float64]] = {INPUT_NAME: np.ones(4)}
    for planes in samples:
        for name, value in zip(names, session.run(names, {INPUT_NAME: planes}), strict=True):
            ranges[name] = np.maximum(ranges.get(name, 0.0), np.percentile(np.abs(value), PERCENTILE, axis=(0, 2, 3)))
    ranges.update((t, np.full_like(ranges[t], LOGIT_TOP)) for t in planned.logits)
    return ranges


def quantise(model: onnx.ModelProto, ranges: Ranges, kind: Kind) -> onnx.ModelProto:
    """A new model with Q/DQ around every convolution's input and weights, around sums and around every mover."""
    out, largest = equalise(model, ranges)
    graph = out.graph
    del graph.value_info[:]
    weights = {i.name: i for i in graph.initializer}
    top, dtype = (127.0, np.int8) if kind == "int8-s8" else (255.0, np.uint8)
    added: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    planned = plan(model)
    for group in planned.groups:
        largest.update(dict.fromkeys(group, max(largest[t] for t in group)))
    wanted = [t for t in planned.tensors if kind == "int8-u8" or t not in planned.fused]
    scales = {t: power_of_two(max(largest[t], 1e-6) / (127.0 if t in planned.signed else top)) for t in wanted}
    for tensor, scale in scales.items():
        middle = 128 if tensor in planned.signed and kind == "int8-u8" else 0
        constants.append(numpy_helper.from_array(np.array(scale), f"{tensor}.scale"))
        constants.append(numpy_helper.from_array(np.array(middle, dtype), f"{tensor}.zero"))
        source = tensor
        if tensor == OUTPUT_NAME:  # its maker writes beside, and what leaves is the dequantised one
            source = f"{tensor}.exact"
            for node in graph.node:
                node.output[:] = [source if o == tensor else o for o in node.output]
        ends = [f"{tensor}.q"], [tensor if source != tensor else f"{tensor}.dq"]
        added.append(helper.make_node("QuantizeLinear", [source, f"{tensor}.scale", f"{tensor}.zero"], ends[0]))
        added.append(helper.make_node("DequantizeLinear", [*ends[0], f"{tensor}.scale", f"{tensor}.zero"], ends[1]))
    for node in graph.node:
        if node.op_type == "Conv":
            name = node.input[1]
            value = numpy_helper.to_array(weights.pop(name))
            scale = few_bits(np.maximum(np.abs(value).max(axis=(1, 2, 3)), 1e-9) / WEIGHT_TOP)
            stored = np.clip(np.round(value / scale[:, None, None, None]), -WEIGHT_TOP, WEIGHT_TOP).astype(np.int8)
            constants += [
                numpy_helper.from_array(stored, f"{name}.q"),
                numpy_helper.from_array(scale, f"{name}.scale"),
                numpy_helper.from_array(np.zeros(len(scale), np.int8), f"{name}.zero"),
            ]
            bias = numpy_helper.to_array(weights[node.input[2]]).astype(np.float64)
            if node.input[0] == INPUT_NAME:  # an empty sky is no zero: what rounding its weights adds leaves the bias
                bias += (value - stored * scale[:, None, None, None]).sum(axis=(1, 2, 3)) * ZERO
            # In whole steps of the products, as optimised kernels keep it.
            step = scales[node.input[0]] * scale
            bias = np.round(bias / step) * step
            weights[node.input[2]].CopyFrom(numpy_helper.from_array(bias.astype(np.float32), node.input[2]))
            added.append(
                helper.make_node(
                    "DequantizeLinear", [f"{name}.q", f"{name}.scale", f"{name}.zero"], [f"{name}.dq"], axis=0
                )
            )
            node.input[1] = f"{name}.dq"
        if node.op_type in ("Conv", "Add", *MOVERS):
            for place, tensor in enumerate(node.input):
                if tensor in scales:
                    node.input[place] = f"{tensor}.dq"
    keep = [i for i in graph.initializer if i.name in weights]
    del graph.initializer[:]
    graph.initializer.extend([*keep, *constants])
    _sort(graph, [*graph.node, *added])
    helper.set_model_props(out, {CONTRACT_KEY: CONTRACT, PRECISION_KEY: kind})
    onnx.checker.check_model(out, full_check=True)
    if faults := lint_tensorrt(out) if kind == "int8-s8" else []:
        raise ValueError(f"not acceptable to TensorRT: {'; '.join(faults)}")
    return out


def quantise_file(source: Path, folder: Path, samples: Sequence[NDArray[np.float32]]) -> tuple[Path, Path]:
    """Writes `<stem>.s8.onnx` and `<stem>.u8.onnx` beside each other and returns both; `<stem>.f16.onnx`, TensorRT's
    way out, as well. `source` is what `export` wrote."""
    model = onnx.load(source)
    ranges = calibrate(model, samples)
    folder.mkdir(parents=True, exist_ok=True)
    paths, stem = [], source.name.split(".")[0]
    onnx.save(half_precision(model), folder / f"{stem}.f16.onnx")
    for kind in ("int8-s8", "int8-u8"):
        path = folder / f"{stem}.{kind[-2:]}.onnx"
        onnx.save(quantise(model, ranges, kind), path)
        paths.append(path)
    optimised, literal = OnnxEngine(paths[1], threads=1), OnnxEngine(paths[1], threads=1, optimise=False)
    parity = compare(literal, optimised, samples)
    if parity.mean_logit_difference != 0:
        raise ValueError(f"{paths[1]}: ONNX Runtime's optimised arithmetic differs from the file's: {parity}")
    return paths[0], paths[1]


def half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float model in float16, cast at both ends: what TensorRT takes where eight bits fail, whatever its typing."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    del graph.value_info[:]
    for weight in graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and any(
            weight.name in node.input for node in graph.node if node.op_type == "Conv"
        ):
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name))
    for node in graph.node:
        node.input[:] = [f"{INPUT_NAME}.half" if name == INPUT_NAME else name for name in node.input]
        node.output[:] = [f"{OUTPUT_NAME}.half" if name == OUTPUT_NAME else name for name in node.output]
    cast = [
        helper.make_node("Cast", [INPUT_NAME], [f"{INPUT_NAME}.half"], to=onnx.TensorProto.FLOAT16),
        helper.make_node("Cast", [f"{OUTPUT_NAME}.half"], [OUTPUT_NAME], to=onnx.TensorProto.FLOAT),
    ]
    _sort(graph, [*graph.node, *cast])
    helper.set_model_props(out, {CONTRACT_KEY: CONTRACT, PRECISION_KEY: "float16"})
    onnx.checker.check_model(out, full_check=True)
    return out


def write_sums(folder: Path, files: Sequence[Path]) -> None:
    """Lists the files as `sha256sum` does; the engine refuses files that are not as listed."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / SUMS).write_text("".join(lines))


def _sort(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Puts nodes behind what they read, as ONNX demands."""
    ready = {i.name for i in graph.initializer} | {i.name for i in graph.input} | {""}
    waiting, ordered = list(nodes), []
    while waiting:
        rest = []
        for node in waiting:
            if all(name in ready for name in node.input):
                ordered.append(node)
                ready.update(node.output)
            else:
                rest.append(node)
        if len(rest) == len(waiting):
            raise ValueError("the graph has a circle")
        waiting = rest
    del graph.node[:]
    graph.node.extend(ordered)
