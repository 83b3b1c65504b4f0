"""The state of an optimisation: one that was written and read goes on bit for bit, whatever the optimiser."""

import json
from itertools import pairwise

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.objective.targets import read_metadata
from spnst_core.optim.optimize import optimize
from spnst_core.optim.state import State
from spnst_core.painting import content_targets, style_targets
from spnst_core.recipes.recipe import Stage

HALF, FULL = Stage(scale=0.5, steps=2), Stage(steps=3)

RECIPES = {
    "Adam, jittered": {"name": "structure", "stages": (HALF, FULL)},
    "two stages of one size": {"name": "structure", "stages": (FULL, FULL)},
    "L-BFGS": {"name": "gatys", "jitter": False, "smooth_gradients": False, "optimizer": "lbfgs"},
    "Adam, then L-BFGS": {
        "name": "gatys",
        "jitter": False,
        "smooth_gradients": False,
        "optimizer": "lbfgs",
        "stages": (Stage(scale=0.5, steps=2, optimizer="adam"), Stage(scale=0.5, steps=2), FULL),
    },
    "noise": {"name": "gatys", "init": "noise"},
}


def recipe(name, **changes):
    return Recipe.load(name).model_copy(update={"size": 32, "stages": (HALF, FULL), **changes})


@pytest.fixture(scope="module")
def pictures(sample_contents, sample_styles):
    return sample_contents["astronaut"], list(sample_styles.values())[:2]


def begin(recipe, pictures, models, resume=None, styles=slice(None)):
    content, all_styles = pictures
    targets = [style_targets(style, recipe, models) for style in all_styles[styles]]
    return optimize(content_targets(content, recipe, models), targets, recipe, models, resume=resume)


def stored(state):
    """The state after it was written and read."""
    data = state.to_bytes({"fingerprint": "f"})
    return State.from_bytes(data, read_metadata(data))


@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.heavy
def test_from_any_step_the_same_pictures_and_losses_follow(changes, pictures, models):
    made = recipe(**changes)
    states, steps = [], []
    for iterate in begin(made, pictures, models):
        states.append(stored(iterate.state))
        steps.append(iterate)
    for k in (0, 1, len(steps) - 2):  # within a stage, at its end, and before the last step
        again = list(begin(made, pictures, models, states[k]))
        assert [step.step for step in again] == [step.step for step in steps[k + 1 :]]
        assert torch.equal(again[-1].image, steps[-1].image)
        for first, second in zip(again, steps[k + 1 :], strict=True):
            assert all(torch.equal(first.losses[term], second.losses[term]) for term in second.losses)


def test_after_the_last_step_nothing_is_left_to_do(pictures, models):
    made = recipe("gatys", stages=(Stage(steps=2),))
    *_, last = begin(made, pictures, models)
    assert list(begin(made, pictures, models, last.state)) == []
    assert last.state.tensors["x"].shape[0] == 2


@pytest.mark.heavy
def test_a_state_stays_as_it_was_while_the_optimiser_goes_on(pictures, models):
    for changes in ({"name": "structure"}, RECIPES["L-BFGS"]):
        states = [(iterate.state, iterate.state.to_bytes()) for iterate in begin(recipe(**changes), pictures, models)]
        assert all(state.to_bytes() == data for state, data in states)
        assert all(first[1] != second[1] for first, second in pairwise(states))


def test_one_cell_of_a_batch_goes_on_alone_and_cells_can_be_joined(pictures, models):
    made = recipe(**RECIPES["L-BFGS"])
    halfway = next(iterate for iterate in begin(made, pictures, models) if iterate.step == 3)
    first, second = map(stored, halfway.state.cells())
    *_, both = begin(made, pictures, models, State.joined([first, second]))
    *_, alone = begin(made, pictures, models, second, styles=slice(1, 2))
    assert torch.equal(alone.image, both.image[1:])


def test_cells_at_different_steps_are_not_joined(pictures, models):
    one, two = (iterate.state for iterate, _ in zip(begin(recipe("gatys"), pictures, models), range(2), strict=False))
    assert one.position != two.position
    with pytest.raises(ValueError, match="at one position"):
        State.joined([one, two])
    with pytest.raises(ValueError, match="at least one"):
        State.joined([])


def test_an_iterate_made_by_hand_has_no_state():
    from spnst_core.optim.optimize import Iterate

    with pytest.raises(ValueError, match="that optimize yielded"):
        _ = Iterate(0, 1, 1, 1, (0,), {}, torch.zeros(1, 3, 8, 8)).state


@pytest.mark.parametrize("spoil", ["cut", "no position", "no picture", "text"])
def test_a_damaged_file_is_refused(spoil, pictures, models):
    state = next(iter(begin(recipe("gatys"), pictures, models))).state
    data, carried = state.to_bytes(), {"position": json.dumps([0, 1, None])}
    if spoil == "cut":
        data = data[: len(data) // 2]
    elif spoil == "no position":
        carried = {}
    elif spoil == "no picture":
        data = State(0, 1, None, {"y": torch.zeros(1)}).to_bytes()
    else:
        data = b"<html>"
    with pytest.raises(InputError, match="not the state of an optimisation"):
        State.from_bytes(data, carried)
