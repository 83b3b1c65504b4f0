"""The plain loop: style transfer as the well-known scripts write it, one cell after another in plain PyTorch.

For each cell the networks are loaded from their files and all targets computed; then Adam takes its steps on a batch
of one at full size in float32, the picture is clamped after each, and every loss is read. The losses are those of the
library's recipes in a second, independent implementation; tests compare the two.

The usual optimisations of such scripts are included: weights are frozen, targets are computed once for each cell, and
the encoder runs once for content and style. The library's further optimisations aren't.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.networks import Load
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.recipes.recipe import Recipe

Losses = Callable[[Tensor], dict[str, Tensor]]
"""From a picture (1, 3, h, w) in [0, 1] to each term's value, unweighted."""

EPSILON = 1e-8


def stylize(content_picture: Tensor, style_picture: Tensor, recipe: Recipe, load: Load) -> Tensor:
    """One cell from nothing but the two pictures, (1, 3, H, W) each: the pastiche (1, 3, h, w) at the recipe's size."""
    models = load()
    for picture, _ in paint(*fitted(content_picture, style_picture, recipe, models.device), recipe, models):
        pastiche = picture
    return pastiche


def fitted(
    content_picture: Tensor, style_picture: Tensor, recipe: Recipe, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Both pictures at the sizes that a recipe of one stage asks for."""
    (style_size,) = recipe.style_sizes
    content = image_io.resize(
        content_picture, *image_io.fit(content_picture.shape[2], content_picture.shape[3], recipe.size)
    )
    style = image_io.resize(style_picture, *style_size.shape(style_picture.shape[2], style_picture.shape[3]))
    return content.to(device), style.to(device)


def paint(content: Tensor, style: Tensor, recipe: Recipe, models: Models) -> Iterator[tuple[Tensor, dict[str, float]]]:
    """A recipe's one stage from the content on, at one learning rate: the picture after each step, losses before it."""
    (stage,) = recipe.stages
    weights, losses = recipe.stage_weights(stage), losses_of(content, style, recipe, models)
    x = content.clone().requires_grad_(True)
    adam = torch.optim.Adam([x], lr=stage.lr, betas=recipe.betas)
    for _ in range(stage.steps):
        adam.zero_grad()
        terms = losses(x)
        total = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
        total.backward()
        adam.step()
        with torch.no_grad():
            x.clamp_(0, 1)
        yield x.detach(), {name: term.item() for name, term in {**terms, "total": total}.items()}


@torch.no_grad()
def losses_of(content: Tensor, style: Tensor, recipe: Recipe, models: Models) -> Losses:
    """The recipe's losses against targets computed from a content and a style, (1, 3, h, w) each."""
    encoder, edges, depth = models.encoder, models.edges, models.depth
    weights = recipe.stage_weights(recipe.stages[-1])
    content_layers, style_layers = recipe.content_layers(encoder), recipe.style_layers(encoder)
    content_features = encoder.features(content, content_layers)
    style_features = encoder.features(style, style_layers)
    calibration = edges.calibrate(content)
    content_edges, content_depth = edges.maps(content, calibration), depth(content)

    relative = recipe.form == "relative"
    error = _relative_error if relative else F.mse_loss
    statistics = _moments if relative else _gram
    shape = _standardised if relative else _as_it_is
    style_goals = {layer: statistics(style_features[layer]) for layer in style_layers}
    roughness = _roughness(content) + EPSILON if relative else torch.ones(())

    def losses(x: Tensor) -> dict[str, Tensor]:
        features = encoder.features(x, {*content_layers, *style_layers})
        terms = {
            "content": _shared(content_layers, lambda layer: error(features[layer], content_features[layer])),
            "style": _shared(
                style_layers,
                lambda layer: torch.stack(
                    [
                        error(own, goal)
                        for own, goal in zip(statistics(features[layer]), style_goals[layer], strict=True)
                    ]
                ).sum(),
            ),
        }
        if weights.edge:
            terms["edge"] = error(edges.maps(x, calibration), content_edges)
        if weights.depth:
            terms["depth"] = F.mse_loss(shape(depth(x)), shape(content_depth))
        if weights.tv:
            terms["tv"] = _roughness(x) / roughness
        return terms

    return losses


def _shared(layers: Mapping[str, float], loss: Callable[[str], Tensor]) -> Tensor:
    return torch.stack([share * loss(layer) for layer, share in layers.items()]).sum()


def _gram(features: Tensor) -> tuple[Tensor]:
    f = features.flatten(2)
    return (f @ f.mT / f.shape[2],)


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Covariance (1, C, C) and mean (1, C, 1) of the channels."""
    (gram,), mean = _gram(features), features.flatten(2).mean(2, keepdim=True)
    return gram - mean @ mean.mT, mean


def _relative_error(x: Tensor, target: Tensor) -> Tensor:
    return (x - target).square().sum() / (target.square().sum() + EPSILON)


def _standardised(depth: Tensor) -> Tensor:
    centred = depth - depth.mean()
    return centred / (centred.square().mean() + EPSILON).sqrt()


def _as_it_is(depth: Tensor) -> Tensor:
    return depth


def _roughness(x: Tensor) -> Tensor:
    """Total variation: the sum of squared differences between neighbours, over the number of values."""
    down, right = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
    return (down.square().sum() + right.square().sum()) / x.numel()
