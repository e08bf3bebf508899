"""Every network by its name, and what it costs.

Names as the publications have them: "unet" is that of 30 aerial images (16 to 1024 channels, dropout 0.3), "unet-l4"
and "unet++" those of the cloud masks (four halvings, 32 to 512 channels), "unet-resnet50" that of the all-sky traces.
Bayer networks take the four half-resolution planes of a mosaic and answer with the classes of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import nn

from models.contract import CLASSES
from models.networks.encoders import Encoder, PlainEncoder, ResNetEncoder, VggEncoder
from models.networks.inception import InceptionEncoder
from models.networks.unet import NestedUNet, UNet

Network = UNet | NestedUNet
DECODER = (256, 128, 64, 32, 16)  # of encoders that halve five times


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


def _compact(base: int, halvings: int, fold: int, inputs: int, outputs: int) -> Network:
    """c<base>d<halvings>b, folded twice with s2: 3x3 convolutions with normalisation, nearest enlargement."""
    widths = [base * 2**k for k in range(halvings + 1)]
    encoder = PlainEncoder(inputs * fold**2, widths, normalise=True)
    return UNet(encoder, widths[-2::-1], outputs, head=1, fold=fold)


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
    "c16d3b": partial(_compact, 16, 3, 1),
    "c32d3bs2": partial(_compact, 32, 3, 2),
    "resnet18b": partial(_encoded, partial(ResNetEncoder, 18)),
}
BAYER = ("c16d3b", "c32d3bs2", "resnet18b")  # four planes in, the contract's classes out


def build(name: str, *, inputs: int | None = None, outputs: int | None = None) -> Network:
    """A network with fresh weights; ValueError lists the names there are."""
    if name not in NETWORKS:
        raise ValueError(f"network {name!r} is not known; there are {', '.join(NETWORKS)}")
    usual = (4, len(CLASSES)) if name in BAYER else (3, 1)
    return NETWORKS[name](inputs or usual[0], outputs or usual[1])


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
