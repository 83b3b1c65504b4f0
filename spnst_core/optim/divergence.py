"""Divergence: losses that stop being finite, noticed a few steps later, and the last state to go back to."""

from __future__ import annotations

from collections import deque

from torch import Tensor

from spnst_core.compute.host_copy import HostCopy
from spnst_core.optim.optimize import Iterate
from spnst_core.optim.state import State
from spnst_core.recipes.recipe import Recipe

EVERY = 10
"""Steps between two looks. A copy of the losses is looked at one look later, so that the device never waits."""

SLOWER = 0.5
"""What the learning rates are multiplied by when an optimisation goes back; L-BFGS has none, and only goes back."""

SETBACKS = 3
"""How often an optimisation goes back before it fails."""


class Diverged(ArithmeticError):
    """The losses or the pictures hold values that aren't finite."""


class Guard:
    """Follows one attempt at an optimisation.

    Attributes:
        sound: where the optimisation can go on from when it diverges; None: from its beginning.
    """

    def __init__(self, sound: State | None) -> None:
        self.sound = sound
        self._taken = 0
        self._states = deque[State](maxlen=2)
        self._losses: HostCopy | None = None

    def follow(self, iterate: Iterate) -> None:
        """Note one step.

        Raises:
            Diverged: the losses weren't finite some steps ago.
        """
        self._taken += 1
        if self._taken % EVERY:
            return
        if self._losses is not None:
            _require_finite(self._losses.wait(), iterate.step)
            if len(self._states) > 1:
                self.sound = self._states[0]  # from whose pictures those of the losses were made
        self._losses = HostCopy(iterate.losses["total"])
        self._states.append(iterate.state)

    def finish(self, image: Tensor, steps: int) -> None:
        """Look at the finished pictures.

        Raises:
            Diverged: they hold values that aren't finite.
        """
        _require_finite(HostCopy(image.sum()).wait(), steps)


def slowed(recipe: Recipe) -> Recipe:
    """The recipe with lower learning rates, by `SLOWER`."""
    stages = tuple(stage.model_copy(update={"lr": stage.lr * SLOWER}) for stage in recipe.stages)
    return recipe.model_copy(update={"stages": stages})


def _require_finite(values: Tensor, step: int) -> None:
    if not bool(values.isfinite().all()):
        raise Diverged(
            f"by step {step} the losses or the picture held values that aren't finite: "
            "lower the recipe's learning rate or weights"
        )
