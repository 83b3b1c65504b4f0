"""Training: losses fall, interruptions leave no trace, divergence is caught, and budgets and bad input are told."""

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.optim.divergence import SETBACKS, Diverged
from spnst_core.painters import training
from spnst_core.painters.network import PainterNet
from spnst_core.painters.training import Plan, Training, trained_recipe
from spnst_core.recipes.recipe import Stage, Weights

QUICK = Recipe(
    name="quick", jitter=False, edge_on="analytic", weights=Weights(edge=1, content=0.3), stages=(Stage(steps=1),)
)
"""Its objective takes milliseconds."""


@pytest.fixture
def begin(sample_contents, sample_styles, models):
    """Begins a small training; arguments are those of its plan."""
    *contents, held_out = sample_contents.values()

    def begin(recipe=QUICK, warm=None, **plan):
        plan = Plan(**{"size": 64, "steps": 8, "validate_every": 4, **plan})
        style = sample_styles["nocturne"]
        return Training(style, contents, [held_out], recipe, models, plan, warm)

    return begin


def finished(trained):
    while not trained.is_finished:
        trained.step()
    return trained


def weights(trained):
    return torch.cat([weight.detach().flatten() for weight in trained.network.parameters()])


@pytest.mark.heavy
def test_a_training_lowers_the_loss_on_contents_that_it_never_saw(begin):
    trained = begin(steps=25, lr=4e-3)
    before, _ = trained.validate()
    after, [pastiche] = finished(trained).validate()
    assert after.losses["total"] < 0.85 * before.losses["total"]
    assert trained.steps == after.step == 25
    assert pastiche.shape == trained.held_out[0].shape
    assert [record.side for record in trained.curve] == [32, 64]  # losses of small views, then of large ones


@pytest.mark.heavy
def test_a_built_in_recipe_with_all_its_terms_can_be_trained(begin):
    trained = begin(Recipe.load("structure"), steps=2)
    assert set(trained.step()) == {"total"}
    assert trained.step().keys() == {"content", "style", "edge", "depth", "tv", "total"}


@pytest.mark.heavy
def test_an_interrupted_training_goes_on_bit_for_bit(begin):
    whole, first, second = begin(), begin(), begin()
    for _ in range(5):
        first.step()
    first.validate()
    second.restore(first.state())
    assert second.steps == 5
    assert len(second.validations) == 1
    assert torch.equal(weights(finished(second)), weights(finished(whole)))


def test_a_seed_repeats_a_training_and_another_seed_gives_another(begin):
    same, again, other = (weights(finished(begin(steps=2, seed=seed))) for seed in (3, 3, 4))
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_a_warm_start_begins_with_the_other_painters_weights_and_doesnt_recolour(begin):
    other = PainterNet(16).state_dict()
    trained = begin(warm=other, steps=100)
    assert torch.equal(trained.network.state_dict()["last.weight"], other["last.weight"])
    assert set(trained.step()) > {"style", "edge", "total"}


def test_a_training_from_nothing_first_learns_to_recolour(begin):
    trained = begin(steps=100)
    assert set(trained.step()) == {"total"}


def test_the_objective_begins_with_small_steps_and_without_memory_of_recolouring(begin):
    trained = begin(steps=20)
    for _ in range(2):
        trained.step()
    before = weights(trained)
    trained.step()
    assert 0 < (weights(trained) - before).abs().max() <= 1.01 * trained.plan.lr / training.WARMING
    assert trained.state()["steps.last.weight"] == 1


def test_weights_of_a_network_of_another_width_are_refused(begin):
    with pytest.raises(InputError, match="don't fit a network of width 16"):
        begin(warm=PainterNet(32).state_dict())


def test_a_training_that_diverges_goes_back_and_at_last_fails_with_sound_weights(begin):
    trained = begin(steps=1000, lr=1e30)
    with pytest.raises(Diverged, match=r"diverged after step 0, even with its learning rate at 0\.125 of what it was"):
        finished(trained)
    assert trained.setbacks == SETBACKS + 1
    assert torch.equal(weights(trained), weights(begin(steps=1000)))


@pytest.mark.heavy
def test_a_loss_that_explodes_counts_as_diverged_even_if_it_is_finite(begin, monkeypatch):
    trained = begin(steps=100)
    losses = iter([1.0] * 10 + [5.0] * 10)
    monkeypatch.setattr(
        trained,
        "_recolouring",
        lambda: (trained.network(torch.rand(1, 3, 32, 32)).sum().backward(), {"total": next(losses)})[1],
    )
    monkeypatch.setattr(training, "RECOLOURED", 1.0)
    for _ in range(19):
        trained.step()
    assert (trained.steps, trained.setbacks) == (19, 0)
    trained.step()
    assert (trained.steps, trained.setbacks) == (10, 1)


def test_a_budget_in_minutes_ends_with_the_time(begin):
    trained = begin(steps=None, minutes=0.001)
    assert 1 <= finished(trained).steps < 20
    assert trained.seconds >= 0.06


def test_a_training_ends_early_once_validation_flattens(begin):
    trained = begin(steps=1000)
    for total in (3.0, 2.0, 1.999, 2.0, 2.1):
        trained.validations.append(training.Record(0, 0.0, 64, {"total": total}))
    assert trained.is_finished
    trained.validations.append(training.Record(0, 0.0, 64, {"total": 1.5}))
    assert not trained.is_finished


def test_strokes_stay_as_large_in_the_small_views_as_in_the_large_ones():
    recipe = trained_recipe(Recipe.load("structure"), "vgg16", 256)
    assert [str(size) for size in recipe.with_size(128).style_sizes] == ["256-long"]
    assert recipe.stages == Recipe.load("structure").suited_to("vgg16").stages[-1:]


def test_what_identifies_a_training_changes_with_its_plan_and_recipe(begin):
    assert begin().identity() == begin().identity()
    assert len({begin().identity(), begin(seed=1).identity(), begin(Recipe.load("gatys")).identity()}) == 3


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"steps": None}, "give steps or minutes"),
        ({"size": 60}, "from 64 that 8 divides, not 60"),
        ({"size": 32}, "from 64 that 8 divides, not 32"),
        ({"view": 100}, "from 64 that 8 divides, not 100"),
        ({"minutes": float("nan")}, "minutes of a training must be above 0, not nan"),
        ({"steps": 0}, "steps of a training must be above 0, not 0"),
        ({"seed": -1}, "a seed is at least 0, not -1"),
    ],
)
def test_a_plan_that_cant_be_carried_out_is_refused(plan, message):
    with pytest.raises(InputError, match=message):
        Plan(**{"steps": 1, **plan})


def test_a_training_without_contents_or_with_colours_of_each_content_is_refused(sample_styles, models):
    style, recipe = sample_styles["nocturne"], Recipe.load("structure")
    with pytest.raises(InputError, match="at least one content"):
        Training(style, [], [], recipe, models, Plan(steps=1))
    with pytest.raises(InputError, match="a painter has one palette"):
        Training(style, [style], [], recipe.with_colour("match"), models, Plan(steps=1))


def test_a_state_of_another_training_is_refused(begin):
    with pytest.raises(InputError, match="not the state of this training"):
        begin().restore(begin(width=32).state())
