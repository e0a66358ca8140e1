"""Rampart's graph once more, for integer arithmetic: the same weights, several times as fast.

The pinned file holds weights of four bits, which the runtime turns into floats each time a text is
read. Here they are written, once at loading, as integers of eight bits, and what flows between the
layers is rounded to 255 steps before each multiplication, with a scale for each token of its own (one
for a whole batch, as "dynamic quantization" has it, would let one text change what is found in
another). What is multiplied are integers, so the sums are exact; attention, norms and activations
stay floats. The nodes are the runtime's fused ones.

Weights take 127 steps and not 255: on processors without VNNI two products are added in 16 bits,
which may not overflow (Bhandare et al., 2019, arXiv:1906.00532, "reduce_range" in ONNX Runtime).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fedi_dataset.errors import MissingExtra

__all__ = ["INPUTS", "to_eight_bits"]

INPUTS: Final = ("input_ids", "position_ids")
"""What the graph takes: the ids of one window, int64, and 0, 1, 2 ... in the same number."""

_HEADS: Final = 12
_LAYERS: Final = 6
_WIDTH: Final = 384
_EPSILON: Final = 1e-12  # of the norms, as in the file
_MS: Final = "com.microsoft"
_WEIGHT_STEPS: Final = 63  # to either side of zero
_STEPS: Final = 127
_MIDDLE: Final = 128  # the unsigned value of zero

Floats = NDArray[np.float32]


def to_eight_bits(content: bytes) -> bytes:
    """Rewrite the bytes of Rampart's ``model_q4.onnx``.

    The graph that is returned takes :data:`INPUTS` and gives ``logits``, tokens by labels, for one
    window. Raises MissingExtra without the package onnx.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra("privacy", "the Rampart model") from error
    return _Graph(onnx, content).written()


