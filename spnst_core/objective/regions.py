"""Regions of a content: what each place counts in the statistics of which style, and where nothing is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from spnst_core.errors import InputError, cut
from spnst_core.imaging.planes import at_shape
from spnst_core.imaging.region import KEEP
from spnst_core.objective.canvas import shape_at
from spnst_core.recipes.recipe import Recipe

REST = ""
"""The name of what no mask covers."""

LEAST = 1.0
"""Area in pixels, at the smallest stage, below which a region counts as empty."""


@dataclass(frozen=True)
class Regions:
    """Where a content is painted in which style, in the shape of its pastiche.

    Attributes:
        names: of the R regions that are painted.
        painted: how much each place belongs to each of them, (1, R, H, W) in [0, 1].
        kept: how much of the content's own pixels stays at each place, (1, 1, H, W) in [0, 1]; None: nothing. All sum
            to 1 at every place, but for a rest too small to count.
    """

    names: tuple[str, ...]
    painted: Tensor
    kept: Tensor | None = None

    @property
    def named(self) -> dict[str, Tensor]:
        """How much each place belongs to each region that has a name, (1, 1, H, W), also to the one that stays."""
        planes = dict(zip(self.names, self.painted.split(1, 1), strict=True))
        planes.pop(REST, None)
        return planes if self.kept is None else {**planes, KEEP: self.kept}

    @classmethod
    @torch.no_grad()
    def of(cls, content: Tensor, recipe: Recipe, masks: Mapping[str, Tensor], keep_rest: bool = False) -> Regions:
        """The regions that masks (1, 1, h, w) of a content (1, 3, H, W) make.

        The region `KEEP` isn't painted. What no mask covers is a region of its own, `REST`. Where masks overlap, they
        share the place in proportion.

        Args:
            keep_rest: leave what no mask covers as it is too.

        Raises:
            InputError: a region covers less than a pixel at the recipe's smallest stage, or nothing is left to paint.
        """
        largest, smallest = (shape_at(content, size) for size in (max(recipe.sizes), min(recipe.sizes)))
        planes = {name: at_shape(mask, *largest) for name, mask in masks.items()}
        total = torch.stack([*planes.values()]).sum(0)
        found = {name: plane / total.clamp_min(1) for name, plane in planes.items()}
        for name, plane in found.items():
            if not _covers(plane, smallest):
                height, width = smallest
                raise InputError(
                    f'the region "{cut(name)}" covers less than a pixel of {width}×{height}, the size of the first '
                    "stage: enlarge its mask, choose a larger size, or leave it out"
                )
        kept, rest = found.pop(KEEP, None), (1 - total).clamp_min(0)
        if keep_rest:
            kept = rest if kept is None else kept + rest
        elif _covers(rest, smallest):
            found[REST] = rest
        if not found:
            raise InputError("the masks leave nothing to paint: paint black in them what is to be painted")
        return cls(tuple(found), torch.cat([*found.values()], 1), kept)


def _covers(plane: Tensor, shape: tuple[int, int]) -> bool:
    return at_shape(plane, *shape).sum().item() >= LEAST
