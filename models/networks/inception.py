"""Inception-v3 as an encoder (Szegedy et al., CVPR 2016, table 1 and figures 5-7), without auxiliary classifier.

Every convolution and pooling is padded, where the paper's lose a rim: the weights are the same, and each level is
exactly half of the one above, as a U-Net needs it.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.blocks import conv_bn_relu
from models.networks.encoders import Encoder

_conv = partial(conv_bn_relu, epsilon=1e-3)


def _chain(inputs: int, *layers: tuple[int, int | tuple[int, int]], stride: int = 1) -> nn.Sequential:
    """Convolutions one after the other, (width, size) each; the last one takes the stride."""
    made = []
    for k, (width, size) in enumerate(layers):
        made.append(_conv(inputs, width, size, stride=stride if k == len(layers) - 1 else 1))
        inputs = width
    return nn.Sequential(*made)


class _Pooled(nn.Module):
    """Mean over 3x3, then a 1x1 convolution; or the largest of 3x3 at half size."""

    def __init__(self, inputs: int, width: int = 0) -> None:
        super().__init__()
        self.conv = _conv(inputs, width, 1) if width else None

    def forward(self, x: Tensor) -> Tensor:
        if self.conv is None:
            return functional.max_pool2d(x, 3, 2, 1)
        return self.conv(functional.avg_pool2d(x, 3, 1, 1))


class _Fork(nn.Module):
    """A common path that ends in two convolutions side by side (figure 7)."""

    def __init__(self, common: nn.Module, width: int) -> None:
        super().__init__()
        self.common = common
        self.ends = nn.ModuleList([_conv(width, 384, (1, 3)), _conv(width, 384, (3, 1))])

    def forward(self, x: Tensor) -> Tensor:
        x = self.common(x)
        return torch.cat([end(x) for end in self.ends], 1)


class _Mixed(nn.Module):
    """Branches side by side, concatenated."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def _grid35(inputs: int, pooled: int) -> _Mixed:
    return _Mixed(
        _chain(inputs, (64, 1)), _chain(inputs, (48, 1), (64, 5)), _chain(inputs, (64, 1), (96, 3), (96, 3)),
        _Pooled(inputs, pooled),
    )  # fmt: skip


def _grid17(width: int) -> _Mixed:
    row, column = (1, 7), (7, 1)
    return _Mixed(
        _chain(768, (192, 1)), _chain(768, (width, 1), (width, row), (192, column)),
        _chain(768, (width, 1), (width, column), (width, row), (width, column), (192, row)), _Pooled(768, 192),
    )  # fmt: skip


def _grid8(inputs: int) -> _Mixed:
    return _Mixed(
        _chain(inputs, (320, 1)), _Fork(_chain(inputs, (384, 1)), 384), _Fork(_chain(inputs, (448, 1), (384, 3)), 384),
        _Pooled(inputs, 192),
    )  # fmt: skip


class InceptionEncoder(Encoder):
    def __init__(self, inputs: int = 3) -> None:
        super().__init__()
        self.widths = (0, 64, 192, 288, 768, 2048)
        halve35 = _Mixed(
            _chain(288, (384, 3), stride=2), _chain(288, (64, 1), (96, 3), (96, 3), stride=2), _Pooled(288)
        )
        halve17 = _Mixed(
            _chain(768, (192, 1), (320, 3), stride=2),
            _chain(768, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3), stride=2), _Pooled(768),
        )  # fmt: skip
        self.levels = nn.ModuleList([
            nn.Sequential(_conv(inputs, 32, stride=2), _conv(32, 32), _conv(32, 64)),
            nn.Sequential(_Pooled(64), _conv(64, 80, 1), _conv(80, 192)),
            nn.Sequential(_Pooled(192), _grid35(192, 32), _grid35(256, 64), _grid35(288, 64)),
            nn.Sequential(halve35, _grid17(128), _grid17(160), _grid17(160), _grid17(192)),
            nn.Sequential(halve17, _grid8(1280), _grid8(2048)),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> list[Tensor | None]:
        features: list[Tensor | None] = [None]
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features
