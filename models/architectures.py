"""The field network: a plain 3x3 U-Net on the four half-resolution planes of a whole frame.

Why this shape (measured on one core, ONNX Runtime INT8): depthwise and attention blocks save multiplications but not
time on a CPU; folding 2x2 pixels into channels by a strided first convolution and unfolding them after the last one
keeps the multiplications and quarters the memory traffic. Only Conv, ReLU, MaxPool, nearest Resize, Concat and
DepthToSpace occur, so that both INT8 runtimes can fuse everything.

U-Net: Ronneberger, Fischer, Brox, MICCAI 2015, section 2; sub-pixel head: Shi et al., CVPR 2016, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.contract import CLASSES


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs), _conv(outputs, outputs))


class FieldNet(nn.Module):
    """planes (N, 4, H, W) -> logits (N, len(CLASSES), H, W); H and W multiples of 2^len(channels)."""

    def __init__(self, channels: Sequence[int] = (16, 48, 64, 96, 128)) -> None:
        super().__init__()
        self.channels, width = tuple(channels), channels[0]
        self.fold = nn.Sequential(
            nn.Conv2d(4, width, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.first = _conv(width, width)
        self.down = nn.ModuleList(_block(a, b) for a, b in pairwise(channels))
        self.up = nn.ModuleList(_block(b + a, a) for a, b in pairwise(channels))
        self.head = nn.Conv2d(width, 4 * len(CLASSES), 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(
            self.head.bias[:4], 4.0
        )  # trails are rare: start from "background", as focal-loss practice does

    def forward(self, planes: Tensor) -> Tensor:
        x = self.first(self.fold(planes))
        kept = []
        for block in self.down:
            kept.append(x)
            x = block(functional.max_pool2d(x, 2))
        for block in reversed(self.up):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, kept.pop()], 1))
        return functional.pixel_shuffle(self.head(x), 2)
