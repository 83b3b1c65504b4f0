"""The optimiser: batches equal single cells, seeds repeat, losses fall, structure terms hold structure."""

import pytest
import torch

from spnst_core import Recipe
from spnst_core.optimize import optimize, soften
from spnst_core.recipes import Stage, Weights
from spnst_core.stylize import content_targets
from spnst_core.targets import StyleTargets


def short(name="structure", **changes):
    stages = (Stage(scale=0.5, steps=6, lr_end=0.2), Stage(scale=1.0, steps=6, lr_end=0.2))
    return Recipe.load(name).model_copy(update={"size": 64, "stages": stages, **changes})


def run(recipe, photograph, paintings, models):
    styles = [StyleTargets.compute(x, models, recipe.style_sizes) for x in paintings]
    return list(optimize(content_targets(photograph, recipe, models), styles, recipe, models))


@pytest.fixture(scope="module")
def photograph(photographs):
    return photographs["astronaut"]


@pytest.fixture(scope="module")
def two(paintings):
    return list(paintings.values())[:2]


@pytest.mark.parametrize("init", ["content", "recoloured", "noise"])
def test_a_batch_gives_what_each_cell_alone_gives(init, photograph, two, models):
    recipe = short(init=init)
    together = run(recipe, photograph, two, models)[-1].image
    alone = torch.cat([run(recipe, photograph, [painting], models)[-1].image for painting in two])
    assert (together - alone).abs().max() < 1e-4


def test_the_same_seed_gives_the_same_picture_and_another_does_not(photograph, two, models):
    first, again = (run(short(), photograph, two, models)[-1].image for _ in range(2))
    other = run(short(seed=1), photograph, two, models)[-1].image
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_iterates_count_steps_and_stages_and_stay_in_range(photograph, two, models):
    iterates = run(short(), photograph, two, models)
    assert [i.step for i in iterates] == list(range(1, 13))
    assert [i.stage for i in iterates] == [0] * 6 + [1] * 6
    assert {max(i.image.shape[2:]) for i in iterates[:6]} == {32}
    assert {max(i.image.shape[2:]) for i in iterates[6:]} == {64}
    for iterate in iterates:
        assert iterate.image.min() >= 0
        assert iterate.image.max() <= 1


def test_total_is_the_weighted_sum_of_the_terms(photograph, two, models):
    recipe = short()
    for iterate in run(recipe, photograph, two, models):
        expected = sum(value * iterate.losses[term] for term, value in recipe.weights.model_dump().items())
        torch.testing.assert_close(iterate.losses["total"], expected)


def test_style_comes_nearer_with_every_cell(photograph, two, models):
    iterates = run(short(), photograph, two, models)
    assert (iterates[5].losses["style"] < iterates[0].losses["style"]).all()
    assert (iterates[-1].losses["style"] < iterates[0].losses["style"] / 2).all()


def test_structure_terms_hold_edges_and_depth(photograph, two, models):
    """Both runs are judged by the first recipe's terms at the last step."""
    judged = short(weights=Weights(edge=1e-12, depth=1e-12, tv=0.05))
    held = short(weights=Weights(edge=0.5, depth=0.5, tv=0.05))
    free, kept = (run(recipe, photograph, two, models)[-1].losses for recipe in (judged, held))
    assert (kept["edge"] < 0.85 * free["edge"]).all()
    assert (kept["depth"] < free["depth"]).all()


def test_terms_without_weight_cost_nothing_and_read_zero(photograph, two, models):
    last = run(short("gatys"), photograph, two, models)[-1].losses
    assert (last["edge"] == 0).all()
    assert (last["depth"] == 0).all()


def test_raw_form_runs_from_noise(photograph, two, models):
    weights = Weights(content=1, style=10, edge=10, depth=1, tv=1)
    iterates = run(short(form="raw", init="noise", weights=weights), photograph, two, models)
    assert (iterates[-1].losses["total"] < iterates[0].losses["total"]).all()


def test_a_second_stage_of_the_same_size_goes_on_where_the_first_stopped(photograph, two, models):
    """Adam's state and the image carry over: two stages of three steps are one stage of six."""
    weights = Weights(tv=0.05)
    split = short(weights=weights, stages=(Stage(steps=3), Stage(steps=3)))
    whole = short(weights=weights, stages=(Stage(steps=6),))
    assert torch.equal(run(split, photograph, two, models)[-1].image, run(whole, photograph, two, models)[-1].image)


def test_softening_removes_a_weave_and_keeps_flat_areas():
    weave = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(8, 8)[None, None]
    torch.testing.assert_close(soften(weave)[..., 1:-1, 1:-1], torch.zeros(1, 1, 14, 14))
    torch.testing.assert_close(soften(torch.full((1, 3, 5, 7), 0.4)), torch.full((1, 3, 5, 7), 0.4))


def test_smooth_gradients_leave_less_of_a_weave(photograph, two, models):
    def weave(recipe):
        x = run(recipe, photograph, two, models)[-1].image
        return (x - soften(x)).diff(dim=2).diff(dim=3).square().mean()

    assert weave(short("gatys")) < weave(short("gatys", smooth_gradients=False))
