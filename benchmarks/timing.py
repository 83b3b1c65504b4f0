"""Timing: seconds per step in the steady state, paired measurements, and the pictures that they use."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median

import torch
from torch import Tensor

from spnst_core import Recipe, samples
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets


@dataclass(frozen=True)
class Pairs:
    """Seconds of two programs, measured in turn, so that both run under the same load."""

    plain: list[float]
    ours: list[float]

    @property
    def ratio(self) -> float:
        """How many times faster ours is: the median over the pairs."""
        return median(p / o for p, o in zip(self.plain, self.ours, strict=True))


def in_turn(plain: Callable[[], float], ours: Callable[[], float], times: int) -> Pairs:
    """Run both in turn, that many times."""
    measured = [(plain(), ours()) for _ in range(times)]
    return Pairs([p for p, _ in measured], [o for _, o in measured])


def finished(device: torch.device) -> float:
    """The time after the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def seconds_a_step(steps: Iterable[object], device: torch.device) -> float:
    """Mean seconds of all steps but the first, which includes one-time costs.

    Raises:
        ValueError: fewer than two steps.
    """
    rest = iter(steps)
    next(rest, None)
    began = finished(device)
    count = sum(1 for _ in rest)
    if not count:
        raise ValueError("at least two steps are needed: the first one isn't timed")
    return (finished(device) - began) / count


def library_steps(content: Tensor, styles: list[Tensor], recipe: Recipe, models: Models) -> Iterator[object]:
    """The library's steps on a batch of cells, its targets computed before the first.

    Raises:
        ArithmeticError: a loss isn't finite.
    """
    row = content_targets(content, recipe, models)
    goals = [
        StyleTargets.compute(style, models, recipe.style_sizes, recipe.style_layers(models.encoder)) for style in styles
    ]
    for iterate in optimize(row, goals, recipe, models):
        yield iterate
    if not iterate.losses["total"].isfinite().all():
        raise ArithmeticError(f"a loss of {recipe.name} at {recipe.size} px isn't finite")


def content_samples(count: int) -> dict[str, Tensor]:
    """That many sample contents, (1, 3, H, W)."""
    return _varied({slug: image_io.to_tensor(picture) for slug, picture in samples.contents().items()}, count)


def style_samples(count: int, size: int) -> dict[str, Tensor]:
    """That many sample styles, (1, 3, H, W), with a long side of ``size`` pixels."""
    return _varied({slug: image_io.to_tensor(picture) for slug, picture in samples.styles(size, count).items()}, count)


def _varied(pictures: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    """The pictures, followed by copies of them that are mirrored horizontally, vertically, and both ways."""
    mirrored = {
        name + suffix: picture.flip(sides) if sides else picture
        for suffix, sides in (("", ()), (" mirrored", (3,)), (" upended", (2,)), (" turned", (2, 3)))
        for name, picture in pictures.items()
    }
    if count > len(mirrored):
        raise ValueError(f"there are {len(mirrored)} pictures, not {count}")
    return dict(islice(mirrored.items(), count))
