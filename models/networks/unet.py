"""Encoder + decoder = network: the straight decoder of U-Net and the nested one of U-Net++.

U-Net: Ronneberger et al., MICCAI 2015. U-Net++: Zhou et al., DLMIA 2018, equation 1 and section 3.2 (deep supervision).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.blocks import Join, UpKind, he_normal
from models.networks.encoders import Encoder

DECODER = (256, 128, 64, 32, 16)  # of encoders that halve five times


class UNet(nn.Module):
    """image (N, C, H, W) -> logits (N, outputs, H, W); H and W multiples of `stride`.

    Args: widths of the decoder, from the deepest up to full size. fold: `encoder` folds the image by that factor into
    channels, and the answer is unfolded after the head (Shi et al., CVPR 2016, section 3.2).
    """

    def __init__(
        self, encoder: Encoder, widths: Sequence[int], outputs: int = 1, *, up: UpKind = "nearest",
        normalise: bool = True, dropout: float = 0.0, head: int = 3, fold: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(widths) != len(encoder.widths) - 1:
            raise ValueError(f"an encoder of {len(encoder.widths)} levels needs {len(encoder.widths) - 1} widths")
        self.encoder, self.fold, self.outputs = encoder, fold, outputs
        self.stride = fold * 2 ** len(widths)
        deeper, joins = encoder.widths[-1], []
        for skipped, width in zip(reversed(encoder.widths[:-1]), widths, strict=True):
            joins.append(Join(deeper, skipped, width, up=up, normalise=normalise, dropout=dropout))
            deeper = width
        self.joins = nn.ModuleList(joins)
        self.head = nn.Conv2d(deeper, outputs * fold**2, head, padding=head // 2)
        he_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        *features, x = self.encoder(x)
        for join in self.joins:
            skipped = features.pop()
            x = join(x, [] if skipped is None else [skipped])
        logits = self.head(x)
        return functional.pixel_shuffle(logits, self.fold) if self.fold > 1 else logits


class NestedUNet(nn.Module):
    """U-Net++: node (i, j) joins the node below it with every earlier node of its own level.

    With `deep_supervision` all nodes of the top level answer: in training as a list, afterwards as their mean.
    """

    def __init__(
        self, encoder: Encoder, widths: Sequence[int], outputs: int = 1, *, up: UpKind = "transposed",
        normalise: bool = False, head: int = 1, deep_supervision: bool = False,
    ) -> None:  # fmt: skip
        """Args: widths of the nodes of each level, full size first; every level of `encoder` above the deepest."""
        super().__init__()
        self.encoder, self.outputs, self.deep_supervision = encoder, outputs, deep_supervision
        self.depth = len(encoder.widths) - 1
        self.stride = 2**self.depth
        nodes = {}
        for column in range(1, self.depth + 1):
            for level in range(self.depth + 1 - column):
                below = encoder.widths[level + 1] if column == 1 else widths[level + 1]
                skipped = encoder.widths[level] + (column - 1) * widths[level]
                nodes[f"{level}_{column}"] = Join(below, skipped, widths[level], up=up, normalise=normalise)
        self.nodes = nn.ModuleDict(nodes)
        answering = range(1, self.depth + 1) if deep_supervision else (self.depth,)
        self.heads = nn.ModuleDict({str(k): nn.Conv2d(widths[0], outputs, head, padding=head // 2) for k in answering})
        he_normal(self)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        # Per level: what is known so far, the encoder's own (if it has any) and every node since.
        known = [[] if feature is None else [feature] for feature in self.encoder(x)]
        answers = []
        for column in range(1, self.depth + 1):
            for level in range(self.depth + 1 - column):
                known[level].append(self.nodes[f"{level}_{column}"](known[level + 1][-1], known[level]))
            if str(column) in self.heads:
                answers.append(self.heads[str(column)](known[0][-1]))
        if self.training and self.deep_supervision:
            return answers
        return torch.stack(answers).mean(0) if len(answers) > 1 else answers[0]
