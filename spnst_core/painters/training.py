"""Training a painter: a recipe's objective, minimised over a network's weights instead of over one picture's pixels.

Johnson et al. (ECCV 2016) train with the losses of Gatys et al.; Cheng et al. (TIP 2020) add edges and depth. Here each
view of a content is an objective of its own, with the same terms, targets and weights that the optimiser minimises in
the recipe's last stage. As the optimiser begins with the content in the style's colours, so does a painter: it first
learns to recolour. Edges don't tell light from dark, and a network that began with them might paint negatives.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from math import cos, isfinite, pi
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.adam import adam

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import canvas, framed
from spnst_core.objective.objective import Objective
from spnst_core.optim.divergence import SETBACKS, SLOWER, Diverged
from spnst_core.optim.gradient import differentiated
from spnst_core.painters.network import NARROW, SMALLEST_SIDE, PainterNet
from spnst_core.painters.views import view
from spnst_core.painting import content_targets, style_targets
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize

RECOLOURING, RECOLOURED = 100, 0.1
"""Steps in which a painter that begins from nothing learns to recolour, and their largest share of a training."""

WARMING = 50
"""Steps over which the learning rate rises when the objective takes over.

Its gradients are hundreds of times as large as those of recolouring. With Adam's memory of these, the first steps would
undo what was learnt, and light and dark would change places, which edges don't tell apart.
"""

COARSE = 0.6
"""Share of the training after which views have full size; before, they have half of it, and cost a quarter."""

LR_END = 0.05
"""What the learning rate falls to along a half cosine, as a share of its beginning."""

BETAS = (0.9, 0.99)
"""Adam's decay rates."""

POOL = 64
"""Views that are in use at a time: their targets are kept, and each costs as much as two thirds of a step."""

USES = 8
"""How often a view is used on average before another takes its place."""

CHECKED = 10
"""Steps between two looks at the losses, and between two states to go back to."""

BLOWN = 4.0
"""How far above the lowest mean loss of `CHECKED` steps the mean may rise before the training counts as diverged."""

PATIENCE = 3
"""Validations of full size in a row that must be no better than the best before, so that a training ends early."""

FLAT = 0.005
"""Share by which a validation must be better than the best before, so as to count."""


