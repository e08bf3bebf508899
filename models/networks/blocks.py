"""What every network here is built from: convolutions with or without normalisation, and the two ways up."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

UpKind = Literal["nearest", "transposed"]


def conv_bn_relu(
    inputs: int, outputs: int, size: int | tuple[int, int] = 3, *, stride: int = 1, epsilon: float = 1e-5
) -> nn.Sequential:
    """Convolution without bias, padded so that the stride divides the size exactly; batch normalisation; ReLU."""
    sizes = (size, size) if isinstance(size, int) else size
    padding = tuple((side - stride + 1) // 2 for side in sizes)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, sizes, stride, padding, bias=False),
        nn.BatchNorm2d(outputs, eps=epsilon),
        nn.ReLU(inplace=True),
    )


def conv_relu(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True))


def double(inputs: int, outputs: int, *, normalise: bool, dropout: float = 0.0) -> nn.Sequential:
    """Two 3x3 convolutions: the block of Ronneberger et al. 2015, with dropout between the two where asked for."""
    make = conv_bn_relu if normalise else conv_relu
    between = [nn.Dropout2d(dropout)] if dropout else []
    return nn.Sequential(make(inputs, outputs), *between, make(outputs, outputs))


class Join(nn.Module):
    """One node of a decoder: the deeper features twice as large, beside the skipped ones, through two convolutions.

    "nearest" enlarges without weights; "transposed" learns a 2x2 convolution that also brings the channels to `width`.
    """

    def __init__(
        self, deeper: int, skipped: int, width: int, *, up: UpKind, normalise: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(deeper, width, 2, stride=2) if up == "transposed" else None
        self.mix = double(
            (width if self.up is not None else deeper) + skipped, width, normalise=normalise, dropout=dropout
        )

    def forward(self, deeper: Tensor, skipped: list[Tensor]) -> Tensor:
        larger = self.up(deeper) if self.up is not None else functional.interpolate(deeper, scale_factor=2.0)
        return self.mix(torch.cat([larger, *skipped], 1) if skipped else larger)


def he_normal(net: nn.Module) -> None:
    """Weights as He et al., ICCV 2015, equation 10; biases nothing."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
