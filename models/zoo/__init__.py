"""The trained networks that ship.

field.u8.onnx  for processors: INT8, unsigned activations (ONNX Runtime)
field.s8.onnx  for TensorRT: INT8, symmetric activations
SHA256SUMS     what they must be; the engine refuses anything else under these names
card.md        what they were trained on, how good they are, where they are weak, how to make them again
"""

from __future__ import annotations

from pathlib import Path


def zoo_path(name: str = "field.u8.onnx") -> Path:
    """Where a shipped file lies."""
    return Path(__file__).with_name(name)