@dataclass(frozen=True)
class Plan:
    """How a painter is trained.

    Attributes:
        size: long side in pixels of the pictures that the painter is to paint, a multiple of 8 from 64: strokes are as
            large as the recipe paints them at this size.
        view: side in pixels of the largest views, squares of such pictures, likewise; at most ``size`` is used.
        steps: how many steps of Adam to take; None: as many as fit into ``minutes``.
        minutes: how long to train in minutes of wall time; None: until all ``steps`` are taken.
        batch: views in each step.
        width: of the network, see `PainterNet`.
        lr: Adam's learning rate at the beginning.
        seed: of the weights and views.
        validate_every: steps between two validations.

    Raises:
        InputError: a value out of range, or neither steps nor minutes.
    """

    size: int = 512
    view: int = 256
    steps: int | None = None
    minutes: float | None = None
    batch: int = 1
    width: int = NARROW
    lr: float = 1e-3
    seed: int = 0
    validate_every: int = 200

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise InputError("a training needs a budget: give steps or minutes")
        for side in (self.size, self.view):
            if side < 2 * SMALLEST_SIDE or side % 8:
                raise InputError(f"a painter is trained at sizes from {2 * SMALLEST_SIDE} that 8 divides, not {side}")
        for name in ("steps", "minutes", "batch", "width", "lr", "validate_every"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise InputError(f"{name} of a training must be above 0, not {value:g}")
        if self.seed < 0:
            raise InputError(f"a seed is at least 0, not {self.seed}")

    @property
    def side(self) -> int:
        """Side in pixels of the largest views."""
        return min(self.view, self.size)

    def share(self, steps: int, seconds: float) -> float:
        """How much of the budget is spent, from 0 to 1."""
        spent = [0.0 if self.steps is None else steps / self.steps]
        spent.append(0.0 if self.minutes is None else seconds / (60 * self.minutes))
        return min(1.0, max(spent))


@dataclass(frozen=True)
class Record:
    """Losses at one step: each term by name, unweighted, and ``total``; means over the pictures."""

    step: int
    seconds: float
    side: int
    losses: Mapping[str, float]


@dataclass
class _Position:
    """What a training carries from step to step, beside tensors."""

    step: int = 0
    seconds: float = 0.0
    slower: float = 1.0
    setbacks: int = 0
    lowest: float | None = None
    window: list[float] = field(default_factory=list)
    phase: str = ""
    painting_from: int = 0
    curve: list[Record] = field(default_factory=list)
    validations: list[Record] = field(default_factory=list)


class Training:
    """A painter in training; `step` takes it further until it `is_finished`.

    On a CPU, equal arguments give equal weights, and a training `restored` from a state goes on bit for bit like one
    that was never interrupted; a budget in minutes ends where time runs out.

    Args:
        style: the style, (1, 3, H, W) in [0, 1].
        contents: the contents to train on, (1, 3, H, W) each.
        held_out: contents to validate on.
        recipe: whose objective is minimised: weights, layers and forms of its last stage.
        models: the networks that the losses look through.
        warm: weights of another painter of the same width to start from, by name.

    Raises:
        InputError: no contents, a recipe whose pastiches depend on each content's palette, or ``warm`` weights of
            another network.
    """

    def __init__(
        self,
        style: Tensor,
        contents: Sequence[Tensor],
        held_out: Sequence[Tensor],
        recipe: Recipe,
        models: Models,
        plan: Plan,
        warm: Mapping[str, Tensor] | None = None,
    ) -> None:
        if not contents:
            raise InputError("a painter needs at least one content to be trained on")
        self.plan, self.models = plan, models
        self.recipe = trained_recipe(recipe, models.encoder.name, plan.size)
        self.contents, self.held_out = list(contents), list(held_out)
        self.style = style_targets(style, self.recipe, models)
        torch.manual_seed(plan.seed)  # initial weights come from PyTorch's own generator
        self.network = PainterNet(plan.width)
        self._is_warm = warm is not None
        if warm is not None:
            load_weights(self.network, warm)
        self.network.to(models.device)
        self._weights = dict(self.network.named_parameters())
        self._first, self._second = ({k: torch.zeros_like(w) for k, w in self._weights.items()} for _ in range(2))
        self._steps = {k: torch.zeros((), device=models.device) for k in self._weights}
        self._at = _Position()
        self._sound = self.state()
        self._objective = lru_cache(POOL)(self._objective_of_view)
        self._held: list[tuple[Tensor, Objective]] | None = None

    @property
    def steps(self) -> int:
        """Steps that are taken."""
        return self._at.step

    @property
    def seconds(self) -> float:
        """Wall time that steps and validations have taken."""
        return self._at.seconds

    @property
    def setbacks(self) -> int:
        """How often it went back and on at a lower learning rate."""
        return self._at.setbacks

    @property
    def share(self) -> float:
        """How much of the budget is spent, from 0 to 1."""
        return self.plan.share(self._at.step, self._at.seconds)

    @property
    def curve(self) -> Sequence[Record]:
        """Mean losses over every `CHECKED` steps."""
        return self._at.curve

    @property
    def validations(self) -> Sequence[Record]:
        """Mean losses over the held-out contents, as often as they were painted."""
        return self._at.validations

    @property
    def has_flattened(self) -> bool:
        """Whether the last `PATIENCE` validations are no better than the best before."""
        totals = [each.losses["total"] for each in self._at.validations if each.side == self.plan.side]
        before, last = totals[:-PATIENCE], totals[-PATIENCE:]
        return bool(before) and min(last) > (1 - FLAT) * min(before)

    @property
    def is_finished(self) -> bool:
        """Whether the budget is spent or the validation no longer improves."""
        return self.share >= 1 or self.has_flattened

    def step(self) -> dict[str, float]:
        """Take one step of Adam; returns the losses before it, each term and ``total``, as means over the batch.

        Raises:
            Diverged: losses weren't finite or grew far beyond what they had been, and going back to an earlier state
                and on at a lower learning rate, up to `SETBACKS` times, hasn't helped. The training is in that state.
        """
        began, at, phase = time.perf_counter(), self._at, self._phase
        if at.phase == "recolouring" != phase:
            self._forget()
        losses = self._recolouring() if phase == "recolouring" else self._painting()
        self._update()
        at.step += 1
        at.seconds += time.perf_counter() - began
        self._watch(losses, phase)
        return losses

    @torch.no_grad()
    def paint(self, content: Tensor) -> Tensor:
        """The pastiche (1, 3, H, W) of a content by the painter as it is."""
        return self.network(content.to(self.models.device))

    def validate(self) -> tuple[Record, list[Tensor]]:
        """Paint the held-out contents at full size: their mean losses, which are recorded, and the pastiches.

        Without any held-out contents, it takes the first of those that are trained on.
        """
        began = time.perf_counter()
        if self._held is None:
            self._held = [self._objective_of(content) for content in self.held_out or self.contents[:1]]
        pictures, found = [], []
        with torch.no_grad():
            for goal, objective in self._held:
                pictures.append(self.paint(goal))
                view = objective.view(torch.Generator().manual_seed(self.plan.seed))
                found.append(objective(framed(pictures[-1], self.recipe.margin), view))
        losses = {k: sum(each[k].item() for each in found) / len(found) for k in found[0]}
        self._at.seconds += time.perf_counter() - began
        record = Record(self._at.step, self._at.seconds, self._side(), losses)
        self._at.validations.append(record)
        return record, pictures

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name; a copy. `restore` goes on from it."""
        tensors = {name: x.detach().clone() for name, x in self._carried().items()}
        text = json.dumps(asdict(self._at)).encode()
        return {**tensors, "position": torch.frombuffer(bytearray(text), dtype=torch.uint8)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state of a training with the same arguments.

        Raises:
            InputError: the state is of another training.
        """
        try:
            with torch.no_grad():
                for name, x in self._carried().items():
                    x.copy_(state[name])
            self._at = _position(json.loads(bytes(state["position"].cpu().numpy()).decode()))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"not the state of this training: {error}") from error
        self._sound = self.state()

    def _carried(self) -> dict[str, Tensor]:
        """The weights and Adam's memory by name, the very tensors."""
        groups: Mapping[str, Mapping[str, Tensor]] = {
            "weight": self._weights,
            "first": self._first,
            "second": self._second,
            "steps": self._steps,
        }
        return {f"{group}.{name}": x for group, xs in groups.items() for name, x in xs.items()}

    def identity(self) -> str:
        """A digest of what the weights depend on: recipe, plan, networks, style and contents."""
        marks = [self.recipe.model_dump_json(), json.dumps(asdict(self.plan)), self.models.identity.fingerprint]
        digest = sha256("\n".join(marks).encode())
        for picture in (*self.contents, *self.held_out):
            digest.update(picture.cpu().numpy().tobytes())
        for layers in self.style.statistics.values():
            for each in layers.values():
                digest.update(each.mean.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def _phase(self) -> str:
        """What the next step is part of; losses of different phases can't be compared."""
        if self._at.step < RECOLOURING and self.share < RECOLOURED and not self._is_warm:
            return "recolouring"
        return "coarse" if self.share < COARSE else "fine"

    def _side(self) -> int:
        return self.plan.side if self._phase == "fine" else self.plan.side // 2

    def _recolouring(self) -> dict[str, float]:
        """Gradients of the distance from recoloured views, and its mean as ``total``."""
        side, sizes = self._side(), self.recipe.stroke_sizes(self.recipe.stages[-1])
        views = [self._view(number, side).to(self.models.device) for number in self._drawn()]
        goals = torch.cat([self.style.recoloured(each, sizes) for each in views])
        error = F.mse_loss(self.network.unbounded(torch.cat(views)), goals)
        error.backward()
        return {"total": error.item()}

    def _painting(self) -> dict[str, float]:
        """Gradients of the objectives of a batch of views, and their mean losses."""
        drawn = [self._objective(number, self._side()) for number in self._drawn()]
        # Reflected by the recipe's margin, as the optimiser's canvases are; the objective shows networks a window.
        painted = framed(self.network.unbounded(torch.cat([content for content, _ in drawn])), self.recipe.margin)
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self._at.step)
        found = [
            differentiated(objective, painted[[k]], objective.view(generator)) for k, (_, objective) in enumerate(drawn)
        ]
        painted.backward(torch.cat([each.gradient for each in found]) / len(found))
        return {k: sum(each.values[k].item() for each in found) / len(found) for k in found[0].values}

    def _drawn(self) -> list[int]:
        """Numbers of the step's views, from a pool that moves on so that each view is used `USES` times."""
        random = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + 500_000_000 + self._at.step)
        oldest = self._at.step * self.plan.batch // USES
        return (oldest + torch.randint(POOL, (self.plan.batch,), generator=random)).tolist()

    def _view(self, number: int, side: int) -> Tensor:
        return view(self.contents, number, self.plan.seed, side, self.plan.side, self.plan.size)

    def _objective_of_view(self, number: int, side: int) -> tuple[Tensor, Objective]:
        return self._objective_of(self._view(number, side))

    def _objective_of(self, content: Tensor) -> tuple[Tensor, Objective]:
        """A content at its place on the models' device, and its objective."""
        recipe = self.recipe.with_size(min(self.plan.size, max(content.shape[2:])))
        [stage] = recipe.stages
        targets = content_targets(content, recipe, self.models)
        goal = canvas(content, recipe, stage).to(self.models.device)
        objective = Objective(goal, targets, [self.style], recipe, stage, self.models)
        margin = recipe.margin
        return goal[..., margin : goal.shape[2] - margin, margin : goal.shape[3] - margin], objective

    @torch.no_grad()
    def _forget(self) -> None:
        """Begin Adam anew: the objective's gradients aren't those of recolouring."""
        self._at.painting_from = self._at.step
        for x in (*self._first.values(), *self._second.values(), *self._steps.values()):
            x.zero_()

    @torch.no_grad()
    def _update(self) -> None:
        """Take Adam's step with the gradients that the weights hold, which are then dropped."""
        warmth = min(1.0, (self._at.step - self._at.painting_from + 1) / WARMING)
        rate = self.plan.lr * warmth * self._at.slower * (LR_END + (1 - LR_END) * (1 + cos(pi * self.share)) / 2)
        adam(
            list(self._weights.values()),
            [weight.grad for weight in self._weights.values() if weight.grad is not None],
            list(self._first.values()),
            list(self._second.values()),
            [],
            list(self._steps.values()),
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        for weight in self._weights.values():
            weight.grad = None

    def _watch(self, losses: Mapping[str, float], phase: str) -> None:
        """Every `CHECKED` steps, keep the state if losses are sound, or go back to the last sound one."""
        at = self._at
        if phase != at.phase:
            at.phase, at.lowest, at.window = phase, None, []
        at.window.append(losses["total"])
        finite = isfinite(losses["total"])
        if finite and len(at.window) < CHECKED:
            return
        mean = sum(at.window) / len(at.window)
        if finite and (at.lowest is None or mean <= BLOWN * at.lowest):
            at.lowest = mean if at.lowest is None else min(mean, at.lowest)
            at.window = []
            if phase != "recolouring":
                at.curve.append(Record(at.step, at.seconds, self._side(), {**losses, "total": mean}))
            self._sound = self.state()
        else:
            self._go_back()

    def _go_back(self) -> None:
        """Restore the last sound state, with a lower learning rate from there on."""
        seconds, setbacks, slower = self._at.seconds, self._at.setbacks + 1, self._at.slower * SLOWER
        self.restore(self._sound)
        self._at = replace(self._at, seconds=seconds, setbacks=setbacks, slower=slower)
        self._sound = self.state()
        if setbacks > SETBACKS:
            raise Diverged(
                f"the training diverged after step {self._at.step}, even with its learning rate at "
                f"{slower / SLOWER:g} of what it was: lower the recipe's weights, or choose other contents"
            )


def trained_recipe(recipe: Recipe, encoder: str, size: int) -> Recipe:
    """What of a recipe a training uses: its last stage, with strokes as they are at full size, whatever a view's size.

    Raises:
        InputError: a recipe with colours ``match``, which differ from content to content.
    """
    if recipe.colour == "match":
        raise InputError(
            f"recipe {recipe.name} fits the style's palette to each content, and a painter has one palette: "
            "choose colour style or content"
        )
    suited = recipe.with_size(size).suited_to(encoder)
    last = suited.stages[-1]
    strokes = suited.style_size or StyleSize(size)
    return suited.model_copy(update={"stages": (last,), "style_size": strokes, "for_encoder": {}})


def load_weights(network: PainterNet, weights: Mapping[str, Tensor]) -> None:
    """Give a network the weights of a painter.

    Raises:
        InputError: they are of another network.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise InputError(f"the painter's weights don't fit a network of width {network.width}") from error


def _position(data: Mapping[str, Any]) -> _Position:
    records = {key: [Record(**each) for each in data[key]] for key in ("curve", "validations")}
    return _Position(**{**data, **records})


def reduced(picture: Tensor, size: int) -> Tensor:
    """A content (1, 3, H, W) no larger than a training of that size can use."""
    height, width = picture.shape[2:]
    factor = 1.25 * size / min(height, width)
    return picture if factor >= 1 else image_io.resize(picture, round(height * factor), round(width * factor))
