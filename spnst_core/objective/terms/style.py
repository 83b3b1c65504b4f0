"""The style term: statistics of the encoder's features should match those of the style (Gatys et al., CVPR 2016)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.models.profiles import Models
from spnst_core.models.roles import feature_scale
from spnst_core.objective import losses
from spnst_core.objective.targets import Statistics, StyleTargets
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize


class StyleTerm(LossTerm):
    """The sum over layers of `losses.style_loss`, each times its share, from statistics averaged over stroke scales."""

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        raw = stage.recipe.form == "raw"
        unit = feature_scale(stage.models.encoder) ** 4 if raw else 1.0  # a Gram is a square, and so is its error
        self.style_layers = stage.recipe.style_layers(stage.models.encoder)
        self._shares = {layer: share / unit for layer, share in self.style_layers.items()}
        sizes = stage.recipe.stroke_sizes(stage.stage)
        self._statistics = {layer: _stacked(stage.styles, sizes, layer) for layer in self._shares}

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The sum, (B,)."""
        value = canvases.x.new_zeros(len(canvases.x))
        for layer, share in self._shares.items():
            wanted = self._statistics[layer].of(canvases.cells)
            own = canvases.encoded.gram[layer], canvases.encoded.mean[layer]
            value = value + share * losses.statistics_loss(*own, wanted.gram, wanted.mean, self.stage.recipe.form)
        return value


@torch.no_grad()
def style_misfit(
    pictures: Tensor, styles: Sequence[StyleTargets], recipe: Recipe, models: Models, guide: Tensor | None = None
) -> Tensor:
    """How far finished pictures (B, 3, H, W) are from their styles, (B,): the last stage's term, always relative.

    Args:
        guide: what each place counts in the statistics, (1, 1, H, W); by default all count the same.
    """
    sizes, layers = recipe.stroke_sizes(recipe.stages[-1]), recipe.style_layers(models.encoder)
    features, found = models.encoder.features(pictures, layers), pictures.new_zeros(len(pictures))
    for layer, share in layers.items():
        wanted = _stacked(styles, sizes, layer)
        if guide is None:
            found = found + share * losses.style_loss(features[layer], wanted.gram, wanted.mean)
        else:
            own = moments.guided_moments(features[layer], guide)
            found = found + share * losses.statistics_loss(*own, wanted.gram, wanted.mean)
    return found


def _stacked(styles: Sequence[StyleTargets], sizes: Sequence[StyleSize], layer: str) -> Statistics:
    each = [style.averaged(sizes, layer) for style in styles]
    return Statistics(torch.cat([s.gram for s in each]), torch.cat([s.mean for s in each]))
