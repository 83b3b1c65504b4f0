"""What every loss term has in common: what it is made from, what it is evaluated on, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from spnst_core.compute.tiling import recomputed
from spnst_core.errors import InputError
from spnst_core.models.profiles import Models
from spnst_core.models.roles import EdgeDetector, FeatureExtractor, TrunkHead
from spnst_core.objective.statistics import Encoded
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.objective.view import View
from spnst_core.recipes.recipe import Recipe, Stage


@dataclass(frozen=True, eq=False)
class StageContext:
    """What a term is made from: one stage of a recipe, for a batch of cells that share a content.

    Attributes:
        content: the content on the stage's canvas, (1, 3, H, W).
        targets: the content's edges and depth at the stage's size, where the recipe compares maps.
        styles: one for each cell.
        models: the networks as they run during optimisation; see `Models.at_work`.
        tile: side in pixels of the largest part that the networks may read at once, or None if the whole canvas fits.
    """

    content: Tensor
    targets: ContentTargets
    styles: Sequence[StyleTargets]
    recipe: Recipe
    stage: Stage
    models: Models
    tile: int | None = None

    @property
    def size(self) -> int:
        """Long side in pixels of the stage's pastiches."""
        return self.recipe.stage_size(self.stage)

    @property
    def edges(self) -> EdgeDetector:
        """The edge detector, tile by tile if the whole canvas doesn't fit."""
        return self.models.edges if self.tile is None else self.models.edges.tiled(self.tile)

    def head(self, network: object) -> TrunkHead | None:
        """The network if it stands on the encoder's trunk, so that the encoder's pass serves it as well, else None."""
        trunk = getattr(self.models.encoder, "trunk", None)
        return network if isinstance(network, TrunkHead) and network.trunk is trunk else None

    def features_of(self, network: object, key: str) -> Callable[[Tensor], Tensor]:
        """The function from pictures (N, 3, H, W) to the features behind an edge or depth network's maps.

        Args:
            key: the recipe's key that asks for features, for the error message.

        Raises:
            InputError: the network gives no features.
        """
        if not isinstance(network, FeatureExtractor):
            raise InputError(
                f"recipe {self.recipe.name} has {key}: features, but {type(network).__name__} of the profile "
                f"{self.models.identity.profile} has none: use {key}: maps or another profile"
            )
        return network.features

    def on_whole_canvas(self, loss: Callable[..., Tensor], *args: Any) -> Tensor:
        """The value of a loss that reads whole canvases.

        If these don't fit into memory, its intermediate results are recomputed for the gradient instead of being kept.
        """
        return loss(*args) if self.tile is None else recomputed(loss, *args)


def no_map_for_features(recipe: Recipe, term: str) -> InputError:
    """The error about a map of the user's own, where the recipe compares the features of a network."""
    return InputError(
        f"recipe {recipe.name} has {term}_on: features, which no map can stand for: leave the map of the content's "
        f"{'edges' if term == 'edge' else 'depth'} out, or choose a recipe with {term}_on: maps"
    )


@dataclass(frozen=True, eq=False)
class Canvases:
    """What a term is evaluated on: the canvases of some cells in one view.

    Attributes:
        x: the canvases, (B, 3, H, W).
        cells: which of the batch they are; None for all.
        encoded: the results of the encoder pass that all terms share, for the layers that they named.
        maps: maps of the networks that terms named as their ``head``: those of the canvases, (B, 1, h, w), and those of
            the content in the same view, (1, 1, h, w).
    """

    x: Tensor
    view: View
    cells: Sequence[int] | None
    encoded: Encoded
    maps: Mapping[TrunkHead, tuple[Tensor, Tensor]]


class LossTerm(ABC):
    """One term of the loss in one stage.

    Attributes:
        content_layers: layers of the encoder whose distance from the content's the term reads, from
            ``canvases.encoded.content``.
        style_layers: layers whose statistics it reads, from ``canvases.encoded.gram`` and ``.mean``.
        head: a network on the encoder's trunk, whose maps it reads from ``canvases.maps``.
    """

    content_layers: Collection[str] = ()
    style_layers: Collection[str] = ()
    head: TrunkHead | None = None

    def __init__(self, stage: StageContext) -> None:
        self.stage = stage

    def target(self, view: View) -> Any:
        """The content's target in a view, without gradients; computed once until the view changes.

        A network's results for two windows of one picture, or in two precisions, differ by more than a pastiche
        should differ from its content. So pastiche and content are compared in the same view and precision.
        """
        return None

    @abstractmethod
    def __call__(self, canvases: Canvases, target: Any) -> Tensor:
        """The term's value for each canvas, (B,), unweighted and differentiable.

        Args:
            target: what `target` returned for the canvases' view.
        """
