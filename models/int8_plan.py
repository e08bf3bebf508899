"""Which tensors of a float network become bytes, which of them share a scale, and which have a sign.

A byte tensor is what a convolution or a sum reads, what a mover only moves, and the logits. Movers hand values on
unchanged, so all that they connect shares one scale and they cost and lose nothing.

Where a sum follows a convolution (ResNet: He et al., CVPR 2016, figure 2), the two runtimes want different bytes.
TensorRT computes convolution, sum and ReLU in one kernel if only the *other* summand is bytes (TensorRT documentation,
"Q/DQ layer-placement recommendations", on the residual input of skip connections); ONNX Runtime sums bytes and needs
both. The same holds for logits straight from a convolution: TensorRT writes them in float at no cost, ONNX Runtime
would then convolve in float.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from models.contract import INPUT_NAME, OUTPUT_NAME

MOVERS = ("MaxPool", "Resize", "Concat", "DepthToSpace")


@dataclass(frozen=True, slots=True)
class Plan:
    tensors: tuple[str, ...]  # that become bytes, in the order of the graph
    fused: frozenset[str]  # of them, what TensorRT never writes out: stays float in its file
    signed: frozenset[str]  # of them, what may be negative
    groups: tuple[frozenset[str], ...]  # of them, what movers connect

    @property
    def logits(self) -> frozenset[str]:
        """The output, and what movers make it of."""
        return next((group for group in self.groups if OUTPUT_NAME in group), frozenset({OUTPUT_NAME}))


def plan(model: onnx.ModelProto) -> Plan:
    graph = model.graph
    constants = {i.name for i in graph.initializer} | {n.output[0] for n in graph.node if n.op_type == "Constant"}
    convolved = {n.output[0] for n in graph.node if n.op_type == "Conv"}
    tensors: dict[str, None] = {}
    fused, positive, groups = {OUTPUT_NAME} & convolved, {INPUT_NAME}, []
    for node in graph.node:
        read = [t for t in node.input if t and t not in constants]
        if node.op_type == "Conv":
            tensors[node.input[0]] = None
        elif node.op_type == "Add":
            tensors.update(dict.fromkeys(read))
            fused.update([t for t in read if t in convolved][:1])
        elif node.op_type in MOVERS:
            joined = {*read, *node.output}
            tensors.update(dict.fromkeys([*read, *node.output]))
            touching = [g for g in groups if g & joined]
            groups = [g for g in groups if not g & joined] + [joined.union(*touching)]
        if node.op_type == "Relu" or (node.op_type in (*MOVERS, "Add") and positive.issuperset(read)):
            positive.update(node.output)
    tensors[OUTPUT_NAME] = None
    signed = set(tensors) - positive
    signed.update(*(g for g in groups if g & signed))
    return Plan(tuple(tensors), frozenset(fused), frozenset(signed), tuple(map(frozenset, groups)))
