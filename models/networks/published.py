"""Every published network by its name, and what a network costs.

Names as the publications have them: "unet" is that of 30 aerial images (16 to 1024 channels, dropout 0.3), "unet-l4"
and "unet++" those of the cloud masks (four halvings, 32 to 512 channels), "unet-resnet50" that of the all-sky traces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import nn

from models.networks.encoders import Encoder, PlainEncoder, ResNetEncoder, VggEncoder
from models.networks.inception import InceptionEncoder
from models.networks.unet import DECODER, NestedUNet, UNet

Network = UNet | NestedUNet


def _plain(base: int, halvings: int, dropout: float, inputs: int, outputs: int) -> Network:
    """Channels double at every halving; 2x2 transposed convolutions lead up."""
    widths = [base * 2**k for k in range(halvings + 1)]
    return UNet(
        PlainEncoder(inputs, widths, dropout=dropout), widths[-2::-1], outputs,
        up="transposed", normalise=False, dropout=dropout, head=1,
    )  # fmt: skip


def _encoded(encoder: Callable[[int], Encoder], inputs: int, outputs: int) -> Network:
    return UNet(encoder(inputs), DECODER, outputs)


def _nested(inputs: int, outputs: int, *, deep_supervision: bool = False) -> Network:
    widths = [32 * 2**k for k in range(5)]
    return NestedUNet(PlainEncoder(inputs, widths), widths[:-1], outputs, deep_supervision=deep_supervision)


def _nested_resnet(depth: int, inputs: int, outputs: int) -> Network:
    return NestedUNet(ResNetEncoder(depth, inputs), DECODER[::-1], outputs, up="nearest", normalise=True, head=3)


NETWORKS: Mapping[str, Callable[[int, int], Network]] = {
    "unet": partial(_plain, 16, 6, 0.3),
    "unet-l4": partial(_plain, 32, 4, 0.0),
    "unet-64": partial(_plain, 64, 4, 0.0),
    "unet-resnet18": partial(_encoded, partial(ResNetEncoder, 18)),
    "unet-resnet34": partial(_encoded, partial(ResNetEncoder, 34)),
    "unet-resnet50": partial(_encoded, partial(ResNetEncoder, 50)),
    "unet-vgg19": partial(_encoded, VggEncoder),
    "unet-vgg19-bn": partial(_encoded, partial(VggEncoder, normalise=True)),
    "unet-inception3": partial(_encoded, InceptionEncoder),
    "unet++": _nested,
    "unet++-deep": partial(_nested, deep_supervision=True),
    "unet++-resnet34": partial(_nested_resnet, 34),
}


def build(name: str, *, inputs: int = 3, outputs: int = 1) -> Network:
    """A network with fresh weights; ValueError lists the names there are."""
    if name not in NETWORKS:
        raise ValueError(f"network {name!r} is not known; there are {', '.join(NETWORKS)}")
    return NETWORKS[name](inputs, outputs)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def gmac(net: nn.Module, shape: tuple[int, ...]) -> float:
    """10^9 multiply-accumulates of all convolutions for one input; `net` is moved to no device and computes nothing."""
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.ConvTranspose2d):
            total += output.numel() // (module.stride[0] * module.stride[1]) * module.weight[:, 0].numel()
        elif isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()

    handles = [m.register_forward_hook(count) for m in net.modules()]
    try:
        with torch.no_grad():
            net.to("meta")(torch.empty(shape, device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    return total / 1e9
