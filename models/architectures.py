"""The networks that read the four half-resolution planes of a whole frame and answer with the classes of the contract,
by their names.

field     what ships: folded once by a strided convolution, unfolded after the last one
c16d3b    plain U-Net on the planes, 16 channels at full size, three poolings
c32d3bs2  the same with 32 channels on planes folded 2 x 2
rn18b     ResNet-18 as encoder, the usual 256 to 16 channels up

Why these shapes (measured on one core, INT8): depthwise and attention blocks save multiplications but not time on a
CPU; folding 2x2 pixels into channels by a strided first convolution and unfolding them after the last one keeps the
multiplications and quarters the memory traffic. Only Conv, ReLU, MaxPool, nearest Resize, Concat, Add and DepthToSpace
occur, so that the INT8 runtimes can fuse everything.

U-Net: Ronneberger, Fischer, Brox, MICCAI 2015, section 2; sub-pixel head: Shi et al., CVPR 2016, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.contract import CLASSES
from models.networks.blocks import conv_bn_relu, double, he_normal
from models.networks.encoders import PlainEncoder, ResNetEncoder
from models.networks.unet import DECODER, UNet

PLANES = 4
BACKGROUND = 4.0  # first logit of "background": trails are rare, so start from there, as focal-loss practice does


class FieldNet(nn.Module):
    """planes (N, 4, H, W) -> logits (N, len(CLASSES), H, W); H and W multiples of 2^len(channels)."""

    def __init__(self, channels: Sequence[int] = (32, 48, 64, 96, 128)) -> None:
        super().__init__()
        width = channels[0]
        self.fold = conv_bn_relu(PLANES, width, 4, stride=2)
        self.first = conv_bn_relu(width, width)
        self.down = nn.ModuleList(double(a, b, normalise=True) for a, b in pairwise(channels))
        self.up = nn.ModuleList(double(b + a, a, normalise=True) for a, b in pairwise(channels))
        self.head = nn.Conv2d(width, 4 * len(CLASSES), 1)
        he_normal(self)
        _expect_background(self.head)

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


def compact(base: int, halvings: int, fold: int = 1) -> UNet:
    """c<base>d<halvings>b, folded with s2: 3x3 convolutions, channels doubled at every halving, nearest enlargement."""
    widths = [base * 2**k for k in range(halvings + 1)]
    encoder = PlainEncoder(PLANES, widths, normalise=True, fold=fold)
    return _for_planes(UNet(encoder, widths[-2::-1], len(CLASSES), head=1, fold=fold))


def residual(depth: int) -> UNet:
    """rn<depth>b: ResNet of that depth, and the decoder that is usual with it."""
    return _for_planes(UNet(ResNetEncoder(depth, PLANES), DECODER, len(CLASSES)))


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "field": FieldNet,
    "c16d3b": partial(compact, 16, 3),
    "c32d3bs2": partial(compact, 32, 3, fold=2),
    "rn18b": partial(residual, 18),
}


def _for_planes(net: UNet) -> UNet:
    _expect_background(net.head)
    return net


def _expect_background(head: nn.Conv2d) -> None:
    """Unfolding takes neighbouring channels for one class: the first of them are all background's."""
    assert head.bias is not None
    nn.init.constant_(head.bias[: head.out_channels // len(CLASSES)], BACKGROUND)
