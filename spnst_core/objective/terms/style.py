"""The style term: statistics of the encoder's features should match those of the style (Gatys et al., CVPR 2016)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.models.profiles import Models
from spnst_core.models.roles import feature_scale
from spnst_core.objective import losses
from spnst_core.objective.losses import Form
from spnst_core.objective.statistics import guided_statistics
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
        sizes, regions = stage.recipe.stroke_sizes(stage.stage), stage.targets.painted_regions
        self._statistics = {layer: stacked(stage.styles, sizes, layer, regions) for layer in self._shares}

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The sum, (B,)."""
        value, encoded = canvases.x.new_zeros(len(canvases.x)), canvases.encoded
        for layer, share in self._shares.items():
            wanted = self._statistics[layer].of(canvases.cells)
            own = encoded.gram[layer], encoded.mean[layer], encoded.shares.get(layer)
            value = value + share * _distance(*own, wanted, self.stage.recipe.form)
        return value


@torch.no_grad()
def style_misfit(
    pictures: Tensor, styles: Sequence[StyleTargets], recipe: Recipe, models: Models, guide: Tensor | None = None
) -> Tensor:
    """How far finished pictures (B, 3, H, W) are from their styles, (B,): the last stage's term, always relative.

    Args:
        guide: what each place counts in the statistics of each region, (1, R, H, W); by default the whole picture is
            one region, in which all places count the same.
    """
    sizes, layers = recipe.stroke_sizes(recipe.stages[-1]), recipe.style_layers(models.encoder)
    features, found = models.encoder.features(pictures, layers), pictures.new_zeros(len(pictures))
    for layer, share in layers.items():
        wanted = stacked(styles, sizes, layer, 1 if guide is None else guide.shape[1])
        found = found + share * _distance(*guided_statistics(models.encoder, layer, features[layer], guide), wanted)
    return found


def _distance(gram: Tensor, mean: Tensor, shares: Tensor | None, wanted: Statistics, form: Form = "relative") -> Tensor:
    """`losses.style_loss` of each picture (B,), from statistics (B·R, …) and those that are wanted (B, R, …).

    Regions count by their shares of the area, so that a pixel is drawn to its style as strongly as in a pastiche of
    that style alone.
    """
    found = losses.statistics_loss(gram, mean, wanted.gram.flatten(0, 1), wanted.mean.flatten(0, 1), form)
    return found if shares is None else (found.unflatten(0, (-1, len(shares))) * shares).sum(1)


def stacked(styles: Sequence[StyleTargets], sizes: Sequence[StyleSize], layer: str, regions: int) -> Statistics:
    """The statistics of styles in each region, (B, R, C, C) and (B, R, C); a style of one region serves all."""
    each = [style.averaged(sizes, layer) for style in styles]
    grams, means = [s.gram.expand(regions, -1, -1) for s in each], [s.mean.expand(regions, -1) for s in each]
    return Statistics(torch.stack(grams), torch.stack(means))
