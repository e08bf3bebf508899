"""What TensorRT's parser would refuse, or run in float (onnx-tensorrt, docs/operators.md: QuantizeLinear and
DequantizeLinear with zero points 0, no UINT8 inside, no QLinear operators)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

BYTES_ALREADY = ("QLinearConv", "QLinearAdd", "MatMulInteger", "DynamicQuantizeLinear")


def lint_tensorrt(model: onnx.ModelProto) -> list[str]:
    """One sentence per fault."""
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    made_by = {output: node.op_type for node in model.graph.node for output in node.output}
    faults = []
    for node in model.graph.node:
        name, makers = node.output[0], [made_by.get(tensor) for tensor in node.input]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            zero = values[node.input[2]]
            if zero.dtype != np.int8:
                faults.append(f"{name} is quantised to {zero.dtype}, only int8 is allowed")
            if np.any(zero != 0):
                faults.append(f"{name} has a zero point other than 0")
        elif node.op_type == "Conv":
            for tensor, maker in list(zip(node.input, makers, strict=True))[:2]:
                if maker != "DequantizeLinear":
                    faults.append(f"{name}: its input {tensor} is not dequantised INT8")
            if len(node.input) > 2 and node.input[2] not in values:
                faults.append(f"{name}: its bias is not a float constant")
        elif node.op_type == "Add":
            if sorted(map(str, makers)) not in (["Conv", "DequantizeLinear"], ["DequantizeLinear"] * 2):
                faults.append(
                    f"{name}: a sum of {makers[0]} and {makers[1]}, wanted dequantised INT8 and a convolution"
                )
        elif node.op_type in BYTES_ALREADY:
            faults.append(f"{name}: {node.op_type} is not supported")
    return faults
