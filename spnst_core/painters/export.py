"""Export of painters as ONNX, for programs without PyTorch: browsers, phones, other languages.

The graph is written node by node instead of being traced, so that it holds for pictures of any size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spnst_core.errors import InputError
from spnst_core.painters.network import BEYOND, SMALLEST_SIDE, STRIDE, Residual
from spnst_core.painters.painter import MADE, Painter

OPSET, IR = 18, 9
"""Versions of ONNX's operators and of its file format: old enough for what runs ONNX today."""

TOLERANCE = 1e-4
"""Largest difference between a pastiche by ONNX Runtime and by PyTorch, of values in [0, 1]."""

CHECKED = ((SMALLEST_SIDE, SMALLEST_SIDE), (61, 47))
"""Heights and widths of the pictures that an export is checked with."""


def to_onnx(painter: Painter) -> bytes:
    """A painter as an ONNX file that ONNX Runtime was seen to paint the same with, within `TOLERANCE`.

    Input ``content`` and output ``pastiche`` are (n, 3, h, w) RGB in [0, 1], of any n and any h and w from
    `SMALLEST_SIDE`. How the painter was made is among the file's metadata, under ``painter``.

    Raises:
        InputError: onnx or onnxruntime isn't installed, or the painter keeps its contents' colours, which is no part of
            its network.
        ArithmeticError: ONNX Runtime paints something else.
    """
    if painter.recipe.colour != "style":
        raise InputError(
            f"the painter's recipe has colour {painter.recipe.colour}, which isn't a part of its network: export a "
            "painter of a recipe with colour style"
        )
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError("exporting needs ONNX and its runtime: pip install 'spnst[onnx]'") from error
    data: bytes = _Graph(onnx).of(painter).SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for height, width in CHECKED:
        x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected = painter.network.cpu()(x)
        (found,) = session.run(None, {"content": x.numpy()})
        off = float((torch.from_numpy(found) - expected).abs().max())
        if not off <= TOLERANCE:  # nor if it is NaN
            raise ArithmeticError(f"ONNX Runtime paints {width}×{height} px with an error of {off:.2g}")
    return data


class _Graph:
    """ONNX's graph of a network while it is being written.

    Args:
        onnx: the package, which is imported only where it is used.
    """

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def of(self, painter: Painter) -> Any:
        """The model."""
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        network = painter.network
        sides = self._node("Shape", "content", start=2, end=4)
        lacking = self._node("Mod", self._node("Neg", sides), self._constant([STRIDE]))
        pads = self._node("Concat", self._constant([0] * 6), lacking, axis=0)
        padded = self._node("Pad", "content", pads, mode="reflect")
        y = self._node("Sub", self._node("Mul", padded, self._constant(2.0)), self._constant(1.0))
        for part in (network.down, network.residuals, network.up, network.last):
            y = self._through(part, y)
        y = self._node("Slice", y, self._constant([0, 0]), sides, self._constant([2, 3]))
        y = self._node("Mul", self._node("Sigmoid", y), self._constant(1 + 2 * BEYOND))
        y = self._node("Sub", y, self._constant(BEYOND))
        self._nodes.append(helper.make_node("Clip", [y, self._constant(0.0), self._constant(1.0)], ["pastiche"]))
        shape = ["n", 3, "h", "w"]
        ends = [helper.make_tensor_value_info(name, float32, shape) for name in ("content", "pastiche")]
        graph = helper.make_graph(self._nodes, "painter", ends[:1], ends[1:], self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="spnst")
        model.ir_version = IR
        helper.set_model_props(model, {MADE: json.dumps(painter.made)})
        self._onnx.checker.check_model(model)
        return model

    def _through(self, module: nn.Module, x: str) -> str:
        """The name of a module's output for an input of that name."""
        match module:
            case nn.Sequential():
                for part in module:
                    x = self._through(part, x)
                return x
            case Residual():
                return self._node("Add", x, self._through(module.body, x))
            case nn.Conv2d():
                margin = int(module.kernel_size[0] // 2)
                padded = self._node("Pad", x, self._constant([0, 0, margin, margin] * 2), mode="reflect")
                assert module.bias is not None
                weights = self._constant(module.weight), self._constant(module.bias)
                return self._node("Conv", padded, *weights, strides=list(module.stride))
            case nn.InstanceNorm2d():
                weights = self._constant(module.weight), self._constant(module.bias)
                return self._node("InstanceNormalization", x, *weights, epsilon=module.eps)
            case nn.ReLU():
                return self._node("Relu", x)
            case nn.Upsample():
                scales = self._constant([1.0, 1.0, 2.0, 2.0])
                kind = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
                return self._node("Resize", x, "", scales, mode="nearest", **kind)
        raise TypeError(f"{type(module).__name__} can't be exported")

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"x{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _constant(self, value: float | Sequence[int] | Sequence[float] | Tensor) -> str:
        if isinstance(value, Tensor):
            array = value.detach().cpu().numpy()
        else:
            given = np.asarray(value)
            array = given.astype(np.int64 if given.dtype.kind == "i" else np.float32)
        name = f"c{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name
