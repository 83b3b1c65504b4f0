"""Export of painters as ONNX, for programs without PyTorch: browsers, phones, other languages."""

from __future__ import annotations

import json
from importlib.util import find_spec

import torch
from torch.export import Dim

from spnst_core.errors import InputError
from spnst_core.painters.network import SMALLEST_SIDE
from spnst_core.painters.painter import MADE, Painter

OPSET = 18
"""Version of ONNX's operators: old enough for what runs ONNX today."""

TOLERANCE = 1e-4
"""Largest difference between a pastiche by ONNX Runtime and by PyTorch, of values in [0, 1]."""

CHECKED = ((SMALLEST_SIDE, SMALLEST_SIDE), (61, 47))
"""Heights and widths of the pictures that an export is checked with."""


def to_onnx(painter: Painter) -> bytes:
    """A painter as an ONNX file that ONNX Runtime was seen to paint the same with, within `TOLERANCE`.

    Input ``content`` and output ``pastiche`` are (n, 3, h, w) RGB in [0, 1], of any n and any h and w from
    `SMALLEST_SIDE`. How the painter was made is among the file's metadata, under ``painter``.

    Raises:
        InputError: a package of the extra ``onnx`` isn't installed, or the painter keeps its contents' colours, which
            is no part of its network.
        ArithmeticError: ONNX Runtime paints something else.
    """
    if painter.recipe.colour != "style":
        raise InputError(
            f"the painter's recipe has colour {painter.recipe.colour}, which isn't a part of its network: export a "
            "painter of a recipe with colour style"
        )
    require_packages()
    import onnx

    program = torch.onnx.export(
        painter.network.cpu(),
        (torch.zeros(2, 3, 61, 47),),  # where two dimensions are equal or one is 1, they would be taken for fixed
        dynamo=True,
        dynamic_shapes={"x": {0: Dim("n"), 2: Dim("h", min=SMALLEST_SIDE), 3: Dim("w", min=SMALLEST_SIDE)}},
        input_names=["content"],
        output_names=["pastiche"],
        opset_version=OPSET,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, {MADE: json.dumps(painter.made)})
    data: bytes = model.SerializeToString()
    require_same(data, painter)
    return data


def require_packages() -> None:
    """Check that a painter can be exported.

    Raises:
        InputError: a package of the extra ``onnx`` isn't installed.
    """
    if not all(map(find_spec, ("onnx", "onnxruntime", "onnxscript"))):
        raise InputError("exporting needs ONNX and its runtime: pip install 'spnst[onnx]'")


def require_same(data: bytes, painter: Painter) -> None:
    """Check that ONNX Runtime paints with a file what PyTorch paints with a painter, within `TOLERANCE`.

    Raises:
        ArithmeticError: it doesn't.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for height, width in CHECKED:
        x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected = painter.network.cpu()(x)
        (found,) = session.run(None, {"content": x.numpy()})
        off = float((torch.from_numpy(found) - expected).abs().max())
        if not off <= TOLERANCE:  # nor if it is NaN
            raise ArithmeticError(f"ONNX Runtime paints {width}×{height} px with an error of {off:.2g}")
