"""Stopping early: which cells of a batch no longer get better."""

import torch
from torch import Tensor

from spnst_core.compute.host_copy import HostCopy

WINDOW = 20
"""Steps over which losses are averaged: with jitter, one step's differs from the next one's by several percent."""


class Plateau:
    """Follows each cell's loss, and tells which cells are still falling.

    A cell has flattened when its mean loss over a window of steps is above ``1 - share`` times that over the window
    before. This is decided where the losses are, and read when the next window ends, so that no step waits for it.
    One cell's verdict doesn't depend on other cells.
    """

    def __init__(self, cells: int, share: float) -> None:
        self.falling = tuple(range(cells))
        self._share = share
        self._totals: list[Tensor] = []
        self._before: Tensor | None = None
        self._verdict: HostCopy | None = None

    def add(self, totals: Tensor) -> None:
        """The losses of all cells in one step, (B,); of a cell that has flattened any value will do."""
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
