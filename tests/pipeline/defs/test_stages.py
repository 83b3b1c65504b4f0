"""What a batch takes, by stage: as the steps of a recipe tell it, by a clock that the test sets."""

import pytest
import torch

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.defs import stages
from spnst_pipeline.defs.stages import timed_stages
from spnst_pipeline.progress import Listener, Spent

RECIPE = Recipe.load("gatys")
CPU = torch.device("cpu")


class Kept(Listener):
    def __init__(self):
        self.told = []

    def spent(self, recipe, spent):
        self.told.append((recipe.name, spent))


def step(stage):
    return Iterate(stage, 2, 1, 4, (0,), {}, torch.rand(1, 3, 8, 8))


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [100.0]
    monkeypatch.setattr(stages.time, "monotonic_ns", lambda: int(now[0] * 1e9))
    return now


def test_the_time_of_a_step_belongs_to_its_stage_also_where_a_cell_went_back(clock):
    kept = Kept()
    with timed_stages(kept, RECIPE, CPU) as follow:
        for stage, now in ((0, 102.0), (0, 103.0), (1, 107.0), (0, 108.0), (1, 110.0)):
            clock[0] = now
            follow(step(stage))
    assert kept.told == [("gatys", Spent({0: 4.0, 1: 6.0}, memory=None))]


def test_what_a_batch_took_until_it_failed_is_told(clock):
    kept = Kept()

    def paint():
        with timed_stages(kept, RECIPE, CPU) as follow:
            clock[0] = 101.0
            follow(step(0))
            raise ValueError("not finite")

    with pytest.raises(ValueError, match="not finite"):
        paint()
    assert kept.told == [("gatys", Spent({0: 1.0}))]