class _Graph:
    """The graph while it is written."""

    def __init__(self, onnx: Any, content: bytes) -> None:
        self._onnx = onnx
        source = onnx.load_model_from_string(content)
        self._tables = {
            one.name: onnx.numpy_helper.to_array(one) for one in source.graph.initializer
        }
        self._matrices = {
            one.name.removesuffix("/MatMul_Q4"): one.input[1].removesuffix("_Q4")
            for one in source.graph.node
            if one.op_type == "MatMulNBits"
        }
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def written(self) -> bytes:
        """Write all of it."""
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        state = self._embedded()
        for layer in range(_LAYERS):
            state = self._layer(layer, state)
        weights = self._constant("classifier.weight", self._matrix("/classifier"))
        bias = self._constant("classifier.bias", self._tables["classifier.bias"])
        self._node("Gemm", [state, weights, bias], "logits")
        graph = helper.make_graph(
            self._nodes,
            "rampart",
            [helper.make_tensor_value_info(one, kinds.INT64, ["tokens"]) for one in INPUTS],
            [helper.make_tensor_value_info("logits", kinds.FLOAT, ["tokens", "labels"])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_MS, 1)]
        written: bytes = helper.make_model(
            graph, opset_imports=opsets, ir_version=8
        ).SerializeToString()
        return written

    def _embedded(self) -> str:
        """Sum what stands for the token and for its place; all are of the first of two texts."""
        places = self._embedding("position") + self._embedding("token_type")[0]
        stem = "bert.embeddings.word_embeddings.weight"
        steps, scale, zero = (
            self._constant(f"{stem}_{one}", self._tables[f"{stem}_{one}"])
            for one in ("quantized", "scale", "zero_point")
        )
        word = self._node("Gather", [steps, INPUTS[0]], "word_steps")
        word = self._node("DequantizeLinear", [word, scale, zero], "word")
        place = self._node("Gather", [self._constant("places", places), INPUTS[1]], "place")
        both = self._node("Add", [word, place], "word_and_place")
        norm = self._norm("bert.embeddings.LayerNorm")
        return self._node("LayerNormalization", [both, *norm], "layer", epsilon=_EPSILON)

    def _layer(self, number: int, state: str) -> str:
        """Write one layer: attention, then the two matrices of the feed-forward part."""
        path, stem = f"/bert/encoder/layer.{number}", f"bert.encoder.layer.{number}"
        parts = [f"attention/self/{one}" for one in ("query", "key", "value")]
        matrix = np.concatenate([self._matrix(f"{path}/{one}") for one in parts], axis=1)
        bias = np.concatenate(
            [self._tables[f"{stem}.{one}.bias".replace("/", ".")] for one in parts]
        )
        mixed = self._linear(state, matrix, f"{stem}.qkv")
        batch = self._constant("as_batch", np.array([1, -1, 3 * _WIDTH]))
        shaped = self._node("Reshape", [mixed, batch], f"{stem}.batch")
        thirds = [f"{stem}.{one}" for one in parts]
        self._node("Split", [shaped], *thirds, axis=-1, num_outputs=3)
        heads = [*thirds, self._constant(f"{stem}.qkv.bias", bias)]
        seen = self._node("MultiHeadAttention", heads, f"{stem}.seen", domain=_MS, num_heads=_HEADS)
        rows = self._constant("as_rows", np.array([-1, _WIDTH]))
        seen = self._node("Reshape", [seen, rows], f"{stem}.rows")
        state = self._added(state, seen, path, stem, "attention/output")
        inner = self._linear(
            state, self._matrix(f"{path}/intermediate/dense"), f"{stem}.intermediate"
        )
        inner = self._node(
            "BiasGelu",
            [inner, self._bias(f"{stem}.intermediate.dense")],
            f"{stem}.gelu",
            domain=_MS,
        )
        return self._added(state, inner, path, stem, "output")

    def _added(self, state: str, inner: str, path: str, stem: str, part: str) -> str:
        """Multiply by the matrix of a block's output, and add what went into the block."""
        dotted = part.replace("/", ".")
        out = self._linear(inner, self._matrix(f"{path}/{part}/dense"), f"{stem}.{dotted}")
        return self._node(
            "SkipLayerNormalization",
            [
                out,
                state,
                *self._norm(f"{stem}.{dotted}.LayerNorm"),
                self._bias(f"{stem}.{dotted}.dense"),
            ],
            f"{stem}.{dotted}.normed",
            domain=_MS,
            epsilon=_EPSILON,
        )

    def _linear(self, state: str, matrix: Floats, name: str) -> str:
        """Multiply in integers: rows with a scale for each token, the matrix with one a column."""
        scales = np.abs(matrix).max(axis=0) / np.float32(_WEIGHT_STEPS)
        weights = np.rint(matrix / scales).astype(np.int8)
        rounded, steps = self._rounded(state)
        return self._node(
            "MatMulIntegerToFloat",
            [
                rounded,
                self._constant(f"{name}.weight", weights),
                steps,
                self._constant(f"{name}.scale", scales.astype(np.float32)),
                self._constant("middle", np.uint8(_MIDDLE)),
            ],
            name,
            domain=_MS,
        )

    def _rounded(self, state: str) -> tuple[str, str]:
        """Round each row to 255 steps; give the integers, and the size of a step, row by row."""
        size = self._node("Abs", [state], f"{state}.size")
        last = self._constant("last", np.array([-1]))
        most = self._node("ReduceMax", [size, last], f"{state}.most", keepdims=1)
        step = self._node(
            "Mul", [most, self._constant("share", np.float32(1 / _STEPS))], f"{state}.step"
        )
        line = self._node(
            "Reshape", [step, self._constant("as_line", np.array([-1]))], f"{state}.steps"
        )
        rounded = self._node("QuantizeLinear", [state, line, self._middles()], f"{state}.8", axis=0)
        return rounded, step

    def _middles(self) -> str:
        """Give the value of zero as often as there are tokens, once for all."""
        if not any("middles" in node.output for node in self._nodes):
            helper, kind = self._onnx.helper, self._onnx.TensorProto.UINT8
            count = self._node("Shape", [INPUTS[0]], "count")
            middle = helper.make_tensor("middle_value", kind, [1], [_MIDDLE])
            self._node("ConstantOfShape", [count], "middles", value=middle)
        return "middles"

    def _node(
        self, kind: str, inputs: Sequence[str], *outputs: str, domain: str = "", **how: Any
    ) -> str:
        """Add a node; give the name of its first output."""
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, outputs, domain=domain, **how))
        return outputs[0]

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            array = np.ascontiguousarray(value)
            self._constants[name] = self._onnx.numpy_helper.from_array(array, name)
        return name

    def _bias(self, stem: str) -> str:
        return self._constant(f"{stem}.bias", self._tables[f"{stem}.bias"])

    def _norm(self, stem: str) -> tuple[str, str]:
        weight = self._constant(f"{stem}.weight", self._tables[f"{stem}.weight"])
        return weight, self._bias(stem)

    def _embedding(self, kind: str) -> Floats:
        stem = f"bert.embeddings.{kind}_embeddings.weight"
        zero = self._tables[f"{stem}_zero_point"].astype(np.float32)
        steps = self._tables[f"{stem}_quantized"].astype(np.float32) - zero
        whole: Floats = steps * self._tables[f"{stem}_scale"]
        return whole

    def _matrix(self, name: str) -> Floats:
        """Give a matrix, inputs by outputs, of which the file holds blocks of 32 steps from -8 to 7."""
        stem = self._matrices[name]
        packed, scales = self._tables[f"{stem}_Q4"], self._tables[f"{stem}_scales"]
        steps = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*scales.shape, -1)
        whole: Floats = (
            ((steps.astype(np.float32) - 8) * scales[..., None]).reshape(len(packed), -1).T
        )
        return whole
