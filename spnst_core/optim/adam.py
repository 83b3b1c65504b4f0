"""Adam on a batch of canvases that stay in [0, 1]; the cells are independent of each other."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from spnst_core.compute.blur import soften
from spnst_core.compute.device_index import indices
from spnst_core.optim.lbfgs import Evaluate
from spnst_core.recipes.recipe import Recipe


class Adam:
    """PyTorch's Adam. A cell that is left out of a step keeps its picture, its moments and its own step count.

    Attributes:
        x: the canvases, (B, 3, H, W).
    """

    def __init__(self, x: Tensor, recipe: Recipe) -> None:
        self.x = x.contiguous()
        self._smooth = recipe.smooth_gradients
        self._cells = list(self.x.split(1))  # views of the batch; Adam skips those without a gradient
        self._adam = torch.optim.Adam(self._cells, betas=recipe.betas, fused=True)

    def step(self, evaluate: Evaluate, lr: float, cells: Sequence[int]) -> Mapping[str, Tensor]:
        """Take one step in the given cells; returns the objective's values before it, one for each cell."""
        found = evaluate(self.x if len(cells) == len(self.x) else self.x[indices(tuple(cells), self.x.device)], cells)
        gradient = soften(found.gradient) if self._smooth else found.gradient
        gradient = gradient.contiguous()  # PyTorch's fused Adam reads it in the picture's memory format
        for cell, own in zip(cells, gradient.split(1), strict=True):
            self._cells[cell].grad = own
        self._adam.param_groups[0]["lr"] = lr
        self._adam.step()
        for cell in self._cells:
            cell.grad = None
        with torch.no_grad():
            self.x.clamp_(0, 1)
        return found.values
