"""Early stopping: which cells of a batch no longer improve."""

from collections.abc import Mapping

import torch
from torch import Tensor

from spnst_core.compute.host_copy import HostCopy

WINDOW = 20
"""Steps over which losses are averaged: with jitter, the loss varies by several percent from step to step."""


class Plateau:
    """Follows the loss of each cell and tells in which cells it is still falling.

    A cell has flattened when its mean loss over a window of steps is above ``1 - share`` times that over the window
    before. This is computed on the losses' device and read when the next window ends, so that no step waits for it.
    The result for one cell doesn't depend on the other cells.
    """

    def __init__(self, cells: int, share: float) -> None:
        self.falling = tuple(range(cells))
        self._cells = cells
        self._share = share
        self._totals: list[Tensor] = []
        self._before: Tensor | None = None
        self._verdict: HostCopy | None = None

    def state(self) -> dict[str, Tensor]:
        """What the verdicts to come depend on, by name, (B, …) each."""
        falling = torch.zeros(self._cells, dtype=torch.bool)
        falling[list(self.falling)] = True
        found = {"plateau.falling": falling}
        if self._totals:
            found["plateau.totals"] = torch.stack(self._totals, 1)
        if self._before is not None:
            found["plateau.before"] = self._before
        if self._verdict is not None:
            found["plateau.flat"] = self._verdict.wait()
        return found

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], share: float) -> "Plateau":
        """The observer as it was when `state` was taken."""
        falling = state["plateau.falling"].tolist()
        plateau = cls(len(falling), share)
        plateau.falling = tuple(cell for cell, still in enumerate(falling) if still)
        if "plateau.totals" in state:
            plateau._totals = list(state["plateau.totals"].unbind(1))
        plateau._before = state.get("plateau.before")
        if "plateau.flat" in state:
            plateau._verdict = HostCopy(state["plateau.flat"])
        return plateau

    def add(self, totals: Tensor) -> None:
        """Record the losses of all cells in one step, (B,); the values of cells that have flattened are ignored."""
        if not self._share:
            return
        self._totals.append(totals)
        if len(self._totals) < WINDOW:
            return
        if self._verdict is not None:
            flat = self._verdict.wait().tolist()
            self.falling = tuple(cell for cell in self.falling if not flat[cell])
        mean = torch.stack(self._totals).mean(0)
        self._totals = []
        if self._before is not None:
            self._verdict = HostCopy(mean > (1 - self._share) * self._before)
        self._before = mean
