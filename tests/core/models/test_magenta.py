"""Magenta's network: it computes what the published files compute, apart from their rounding, and at any size."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from standin import picture

from spnst_core.models.magenta import STYLE_SIDE, VECTOR
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build

SIDE = 384
"""Side in pixels of the squares that the published file paints."""


@pytest.fixture(scope="module")
def network(magenta_weights):
    return build("magenta", [magenta_weights / entry(name).file for name in ("magenta", "magenta_style")])


def unrounded(file):
    """The published graph without the rounding of activations to 8 bits."""
    model = onnx.load(file)
    constants = {each.name for each in model.graph.initializer}
    for node in model.graph.node:
        rounds = node.op_type == "QuantizeLinear"
        if rounds or (node.op_type == "DequantizeLinear" and node.input[0] not in constants):
            node.op_type = "Identity"
            del node.input[1:], node.attribute[:]
    del model.graph.value_info[:]
    return model.SerializeToString()


def run(model, *inputs):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    (found,) = session.run(None, {name: np.asarray(x, np.float32) for name, x in zip(names, inputs, strict=True)})
    return found


def channels_last(x):
    return x.permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def test_a_styles_vector_is_that_of_the_published_graph(network, magenta_files):
    style = picture(STYLE_SIDE, STYLE_SIDE)
    expected = run(unrounded(magenta_files["magenta_style"]), channels_last(style)).reshape(1, VECTOR)
    np.testing.assert_allclose(network.style_vector(style), expected, atol=1e-4)
    rounded = run(magenta_files["magenta_style"].read_bytes(), channels_last(style)).reshape(VECTOR)
    assert np.corrcoef(rounded, expected[0])[0, 1] > 0.95


@torch.no_grad()
@pytest.mark.heavy
def test_a_pastiche_is_that_of_the_published_graph(network, magenta_files):
    content, vector = picture(SIDE, SIDE), network.style_vector(picture(90, 70, seed=2))
    inputs = channels_last(content), vector[:, None, None].numpy()
    found = channels_last(network(content, vector))
    np.testing.assert_allclose(found, run(unrounded(magenta_files["magenta"]), *inputs), atol=1e-4)
    assert np.abs(found - run(magenta_files["magenta"].read_bytes(), *inputs)).mean() < 0.05


@torch.no_grad()
@pytest.mark.parametrize("size", [(16, 16), (37, 90), (64, 21)])
def test_contents_of_any_size_are_painted(network, size):
    content, vectors = torch.cat([picture(*size), picture(*size, seed=2)]), torch.randn(2, VECTOR)
    found = network(content, vectors)
    assert found.shape == content.shape
    assert 0 <= found.min() < found.max() <= 1
    torch.testing.assert_close(found[1:], network(content[1:], vectors[1:]), rtol=0, atol=1e-4)


@torch.no_grad()
def test_the_square_in_the_middle_of_a_style_is_looked_at(network):
    style = picture(64, 100)
    torch.testing.assert_close(network.style_vector(style), network.style_vector(style[..., 18:82]), rtol=0, atol=1e-5)
