"""Every channel fills the range of a byte: a float network that answers as before, with ranges of 1 between its ends.

ReLU, sums, pooling and what only moves values hand a positive factor on, so a channel may be multiplied before it
becomes bytes if the weights that read it are divided (Nagel et al. 2019, "Data-Free Quantization Through Weight
Equalization and Bias Correction", section 4.1; here by the measured ranges of the channels). The ends, planes and
logits, stay as they are. A range of 1 is also what `int8_steps` makes a whole byte of.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

LEAST_RANGE = 0.5  # of the widest channel of a convolution: more saturates what calibration saw too seldom
SAME_CHANNELS = ("Relu", "MaxPool", "Resize")

Ranges = Mapping[str, NDArray[np.float64]]  # of a tensor: the largest value of every channel


def equalise(model: onnx.ModelProto, ranges: Ranges) -> tuple[onnx.ModelProto, dict[str, float]]:
    """A new model, and in it the largest value of every tensor that `ranges` names."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    factors = channel_factors(model, ranges)
    weights = {i.name: i for i in out.graph.initializer}
    for node in out.graph.node:
        if node.op_type == "Conv":
            kernel, bias = (weights[name] for name in node.input[1:3])
            after = factors[node.output[0]]
            before = factors.get(node.input[0], np.ones(kernel.dims[1]))
            _multiply(kernel, after[:, None, None, None] / before[:, None, None])
            _multiply(bias, after)
    return out, {tensor: float((most * factors.get(tensor, 1.0)).max()) for tensor, most in ranges.items()}


def channel_factors(model: onnx.ModelProto, ranges: Ranges) -> dict[str, NDArray[np.float64]]:
    """What the channels of a tensor are multiplied by: 1 over the largest value of all that are tied to one, and 1 for
    what is tied to an end. Tensors that no convolution has made are left out."""
    weights = {i.name: i for i in model.graph.initializer}
    channels: dict[str, NDArray[np.int64]] = {}  # of a tensor: a number for each
    convolved, count, tied, ends = [], 1, [], []  # 0 is the number of the ends
    for node in model.graph.node:
        read = [channels[t] for t in node.input if t in channels]
        if node.op_type == "Conv":
            out = np.arange(count, count := count + weights[node.input[1]].dims[0])
            convolved.append(out)
        elif node.op_type in SAME_CHANNELS and read:
            (out,) = read
        elif node.op_type == "Concat" and len(read) == len(node.input):
            out = np.concatenate(read)
        elif node.op_type == "Add" and len(read) == 2:
            out = read[0]
            tied.append(tuple(read))
        else:  # hands no factor on: a sum with a constant or an end, for one
            ends += read
            continue
        channels[node.output[0]] = out
    ends += [channels[output.name] for output in model.graph.output if output.name in channels]
    one = np.arange(count)  # of a channel: the number of all that are tied to it
    for first, second in [*tied, *((numbers, np.zeros_like(numbers)) for numbers in ends)]:
        for a, b in zip(first, second, strict=True):
            one[one == one[a]] = one[b]
    most = np.zeros(count)
    for tensor in channels.keys() & ranges.keys():
        np.maximum.at(most, one[channels[tensor]], ranges[tensor])
    for numbers in convolved:
        np.maximum.at(most, one[numbers], LEAST_RANGE * most[one[numbers]].max())
    factors = 1 / np.where(most > 0, most, 1)
    factors[one[0]] = 1
    return {tensor: factors[one[numbers]] for tensor, numbers in channels.items()}


def _multiply(weights: onnx.TensorProto, factors: NDArray[np.float64]) -> None:
    value = (numpy_helper.to_array(weights) * factors).astype(np.float32)
    weights.CopyFrom(numpy_helper.from_array(value, weights.name))
