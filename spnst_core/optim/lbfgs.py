"""L-BFGS for a batch of independent problems with bounds; each has its own curvature, step and convergence.

Nocedal & Wright, "Numerical Optimization", 2nd ed.: the two-loop recursion is algorithm 7.4. The bounds are kept
by projection (Bertsekas, SIAM J. Control Optim. 20(2), 1982): coordinates at a bound that the step would push beyond
it are left out, and the line search follows the projected path.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spnst_core.compute.device_index import indices

SUFFICIENT = 1e-4
"""Share of the decrease predicted by the slope that a step must reach (Armijo's condition)."""

TRIALS = 20
"""Most points that one line search evaluates."""

STRIDE = 0.05
"""Root mean square of a step taken before any curvature is known; large but safe for pixels in [0, 1]."""

LEAST_CURVATURE = 1e-8
"""Smallest cosine between a step and the change of the gradient along it at which the pair is kept."""


@dataclass(frozen=True)
class Evaluation:
    """Objective and gradient at one point: ``values["total"]`` is minimised, all values are (B,); gradient (B, …)."""

    values: Mapping[str, Tensor]
    gradient: Tensor

    def __getitem__(self, chosen: Tensor) -> "Evaluation":
        """The evaluation of some problems, by their indices."""
        return Evaluation({key: value[chosen] for key, value in self.values.items()}, self.gradient[chosen])

    def replaced(self, problems: Tensor, new: "Evaluation") -> "Evaluation":
        """This evaluation with that of some problems, by their indices, replaced."""
        values = {key: value.index_copy(0, problems, new.values[key]) for key, value in self.values.items()}
        return Evaluation(values, self.gradient.index_copy(0, problems, new.gradient))


Evaluate = Callable[[Tensor, Sequence[int]], Evaluation]
"""From points (b, …) of some of the B problems, and the indices of these, to their evaluation."""


@dataclass
class _Pair:
    """A step s, the change y of the gradient along it, (B, n), and 1 / s·y; all 0 where a problem has no such pair."""

    s: Tensor
    y: Tensor
    rho: Tensor


class LBFGS:
    """Minimises B independent functions of n variables each, side by side.

    Each `step` follows a quasi-Newton direction to the first point with sufficient decrease. The objective must be the
    same function at every call until `go_on`. A problem whose objective is infinite or NaN at a trial point takes a
    shorter step; one that can't be improved, or starts at NaN, stays where it is.

    The problems may lie on a GPU. A step synchronises with it twice, and once more for each further trial point.

    Args:
        x: where to start, (B, …), any shape beyond the first dimension, within the bounds.
        lower, upper: the box.
        history: how many pairs describe the curvature.
        scale: the initial inverse curvature, (B,), such as that of an earlier run; 0 where it is unknown.

    Attributes:
        x: the best point so far.
        scale: each problem's inverse curvature along its newest pair, s·y / y·y, (B,); 0 where it has none.
        active: which problems may still improve, (B,).
    """

    def __init__(
        self, x: Tensor, lower: float = 0.0, upper: float = 1.0, history: int = 10, scale: Tensor | None = None
    ) -> None:
        self.x = x.detach().clone()
        self.lower, self.upper = lower, upper
        self.active = torch.ones(len(x), dtype=torch.bool, device=x.device)
        self._pairs: deque[_Pair] = deque(maxlen=history)
        self.scale = x.new_zeros(len(x)) if scale is None else scale.clone()
        self._here: Evaluation | None = None

    def state(self) -> dict[str, Tensor]:
        """What the next step depends on, by name, (B, …) each; not copied, because no step changes it in place."""
        found = {"x": self.x, "lbfgs.active": self.active, "lbfgs.scale": self.scale}
        for k, pair in enumerate(self._pairs):
            found |= {f"lbfgs.s.{k}": pair.s, f"lbfgs.y.{k}": pair.y, f"lbfgs.rho.{k}": pair.rho}
        if self._here is not None:
            found["lbfgs.gradient"] = self._here.gradient
            found |= {f"lbfgs.value.{term}": value for term, value in self._here.values.items()}
        return found

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> "LBFGS":
        """The optimiser as it was when `state` was taken, within the usual bounds."""
        lbfgs = cls(state["x"], scale=state["lbfgs.scale"])
        lbfgs.active = state["lbfgs.active"]
        k = 0
        while f"lbfgs.s.{k}" in state:
            lbfgs._pairs.append(_Pair(*(state[f"lbfgs.{part}.{k}"] for part in ("s", "y", "rho"))))
            k += 1
        if "lbfgs.gradient" in state:
            prefix = "lbfgs.value."
            values = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            lbfgs._here = Evaluation(values, state["lbfgs.gradient"])
        return lbfgs

    def go_on(self) -> None:
        """Minimise another objective from now on; the curvature is kept as an estimate that every step corrects."""
        self._here = None
        self.active = torch.ones_like(self.active)

    def step(self, evaluate: Evaluate) -> Mapping[str, Tensor]:
        """Take one step in every active problem; returns the objective's values before it."""
        if self._here is None:
            self._here = evaluate(self.x, range(len(self.x)))
        before, x, gradient = self._here, self.x.flatten(1), self._here.gradient.flatten(1)
        pressing = ((x <= self.lower) & (gradient > 0)) | ((x >= self.upper) & (gradient < 0))
        downhill = torch.where(pressing, 0, -gradient)
        norm = downhill.norm(dim=1)
        self.active = self.active & before.values["total"].isfinite() & norm.isfinite() & (norm > 0)
        direction = self._inside(x, torch.where(pressing, 0, self._newton(downhill)))
        lost = self.active & ~((gradient * direction).sum(1) < 0)
        active, without = torch.stack([self.active, lost]).tolist()
        if not any(active):
            return before.values
        if any(without):
            self._forget(lost)
            direction = torch.where(lost[:, None], downhill * self._stride(norm)[:, None], direction)

        new, self._here, stuck = self._search(evaluate, x, before, direction, list(_true(active)))
        found = self.active
        if stuck:
            stays = torch.zeros_like(found).index_fill(0, indices(tuple(stuck), x.device), True)
            found = found & ~stays
            self.active = self.active & ~(stays & (self.scale == 0))
            self._forget(stays)  # the next step follows the gradient itself
        self._remember(new - x, self._here.gradient.flatten(1) - gradient, found)
        self.x = new.view_as(self.x)
        return before.values

    def _newton(self, downhill: Tensor) -> Tensor:
        """The inverse curvature times the negative gradient; where no curvature is known, a step of size `STRIDE`."""
        q, shares = downhill, []
        for pair in reversed(self._pairs):
            share = pair.rho * (pair.s * q).sum(1)
            shares.append(share)
            q = q - share[:, None] * pair.y
        q = q * torch.where(self.scale > 0, self.scale, self._stride(downhill.norm(dim=1)))[:, None]
        for pair, share in zip(self._pairs, reversed(shares), strict=True):
            q = q + (share - pair.rho * (pair.y * q).sum(1))[:, None] * pair.s
        return q

    def _stride(self, norm: Tensor) -> Tensor:
        """The factor that turns a gradient of that norm into a step of size `STRIDE`."""
        return STRIDE * self.x[0].numel() ** 0.5 / norm

    def _inside(self, x: Tensor, direction: Tensor) -> Tensor:
        """The direction without the coordinates that would leave the bounds at once."""
        leaving = ((x <= self.lower) & (direction < 0)) | ((x >= self.upper) & (direction > 0))
        return torch.where(leaving, 0, direction)

    def _search(
        self, evaluate: Evaluate, x: Tensor, before: Evaluation, direction: Tensor, searching: list[int]
    ) -> tuple[Tensor, Evaluation, list[int]]:
        """Backtracking along the projected path: new points (B, n), their evaluation, and which problems found none.

        Only the problems that are still searching are evaluated.
        """
        new, evaluation = x, before
        length = x.new_ones(len(searching))
        for _ in range(TRIALS):
            here, start, ahead = before, x, direction
            problems = indices(tuple(searching), x.device)
            if len(searching) < len(x):
                here, start, ahead = before[problems], x[problems], direction[problems]
            trial = (start + length[:, None] * ahead).clamp(self.lower, self.upper)
            tried = evaluate(trial.view(-1, *self.x.shape[1:]), searching)
            promised = (here.gradient.flatten(1) * (trial - start)).sum(1)
            gained = tried.values["total"] - here.values["total"]
            enough = (promised < 0) & (gained <= SUFFICIENT * promised) & tried.gradient.flatten(1).isfinite().all(1)
            good = enough.tolist()
            if all(good) and len(good) == len(x):
                return trial, tried, []
            if any(good):
                those = indices(_true(good), x.device)
                new = new.index_copy(0, problems[those], trial[those])
                evaluation = evaluation.replaced(problems[those], tried[those])
            # the minimum of the interpolating parabola, safeguarded against steps that are too long or too short
            best = -promised / (2 * (gained - promised))
            length = length * torch.where(best.isfinite(), best.clamp(0.1, 0.5), 0.1)
            others = _true([not found for found in good])
            if not others:
                return new, evaluation, []
            searching, length = [searching[k] for k in others], length[indices(others, x.device)]
        return new, evaluation, searching

    def _remember(self, s: Tensor, y: Tensor, found: Tensor) -> None:
        """Record the curvature along the steps taken, in the variables that moved, where it is positive."""
        y = torch.where(s == 0, 0, y)
        product, size = (s * y).sum(1), y.square().sum(1)
        kept = found & (product > LEAST_CURVATURE * s.norm(dim=1) * size.sqrt()) & product.isfinite()
        mask = kept[:, None]
        self._pairs.append(_Pair(torch.where(mask, s, 0), torch.where(mask, y, 0), torch.where(kept, 1 / product, 0)))
        self.scale = torch.where(kept, product / size, self.scale)

    def _forget(self, problems: Tensor) -> None:
        """Discard the curvature of some problems."""
        mask = problems[:, None]
        for pair in self._pairs:
            pair.s, pair.y = torch.where(mask, 0, pair.s), torch.where(mask, 0, pair.y)
            pair.rho = torch.where(problems, 0, pair.rho)
        self.scale = torch.where(problems, 0, self.scale)


def _true(mask: Sequence[bool]) -> tuple[int, ...]:
    """Indices at which the mask holds."""
    return tuple(k for k, there in enumerate(mask) if there)
