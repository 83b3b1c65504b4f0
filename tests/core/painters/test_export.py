"""Export as ONNX: small files that paint pictures of any size as PyTorch does."""

import json

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.painters.export import require_same, to_onnx
from spnst_core.painters.network import NARROW, PainterNet
from spnst_core.painters.painter import ARCHITECTURE, Painter


def painter(recipe=None, seed=0):
    recipe = recipe or Recipe.load("structure")
    torch.manual_seed(seed)
    made = {"architecture": ARCHITECTURE, "width": NARROW, "size": 64, "recipe_name": recipe.name}
    network = PainterNet(NARROW).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))  # as after training: scales and offsets of their own
    return Painter(network, {**made, "recipe": recipe.to_yaml()})


@pytest.fixture(scope="module")
def exported():
    pytest.importorskip("onnxscript")
    return to_onnx(painter())


@pytest.mark.slow(19)
def test_an_export_paints_pictures_of_any_size_and_number_as_pytorch_does(exported):
    onnxruntime = pytest.importorskip("onnxruntime")
    found = painter()
    assert len(exported) < 2e6
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for shape in ((1, 3, 32, 32), (2, 3, 33, 70), (1, 3, 100, 64)):
        x = torch.rand(shape)
        [pastiche] = session.run(None, {"content": x.numpy()})
        assert (torch.from_numpy(pastiche) - found.network(x)).abs().max() <= 1e-4
    told = json.loads(session.get_modelmeta().custom_metadata_map["painter"])
    assert told == found.made


@pytest.mark.slow(19)
def test_an_export_that_paints_something_else_is_noticed(exported):
    with pytest.raises(ArithmeticError, match="ONNX Runtime paints 32×32 px with an error of"):
        require_same(exported, painter(seed=1))


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'spnst\[onnx\]'"):
        to_onnx(painter())


def test_colours_of_contents_are_no_part_of_the_network():
    with pytest.raises(InputError, match="has colour content, which isn't a part of its network"):
        to_onnx(painter(Recipe.load("structure").with_colour("content")))
