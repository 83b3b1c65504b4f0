"""Stages: what each stage of a batch takes, as the optimiser's steps tell it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from spnst_core.compute.memory import peak_memory
from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.defs.tracing import past_span
from spnst_pipeline.progress import Listener, Spent


@dataclass
class _Lap:
    """Steps of one stage in a row; times are of the monotonic clock, in nanoseconds."""

    stage: int
    began: int
    ended: int = 0
    steps: int = 0


@contextmanager
def timed_stages(listener: Listener, recipe: Recipe, device: torch.device) -> Iterator[Callable[[Iterate], None]]:
    """A callback for the optimiser's steps on a batch. At the end the listener is told their time, also if it fails."""
    laps, since = list[_Lap](), time.monotonic_ns()
    zero = time.time_ns() - since  # when the monotonic clock was at 0

    def follow(iterate: Iterate) -> None:
        if not laps or laps[-1].stage != iterate.stage:
            laps.append(_Lap(iterate.stage, laps[-1].ended if laps else since))
        laps[-1].ended = time.monotonic_ns()
        laps[-1].steps += 1

    try:
        yield follow
    finally:
        seconds = defaultdict[int, float](float)
        for lap in laps:  # a cell that goes back makes a second one of a stage
            seconds[lap.stage] += (lap.ended - lap.began) / 1e9
            past_span("stage", zero + lap.began, zero + lap.ended, stage=lap.stage + 1, steps=lap.steps)
        listener.spent(recipe, Spent(dict(seconds), peak_memory(device)))
