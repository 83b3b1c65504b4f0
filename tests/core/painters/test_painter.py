"""Painters' files, and what is painted with them."""

import pytest
import torch
from safetensors.torch import save

from spnst_core import InputError, Recipe
from spnst_core.painters.network import PainterNet
from spnst_core.painters.painter import Painter, style_digest
from spnst_core.painters.training import Plan, Training


@pytest.fixture(scope="module")
def painter(sample_contents, sample_styles, models):
    contents, style = list(sample_contents.values()), sample_styles["nocturne"]
    recipe = Recipe.load("structure").model_copy(update={"jitter": False, "edge_on": "analytic"})
    training = Training(style, contents[:2], contents[2:3], recipe, models, Plan(64, steps=1))
    training.step()
    training.validate()
    return Painter.trained(training, style_digest(style), {"spnst": "0"})


def test_a_file_gives_the_same_painter_again(painter, sample_contents):
    again = Painter.from_bytes(painter.to_bytes({"fingerprint": "f"}), "painter.safetensors")
    assert again.made == painter.made
    assert torch.equal(again.paint(sample_contents["coffee"]), painter.paint(sample_contents["coffee"]))
    assert painter.to_bytes() == again.to_bytes()


def test_a_painter_tells_how_it_was_made(painter, sample_styles):
    made = painter.made
    assert (made["recipe_name"], made["size"], made["steps"], made["contents"], made["held_out"]) == (
        "structure",
        64,
        1,
        2,
        1,
    )
    assert made["style"] == style_digest(sample_styles["nocturne"]) != style_digest(sample_styles["woodblock"])
    assert made["losses"].keys() >= {"content", "style", "edge", "depth", "total"}
    assert painter.recipe.weights == Recipe.load("structure").weights
    assert painter.weights < 0.5e6


def test_a_pastiche_has_the_painters_size_or_the_one_asked_for(painter):
    content = torch.rand(1, 3, 90, 120)
    assert painter.paint(content).shape == (1, 3, 48, 64)
    assert painter.paint(content, 101).shape == (1, 3, 76, 101)


def test_a_picture_too_small_for_the_network_is_refused(painter):
    with pytest.raises(InputError, match="64×16 px, and a painter needs at least 32 px"):
        painter.paint(torch.rand(1, 3, 30, 120))


def test_a_painter_of_a_recipe_that_keeps_the_contents_colours_keeps_them(painter):
    coloured = Painter(
        painter.network, {**painter.made, "recipe": Recipe.load("structure").with_colour("content").to_yaml()}
    )
    grey = torch.rand(1, 1, 64, 64).expand(1, 3, 64, 64)
    chroma = [(x.amax(1) - x.amin(1)).mean() for x in (painter.paint(grey), coloured.paint(grey))]
    assert chroma[1] < 0.02 < chroma[0]


@pytest.mark.parametrize("data", [b"", b"not a painter", save({"x": torch.zeros(1)})], ids=["empty", "text", "other"])
def test_a_file_that_is_no_painter_is_refused(data):
    with pytest.raises(InputError, match="cat.safetensors isn't a painter, or is damaged"):
        Painter.from_bytes(data, "cat.safetensors")


def test_a_cut_file_is_refused(painter):
    with pytest.raises(InputError, match="isn't a painter, or is damaged"):
        Painter.from_bytes(painter.to_bytes()[:-1000], "p")


def test_a_painter_of_a_network_from_the_future_is_refused(painter):
    other = Painter(painter.network, {**painter.made, "architecture": "cheng2030"})
    with pytest.raises(InputError, match='network "cheng2030" of width 16, which this version doesn\'t have'):
        Painter.from_bytes(other.to_bytes(), "p")


def test_weights_that_arent_finite_are_refused(painter):
    network = PainterNet(16)
    network.load_state_dict(painter.network.state_dict())
    network.last.bias.data[0] = float("nan")
    with pytest.raises(InputError, match="weights that aren't finite"):
        Painter.from_bytes(Painter(network, painter.made).to_bytes(), "p")
