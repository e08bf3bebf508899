"""From trained weights to a float ONNX file: batch normalisation folded into the convolutions, and proof that it is
the same network."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.contract import INPUT_NAME, OUTPUT_NAME
from models.engine_onnx import CONTRACT, CONTRACT_KEY, PRECISION_KEY, OnnxEngine

OPSET = 17  # what TensorRT 8.5 to 11 and every supported ONNX Runtime read
EQUAL = 1e-3  # largest difference of a logit between PyTorch and the file


def export(net: nn.Module, path: Path, samples: list[NDArray[np.float32]]) -> float:
    """Writes float32 ONNX, H and W free, and returns the largest logit difference on `samples` ((1, 4, H, W) each).

    Raises ValueError where the file does not compute what the network computes.
    """
    folded = _folded(copy.deepcopy(net).eval())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor at length
        torch.onnx.export(
            folded, (torch.from_numpy(samples[0]),), str(path), input_names=[INPUT_NAME], output_names=[OUTPUT_NAME],
            dynamic_axes={INPUT_NAME: {2: "height", 3: "width"}, OUTPUT_NAME: {2: "height", 3: "width"}},
            opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CONTRACT_KEY: CONTRACT, PRECISION_KEY: "float32"})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    worst = 0.0
    with OnnxEngine(path, threads=1) as engine, torch.no_grad():
        for planes in samples:
            worst = max(worst, float(np.abs(engine.infer(planes) - net(torch.from_numpy(planes)).numpy()).max()))
    if worst > EQUAL:
        raise ValueError(
            f"{path}: differs from the trained network by {worst:.2g} in a logit (at most {EQUAL} is rounding)"
        )
    return worst


def _folded(module: nn.Module) -> nn.Module:
    for child in module.children():
        if isinstance(child, nn.Sequential) and len(child) > 1 and isinstance(child[1], nn.BatchNorm2d):
            child[0], child[1] = fuse_conv_bn_eval(child[0], child[1]), nn.Identity()
        else:
            _folded(child)
    return module
