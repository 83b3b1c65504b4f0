"""Adam on a batch of canvases that stay in [0, 1]; the cells are independent of each other."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from spnst_core.compute.blur import soften
from spnst_core.compute.device_index import indices
from spnst_core.optim.lbfgs import Evaluate
from spnst_core.recipes.recipe import Recipe

EPSILON = 1e-8
"""Added to the root of the second moment."""


class Adam:
    """PyTorch's Adam. A cell that is left out of a step keeps its picture, its moments and its own step count.

    It is PyTorch's function: the class `torch.optim.Adam` imports the compiler, which takes seconds.

    Attributes:
        x: the canvases, (B, 3, H, W).
    """

    def __init__(self, x: Tensor, recipe: Recipe) -> None:
        self.x = x.contiguous()
        self._smooth = recipe.smooth_gradients
        self._betas = recipe.betas
        self._cells = self.x.split(1)  # views of the batch
        self._first, self._second = ([torch.zeros_like(cell) for cell in self._cells] for _ in range(2))
        self._steps = [torch.zeros((), device=x.device) for _ in self._cells]

    def state(self) -> dict[str, Tensor]:
        """What the next step depends on, by name, (B, …) each; a copy."""
        moments = {"adam.first": torch.cat(self._first), "adam.second": torch.cat(self._second)}
        return {"x": self.x.clone(), "adam.steps": torch.stack(self._steps), **moments}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], recipe: Recipe) -> "Adam":
        """The optimiser as it was when `state` was taken."""
        adam = cls(state["x"].clone(), recipe)
        adam._first, adam._second = ([*map(Tensor.clone, state[f"adam.{m}"].split(1))] for m in ("first", "second"))
        adam._steps = [*map(Tensor.clone, state["adam.steps"].unbind())]
        return adam

    def step(self, evaluate: Evaluate, lr: float, cells: Sequence[int]) -> Mapping[str, Tensor]:
        """Take one step in the given cells; returns the objective's values before it, one for each cell."""
        found = evaluate(self.x if len(cells) == len(self.x) else self.x[indices(tuple(cells), self.x.device)], cells)
        gradient = soften(found.gradient) if self._smooth else found.gradient
        gradient = gradient.contiguous()  # PyTorch's fused Adam reads it in the picture's memory format
        state = self._cells, self._first, self._second, self._steps
        pictures, first, second, steps = ([values[cell] for cell in cells] for values in state)
        with torch.no_grad():
            adam(
                pictures,
                list(gradient.split(1)),
                first,
                second,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=self._betas[0],
                beta2=self._betas[1],
                lr=lr,
                weight_decay=0.0,
                eps=EPSILON,
                maximize=False,
            )
            self.x.clamp_(0, 1)
        return found.values
