"""What a run that no command shows writes to Dagster's log: each batch, and how far it is from time to time."""

import logging

import dagster as dg
import torch

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_pipeline.defs.run_log import LogListener

RECIPE = Recipe(name="bold", size=64, stages=(Stage(steps=3),))


def iterate(step):
    losses = {term: torch.full((1,), 0.25) for term in ("content", "style", "edge", "depth", "tv", "total")}
    return Iterate(0, 1, step, 3, (0,), losses, torch.rand(1, 3, 8, 8))


def logged(seconds):
    """The lines of a run whose step paints three steps, reported at most every so many seconds."""
    lines = []

    @dg.logger
    def memory(_):
        class Kept(logging.Handler):
            def emit(self, record):
                lines.append(record.getMessage())

        kept = logging.Logger("kept")
        kept.addHandler(Kept())
        return kept

    @dg.op
    def paint():
        listener = LogListener(seconds)
        listener.batch(RECIPE, "cat", ["wave"])
        for step in (1, 2, 3):
            listener.step(iterate(step))

    @dg.job(logger_defs={"memory": memory})
    def job():
        paint()

    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance, run_config={"loggers": {"memory": {}}}).success
    return [line.split(" - paint - ")[-1] for line in lines if "bold" in line]


def test_a_batch_is_told_at_once_and_its_steps_from_time_to_time():
    assert logged(seconds=0) == [
        "bold · cat × wave",
        *(f"bold · cat × wave · stage 1/1, step {step}/3 · style 0.250  edge 0.250  depth 0.250" for step in (1, 2, 3)),
    ]
    assert logged(seconds=60) == ["bold · cat × wave"]
