"""Encoders: an image becomes a pyramid, one set of features per halving.

`widths[k]` are the channels at stride 2^k, 0 where an encoder has none (ResNet and Inception halve at once).
Plain: Ronneberger et al., MICCAI 2015. ResNet: He et al., CVPR 2016, tables 1 and 4, with the stride in the 3x3
convolution as every published set of weights has it. VGG-19: Simonyan & Zisserman, ICLR 2015, column E. None starts
from ImageNet weights: nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.blocks import conv_bn_relu, conv_relu, double

_RESNETS = {18: ((2, 2, 2, 2), False), 34: ((3, 4, 6, 3), False), 50: ((3, 4, 6, 3), True)}  # blocks, bottlenecks


class Encoder(nn.Module):
    """image (N, C, H, W) -> features from full size down, `None` where `widths` is 0."""

    widths: tuple[int, ...]


class PlainEncoder(Encoder):
    """Two convolutions per level, max-pooling between.

    fold (only with `normalise`): the first level sees the image folded by that factor into channels. A 3x3 convolution
    of folded pixels is a wider one with a stride: written so, weights and multiplications are the same, and nothing is
    moved.
    """

    def __init__(
        self, inputs: int, widths: Sequence[int], *, normalise: bool = False, dropout: float = 0.0, fold: int = 1
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.levels = nn.ModuleList(
            double(a, b, normalise=normalise, dropout=dropout) for a, b in pairwise((inputs, *widths))
        )
        if fold > 1:
            self.levels[0][0] = conv_bn_relu(inputs, widths[0], 3 * fold, stride=fold)

    def forward(self, x: Tensor) -> list[Tensor | None]:
        features = [self.levels[0](x)]
        for level in list(self.levels)[1:]:
            features.append(level(functional.max_pool2d(features[-1], 2)))
        return list(features)


class VggEncoder(Encoder):
    """The sixteen convolutions of VGG-19, and the last pooling as the deepest level."""

    LEVELS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # width, convolutions

    def __init__(self, inputs: int = 3, *, normalise: bool = False) -> None:
        super().__init__()
        self.widths = (*(width for width, _ in self.LEVELS), 512)
        make, levels = conv_bn_relu if normalise else conv_relu, []
        for width, count in self.LEVELS:
            levels.append(nn.Sequential(*(make(width if k else inputs, width) for k in range(count))))
            inputs = width
        self.levels = nn.ModuleList(levels)

    def forward(self, x: Tensor) -> list[Tensor | None]:
        features: list[Tensor | None] = []
        for level in self.levels:
            x = level(x)
            features.append(x)
            x = functional.max_pool2d(x, 2)
        return [*features, x]


class Residual(nn.Module):
    """Basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1 four times as wide) block with its shortcut."""

    def __init__(self, inputs: int, width: int, *, stride: int, bottleneck: bool) -> None:
        super().__init__()
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            first = [conv_bn_relu(inputs, width, 1), conv_bn_relu(width, width, stride=stride)]
        else:
            first = [conv_bn_relu(inputs, width, stride=stride)]
        last = conv_bn_relu(width, outputs, 1 if bottleneck else 3)
        self.path = nn.Sequential(*first, last[:2])  # its ReLU comes after the sum
        self.shortcut = (
            conv_bn_relu(inputs, outputs, 1, stride=stride)[:2] if (stride, inputs) != (1, outputs) else None
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.path(x) + (x if self.shortcut is None else self.shortcut(x)))


class ResNetEncoder(Encoder):
    """ResNet-18, -34 or -50 without its classifier."""

    def __init__(self, depth: int, inputs: int = 3) -> None:
        super().__init__()
        counts, bottleneck = _RESNETS[depth]
        widths = [64 * 2**k * (4 if bottleneck else 1) for k in range(4)]
        self.widths = (0, 64, *widths)
        self.stem = conv_bn_relu(inputs, 64, 7, stride=2)
        stages, before = [], 64
        for k, (count, after) in enumerate(zip(counts, widths, strict=True)):
            blocks = [
                Residual(after if n else before, 64 * 2**k, stride=2 if k and not n else 1, bottleneck=bottleneck)
                for n in range(count)
            ]
            stages.append(nn.Sequential(*blocks))
            before = after
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor | None]:
        x = self.stem(x)
        features: list[Tensor | None] = [None, x]
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features
