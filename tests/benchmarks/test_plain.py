"""The plain loop minimises the very function that the library does, and gets somewhere."""

from dataclasses import replace

import pytest
import torch

from benchmarks import plain
from benchmarks.networks import networks
from spnst_core import Recipe, load_models, samples
from spnst_core.imaging import io as image_io
from spnst_core.objective.canvas import at_size, canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import StyleTargets
from spnst_core.objective.view import View
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage

pytestmark = pytest.mark.benchmark

SIZE = 64


@pytest.fixture(scope="module")
def pictures():
    content, style = samples.contents()["astronaut"], samples.styles(96)["woodblock"]
    return image_io.to_tensor(content), image_io.to_tensor(style)


def recipe_of(name, **stage):
    recipe = Recipe.load(name).with_size(SIZE)
    if name != "structure":  # the seed looks at a style of 512 px
        recipe = recipe.model_copy(update={"style_size": None})
    return recipe.model_copy(update={"stages": (Stage(**stage),), "jitter": False})


def library(content, style, recipe, models):
    row = content_targets(content, recipe, models)
    style = StyleTargets.compute(style, models, recipe.style_sizes, recipe.style_layers(models.encoder))
    return Objective(canvas(content, recipe, recipe.stages[-1]), row, [style], recipe, recipe.stages[-1], models)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("embedded", "structure"),
        pytest.param("published", "smallstroke_preserve", marks=pytest.mark.slow(8)),
    ],
)
def test_its_losses_and_gradient_are_those_of_the_library(kind, name, pictures):
    """In float64: in float32 the gradient of the depth network's stand-in is off by hundredths."""
    content, style = (picture.double() for picture in pictures)
    recipe = recipe_of(name, steps=1)
    with networks(kind) as load:
        models = load()
    exact = {role: getattr(models, role).double() for role in ("encoder", "edges", "depth")}
    if kind == "published":  # its depth network sees every picture at 256 px, which takes long in float64
        exact["depth"] = load_models("embedded", "cpu").depth.double()
    models = replace(models, precision=torch.float32, **exact)
    _, style = plain.fitted(content, style, recipe, models.device)
    goal = at_size(content, SIZE)
    x = goal.flip(3).requires_grad_(True)  # far from the goal, so that every term pulls
    theirs = library(content, style, recipe, models)(x, View())
    ours = plain.losses_of(goal, style, recipe, models)(x)
    for term, value in ours.items():
        assert value.item() == pytest.approx(theirs[term].item(), rel=1e-4) and value.item() > 0, term
    weighted = sum(getattr(recipe.weights, term) * value for term, value in ours.items())
    assert weighted.item() == pytest.approx(theirs["total"].item(), rel=1e-4)
    (own,), (other,) = (torch.autograd.grad(total, x) for total in (weighted, theirs["total"]))
    assert (own - other).norm() < 1e-3 * other.norm()


def test_every_cell_is_painted_from_nothing_but_its_pictures(pictures):
    recipe, loaded = recipe_of("structure", steps=6, lr=0.03), []

    def load():
        loaded.append(load_models("embedded", "cpu"))
        return loaded[-1]

    pastiches = [plain.stylize(*pictures, recipe, load) for _ in range(2)]
    assert len(loaded) == 2 and torch.equal(*pastiches)
    assert pastiches[0].min() >= 0 and pastiches[0].max() <= 1 and max(pastiches[0].shape) == SIZE


def test_its_loss_falls_and_starts_at_the_content(pictures):
    recipe = recipe_of("structure", steps=30, lr=0.03)
    models = load_models("embedded", "cpu")
    content, style = plain.fitted(*pictures, recipe, models.device)
    steps = [losses for _, losses in plain.paint(content, style, recipe, models)]
    assert steps[0]["content"] == steps[0]["edge"] == 0 and steps[0]["tv"] == pytest.approx(1)
    assert steps[-1]["total"] < 0.6 * steps[0]["total"]
