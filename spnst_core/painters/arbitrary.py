"""Painting any style in one pass, by Magenta's network: see `spnst_core.models.magenta`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import matched, with_colours_of
from spnst_core.models import weights
from spnst_core.models.magenta import Magenta
from spnst_core.models.networks import build, weight_files
from spnst_core.models.weights import Progress, silent
from spnst_core.recipes.recipe import Recipe

NETWORK = "magenta"
"""Name of the network in the manifest."""


@dataclass(frozen=True, eq=False)
class ArbitraryPainter:
    """A network that paints any content in any style in one pass.

    Attributes:
        network: in evaluation mode, without gradients.
        device: where it is.
    """

    network: Magenta
    device: torch.device

    @classmethod
    def load(cls, device: torch.device, progress: Progress = silent) -> ArbitraryPainter:
        """The published network; its weight files are fetched if need be.

        Raises:
            InputError: weights that can't be had.
        """
        network = build(NETWORK, [weights.find(file, progress=progress) for file in weight_files("painter", NETWORK)])
        return cls(cast(Magenta, network.to(device)), device)

    @torch.inference_mode(False)
    @torch.no_grad()
    def paint(self, content: Tensor, styles: Sequence[tuple[Tensor, float]], recipe: Recipe) -> Tensor:
        """A content's pastiche, (1, 3, h, w) in [0, 1], on the CPU.

        Strokes have the size in pixels that the network has learnt, whatever the size of the picture.

        Args:
            content: (1, 3, H, W) RGB in [0, 1].
            styles: pictures, likewise, with their shares, which sum to 1. Several are blended.
            recipe: its size and colours count.
        """
        height, width = image_io.fit(content.shape[2], content.shape[3], recipe.size)
        goal = image_io.resize(content, height, width)
        vector = sum(share * self.network.style_vector(self._coloured(style, goal, recipe)) for style, share in styles)
        found = self.network(goal.to(self.device), vector).cpu()
        return with_colours_of(goal.cpu(), found, recipe.colour_strength) if recipe.colour == "content" else found

    def _coloured(self, style: Tensor, goal: Tensor, recipe: Recipe) -> Tensor:
        """The style on the network's device, its palette fitted to the content's where the recipe asks for that."""
        style = style.to(self.device)
        return matched(style, goal.to(style), recipe.colour_strength) if recipe.colour == "match" else style


def refuse(recipe: Recipe, options: Mapping[str, object]) -> None:
    """See that no option is given, by its name, that a recipe with engine ``arbitrary`` has no use for.

    Raises:
        InputError: one is.
    """
    if given := [name for name, value in options.items() if value is not None]:
        raise InputError(
            f"recipe {recipe.name} paints in one pass, from content and style alone: leave out {', '.join(given)}, or "
            "choose a recipe with engine optimize"
        )


def fetch(progress: Progress = silent) -> None:
    """Download the network's weight files that aren't in the cache.

    Raises:
        InputError: weights that can't be had.
    """
    for file in weight_files("painter", NETWORK):
        weights.find(file, progress=progress)


def identity() -> str:
    """What changes with the network's weights, known without loading them."""
    return " ".join(f"{file.name} {file.sha256}" for file in weight_files("painter", NETWORK))
