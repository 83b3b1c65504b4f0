"""Stopping early: a cell whose loss no longer falls leaves its stage, whatever the others do."""

import pytest
import torch

from spnst_core import Recipe
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.early_stopping import WINDOW, Plateau
from spnst_core.optim.optimize import optimize
from spnst_core.painting import Trace, content_targets
from spnst_core.recipes.recipe import Stage


def followed(curves, share, steps):
    """Cells that are still falling before each step, for losses (cells, steps)."""
    plateau, falling = Plateau(len(curves), share), []
    for step in range(steps):
        falling.append(plateau.falling)
        plateau.add(torch.tensor([curve[step] for curve in curves]))
    return falling


def test_a_flat_loss_ends_its_stage_a_window_after_it_is_seen():
    steps = 5 * WINDOW
    falling = [0.99**k for k in range(steps)]
    flat = [1.0] * steps
    seen = followed([falling, flat], 0.005, steps)
    assert seen[3 * WINDOW - 1] == (0, 1)
    assert seen[3 * WINDOW] == seen[-1] == (0,)


def test_noise_larger_than_the_fall_does_not_end_it():
    """Half a percent a step, under steps that go up and down by five percent."""
    steps = 10 * WINDOW
    noise = torch.rand(steps, generator=torch.Generator().manual_seed(0)) - 0.5
    seen = followed([[0.995**k * (1 + 0.1 * float(noise[k])) for k in range(steps)]], 0.005, steps)
    assert seen[-1] == (0,)


def test_a_rising_loss_is_flat_and_a_share_of_zero_never_ends():
    steps = 4 * WINDOW
    rising = [[1.0 + 0.01 * k for k in range(steps)]]
    assert followed(rising, 0.005, steps)[-1] == ()
    assert followed(rising, 0.0, steps)[-1] == (0,)


def test_a_restored_plateau_gives_the_verdicts_that_would_have_followed():
    steps = 5 * WINDOW
    curves = [[0.99**k for k in range(steps)], [1.0] * steps]
    whole = followed(curves, 0.005, steps)
    for stop in (1, WINDOW, 2 * WINDOW + 3, 3 * WINDOW - 1, 4 * WINDOW):
        plateau = Plateau(2, 0.005)
        for step in range(steps):
            assert plateau.falling == whole[step], (stop, step)
            if step == stop:
                plateau = Plateau.restored(plateau.state(), 0.005)
            plateau.add(torch.tensor([curve[step] for curve in curves]))


def painted(styles, content, models):
    """A recipe that soon changes nothing: the learning rate is next to none, and no view differs from the next."""
    stages = (Stage(scale=0.5, steps=5 * WINDOW, lr=1e-7), Stage(steps=3, lr=0.02))
    changes = {"size": 48, "stages": stages, "jitter": False, "flat": 0.005}
    recipe = Recipe.load("gatys").model_copy(update=changes)
    targets = [StyleTargets.compute(style, models, recipe.style_sizes) for style in styles]
    trace = Trace()
    for iterate in optimize(content_targets(content, recipe, models), targets, recipe, models):
        trace.add(iterate)
    return iterate, trace


@pytest.mark.heavy
def test_a_stage_that_all_cells_have_left_is_over_and_steps_keep_their_numbers(models, sample_contents, sample_styles):
    iterate, trace = painted(list(sample_styles.values())[:1], sample_contents["astronaut"], models)
    history = trace.history(0)
    assert (history.stage == 0).sum() == 3 * WINDOW
    assert list(history.step[history.stage == 1]) == [5 * WINDOW + 1, 5 * WINDOW + 2, 5 * WINDOW + 3]
    assert iterate.step == iterate.steps


@pytest.mark.heavy
@pytest.mark.slow(7)
def test_cells_that_stop_early_do_not_touch_the_others(models, sample_contents, sample_styles):
    """Each cell of a batch ends up as it would alone, though one of them leaves the first stage before the other."""
    styles = list(sample_styles.values())[:2]
    stages = (Stage(scale=0.5, steps=4 * WINDOW, lr=0.02), Stage(steps=2, lr=0.02))
    never = Recipe.load("gatys").model_copy(update={"size": 32, "stages": stages, "flat": 0.0})
    content = content_targets(sample_contents["astronaut"], never, models)
    targets = [StyleTargets.compute(style, models, never.style_sizes) for style in styles]

    def ended(chosen, recipe):
        trace = Trace()
        for iterate in optimize(content, chosen, recipe, models):
            trace.add(iterate)
        return iterate.image, [trace.history(cell) for cell in range(len(chosen))]

    beginning = never.model_copy(update={"stages": (Stage(scale=0.5, steps=2 * WINDOW, lr=0.02), Stage(steps=1))})
    windows = [
        history.total.to_numpy()[: 2 * WINDOW].reshape(2, WINDOW).mean(1) for history in ended(targets, beginning)[1]
    ]
    between = float(sum(1 - later / earlier for earlier, later in windows) / 2)
    recipe = never.model_copy(update={"flat": between})
    together, histories = ended(targets, recipe)
    assert sorted(len(history) for history in histories) == [3 * WINDOW + 2, 4 * WINDOW + 2]
    for cell, target in enumerate(targets):
        alone, [history] = ended([target], recipe)
        torch.testing.assert_close(together[cell : cell + 1], alone, rtol=0, atol=1e-5)
        assert list(history.step) == list(histories[cell].step)
