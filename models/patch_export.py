"""A published network as ONNX, in float and in INT8, to time and compare it in the box's runtime.

The field network has its own recipe (`quantize`); this is the customary one: asymmetric unsigned activations and
per-channel weights, ONNX Runtime's `quantize_static`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.networks.published import Network
from models.patch_method import Patches

IMAGE, MASK, OPSET = "image", "mask", 17


class OnnxPatches:
    """Patches through ONNX Runtime: what `patch_method.PatchDetector` calls."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        (mask,) = self._session.run([MASK], {IMAGE: patches})
        return np.asarray(mask)[:, 0]


def torch_patches(net: Network) -> Patches:
    """The same through PyTorch, as the published method runs."""

    def infer(patches: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits = net(torch.from_numpy(patches))
            return (logits.sigmoid()[:, 0] if net.outputs == 1 else 1 - logits.softmax(1)[:, 0]).numpy()

    return infer


def export_patches(net: Network, path: Path, *, size: int = 256) -> Path:
    """Writes the network with its sigmoid, for any number of patches at once."""
    whole = torch.nn.Sequential(net, torch.nn.Sigmoid()).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor at length
        torch.onnx.export(
            whole, (torch.zeros(1, 3, size, size),), str(path), input_names=[IMAGE], output_names=[MASK],
            dynamic_axes={IMAGE: {0: "n"}, MASK: {0: "n"}}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    onnx.checker.check_model(str(path))
    return path


def quantise_patches(exact: Path, path: Path, samples: Sequence[NDArray[np.float32]]) -> Path:
    """INT8 beside the float file; `samples` are batches of patches that set the ranges of the activations."""
    prepared = path.with_suffix(".prepared.onnx")
    try:
        quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(path), _Samples(samples), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    finally:
        prepared.unlink(missing_ok=True)
    return path


class _Samples(CalibrationDataReader):
    def __init__(self, samples: Sequence[NDArray[np.float32]]) -> None:
        self._left = list(samples)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return {IMAGE: self._left.pop()} if self._left else None
