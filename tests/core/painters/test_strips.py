"""Painting in strips, held against the network as a whole."""

import pytest
import torch
from torch import nn

from spnst_core import Recipe
from spnst_core.painters import painter as painter_module
from spnst_core.painters import strips
from spnst_core.painters.network import FULL, NARROW, PainterNet
from spnst_core.painters.painter import Painter
from spnst_core.painters.strips import Rows, painted_in_strips, through


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = PainterNet(NARROW).eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, nn.InstanceNorm2d):  # a trained network's scales and offsets are no ones and zeros
            layer.weight.normal_(1, 0.3)
            layer.bias.normal_(0, 0.3)
    return network


@pytest.fixture
def few_rows(monkeypatch):
    """Strips of 32 rows, so that small pictures have several."""
    monkeypatch.setattr(strips, "PIXELS", 1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 70), (97, 45), (131, 32), (64, 90)])
def test_strips_give_what_the_whole_gives(network, few_rows, height, width):
    x = torch.rand(1, 3, height, width)
    assert (painted_in_strips(network, x) - network(x)).abs().max() < 1e-5


def test_rows_beside_a_seam_are_no_worse_than_others(network, few_rows):
    x = torch.rand(1, 3, 160, 64)
    off = (painted_in_strips(network, x) - network(x)).abs().amax((0, 1, 3))
    seams = [k for k in range(160) if k % 32 in (0, 31)]
    others = [k for k in range(160) if k not in seams]
    assert off[seams].max() < 2 * off[others].max() + 1e-7


@pytest.mark.heavy
def test_the_papers_network_is_painted_in_strips_too(few_rows):
    torch.manual_seed(0)
    network, x = PainterNet(FULL).eval(), torch.rand(1, 3, 70, 50)
    with torch.no_grad():
        assert (painted_in_strips(network, x) - network(x)).abs().max() < 1e-5


def test_light_at_the_far_end_reaches_the_first_rows(network, few_rows):
    """Instance normalisation looks at all of a picture, which tiles that are painted one by one can't."""
    x = torch.rand(1, 3, 96, 40)
    lit = x.clone()
    lit[:, :, 80:] = 1
    dark, light = (painted_in_strips(network, each)[:, :, :8] for each in (x, lit))
    assert (dark - light).abs().mean() > 1e-3


def test_a_painter_paints_large_pictures_in_strips(network, monkeypatch):
    made = {"recipe": Recipe.load("structure").to_yaml(), "recipe_name": "structure", "size": 64}
    painter, content = Painter(network, made), torch.rand(1, 3, 48, 64)
    whole = painter.paint(content)
    painted = []
    monkeypatch.setattr(painter_module, "WHOLE", 48 * 64 - 1)
    monkeypatch.setattr(
        painter_module, "painted_in_strips", lambda *given: painted.append(given) or painted_in_strips(*given)
    )
    assert (painter.paint(content) - whole).abs().max() < 1e-5
    assert len(painted) == 1


def test_a_layer_of_another_network_is_refused():
    with pytest.raises(TypeError, match="a painter's network has no Tanh"):
        through(nn.Tanh(), Rows.of(torch.rand(1, 3, 32, 32)))
