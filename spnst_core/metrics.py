"""Metrics: how far a pastiche is from its photograph's structure and from its style."""

from dataclasses import dataclass

import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from spnst_core import images, losses
from spnst_core.colour import luminance
from spnst_core.models.profiles import Encoder, Models
from spnst_core.targets import StyleTargets


@dataclass(frozen=True)
class Metrics:
    """Distances are 0 at best and have no unit; SSIM is 1 at best.

    Attributes:
        style_distance: relative Gram distance to the style, averaged over the encoder's layers.
        edge_distance: relative squared error of edge maps against the photograph's.
        depth_distance: squared error of standardised inverse depth against the photograph's, in [0, 4].
        ssim: structural similarity of the luminance to the photograph's, in [-1, 1].
    """

    style_distance: float
    edge_distance: float
    depth_distance: float
    ssim: float


@torch.no_grad()
def measure(content: Tensor, pastiche: Tensor, style: StyleTargets, models: Models) -> Metrics:
    """Metrics of one pastiche (1, 3, H, W); the content (1, 3, h, w) is brought to the pastiche's shape.

    The style is taken at the size nearest to the pastiche's own.
    """
    pastiche = pastiche.to(models.device)
    photograph = images.resize(content.to(models.device), *pastiche.shape[2:])
    calibration = models.edges.calibrate(photograph)
    return Metrics(
        style_distance=style_distance(pastiche, style, models.encoder),
        edge_distance=losses.edge_loss(
            models.edges.maps(pastiche, calibration), models.edges.maps(photograph, calibration)
        ).item(),
        depth_distance=losses.depth_loss(models.depth(pastiche), models.depth(photograph)).item(),
        ssim=ssim(photograph, pastiche),
    )


@torch.no_grad()
def style_distance(pastiche: Tensor, style: StyleTargets, encoder: Encoder) -> float:
    """Mean over the encoder's style layers of ‖G − Gₛ‖ / ‖Gₛ‖ (Frobenius norms of Gram matrices)."""
    size = min(style.statistics, key=lambda known: known.distance(pastiche.shape[2], pastiche.shape[3]))
    distances = []
    for layer, features in encoder.features(pastiche, encoder.style_layers).items():
        goal = style.statistics[size][layer].gram
        distances.append((losses.gram(features) - goal).norm() / goal.norm().clamp_min(losses.EPSILON))
    return torch.stack(distances).mean().item()


def ssim(photograph: Tensor, pastiche: Tensor) -> float:
    """Structural similarity of the luminance (Wang et al., 2004; scikit-image), both (1, 3, H, W) in [0, 1]."""
    first, second = (luminance(x)[0, 0].double().cpu().numpy() for x in (photograph, pastiche))
    return float(structural_similarity(first, second, data_range=1.0, gaussian_weights=True, sigma=1.5))
