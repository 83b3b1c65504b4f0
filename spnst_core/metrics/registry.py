"""Metrics: how much of its photograph's structure and of its painting's style a pastiche has.

A metric is *seen* where the optimiser minimised it or a close relative, so that a good value proves little, and
*independent* where it didn't. Comparisons between recipes go by the independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.metrics.judges import Judges
from spnst_core.metrics.structure import (
    Map,
    aligned_error,
    canny_f,
    correlation,
    rank_correlation,
    soft_iou,
    ssim,
)
from spnst_core.metrics.style import colour_distance, patch_distance
from spnst_core.models.profiles import Encoder, Models
from spnst_core.objective import losses
from spnst_core.objective.targets import StyleTargets

CFSD_SIZE = 128
"""Long side in pixels at which content features are compared with each other: positions are compared in pairs."""


@dataclass(frozen=True)
class Comparison:
    """A pastiche beside its photograph and its painting, and what networks see in them, each worked out once.

    Attributes:
        photograph: (1, 3, H, W) in [0, 1], at the pastiche's shape.
        pastiche: (1, 3, H, W).
        painting: (1, 3, h, w), at the pastiche's long side.
        style: the painting's statistics.
    """

    photograph: Tensor
    pastiche: Tensor
    painting: Tensor
    style: StyleTargets
    models: Models
    judges: Judges

    @cached_property
    def edges(self) -> tuple[Map, Map]:
        """Edge maps of photograph and pastiche by the judge."""
        return _map(self.judges.edges(self.photograph)), _map(self.judges.edges(self.pastiche))

    @cached_property
    def depth(self) -> tuple[Map, Map]:
        """Inverse depth of photograph and pastiche by the judge."""
        return _map(self.judges.depth(self.photograph)), _map(self.judges.depth(self.pastiche))

    @cached_property
    def grey(self) -> tuple[Map, Map]:
        """Luminance of photograph and pastiche."""
        return _map(luminance(self.photograph)), _map(luminance(self.pastiche))


@dataclass(frozen=True)
class Metric:
    """One column of the metric table.

    Attributes:
        key: its name in the table.
        label: what people call it.
        about: what it judges.
        better: whether less or more of it is better.
        kind: ``seen`` or ``independent``, as this module's description says.
        unit: empty for a plain number.
        description: one sentence.
        take: the figure of one pastiche.
        judge: the optional judge that it needs; without its weights there is no such figure.
    """

    key: str
    label: str
    about: Literal["style", "structure", "smoothness"]
    better: Literal["lower", "higher"]
    kind: Literal["seen", "independent"]
    unit: str
    description: str
    take: Callable[[Comparison], float]
    judge: Literal["lpips", "inception"] | None = None


METRICS = (
    Metric(
        "patch_distance",
        "patch distance",
        "style",
        "lower",
        "independent",
        "intensity",
        "Sliced Wasserstein distance of 7×7 patches at three scales between pastiche and painting.",
        lambda seen: patch_distance(seen.pastiche, seen.painting),
    ),
    Metric(
        "edge_error",
        "edge error",
        "structure",
        "lower",
        "independent",
        "",
        "1 − correlation of the edges that a network outside the loss sees in the luminance of pastiche and "
        "photograph.",
        lambda seen: 1 - correlation(*seen.edges),
    ),
    Metric(
        "depth_error",
        "depth error",
        "structure",
        "lower",
        "independent",
        "",
        "1 − rank correlation of the depth that such a network sees in the luminance of pastiche and photograph.",
        lambda seen: 1 - rank_correlation(*seen.depth),
    ),
    Metric(
        "depth_misfit",
        "depth misfit",
        "structure",
        "lower",
        "independent",
        "standard deviations",
        "What the best scale and shift of the pastiche's depth leaves of the photograph's, by the same network.",
        lambda seen: aligned_error(seen.depth[1], seen.depth[0]),
    ),
    Metric(
        "edge_iou",
        "edge IoU",
        "structure",
        "higher",
        "independent",
        "",
        "Soft intersection over union of the edges that the network outside the loss sees.",
        lambda seen: soft_iou(*seen.edges),
    ),
    Metric(
        "canny_f",
        "Canny F",
        "structure",
        "higher",
        "independent",
        "",
        "F-measure of the pastiche's Canny edges against the photograph's, within 0.75 % of the diagonal.",
        lambda seen: canny_f(*seen.grey),
    ),
    Metric(
        "ssim",
        "SSIM",
        "structure",
        "higher",
        "independent",
        "",
        "Structural similarity of the luminance to the photograph's.",
        lambda seen: ssim(*seen.grey),
    ),
    Metric(
        "lpips",
        "LPIPS",
        "structure",
        "lower",
        "independent",
        "",
        "Perceptual distance to the photograph, by AlexNet with weights learned from people's verdicts.",
        lambda seen: seen.judges.perceptual(seen.pastiche, seen.photograph),
        "lpips",
    ),
    Metric(
        "sifid",
        "SIFID",
        "style",
        "lower",
        "independent",
        "",
        "Fréchet distance of Inception's early features to the painting's: FID of two pictures.",
        lambda seen: seen.judges.frechet(seen.pastiche, seen.painting),
        "inception",
    ),
    Metric(
        "style_distance",
        "Gram distance",
        "style",
        "lower",
        "seen",
        "",
        "Relative distance of Gram matrices to the painting's, averaged over the encoder's layers.",
        lambda seen: style_distance(seen.pastiche, seen.style, seen.models.encoder),
    ),
    Metric(
        "colour_distance",
        "colour distance",
        "style",
        "lower",
        "seen",
        "",
        "Hellinger distance of the colour histograms of pastiche and painting, in CIELAB.",
        lambda seen: colour_distance(seen.pastiche, seen.painting),
    ),
    Metric(
        "edge_distance",
        "edge distance",
        "structure",
        "lower",
        "seen",
        "",
        "Relative squared error of the edge maps that the loss compares.",
        lambda seen: edge_distance(seen.photograph, seen.pastiche, seen.models),
    ),
    Metric(
        "depth_distance",
        "depth distance",
        "structure",
        "lower",
        "seen",
        "",
        "Squared error of standardised inverse depth by the network of the loss: 0 the same, 2 unrelated, 4 inverted.",
        lambda seen: losses.depth_loss(seen.models.depth(seen.pastiche), seen.models.depth(seen.photograph)).item(),
    ),
    Metric(
        "cfsd",
        "CFSD",
        "structure",
        "lower",
        "seen",
        "nat",
        "Content feature structural distance: how differently the encoder's features resemble each other.",
        lambda seen: cfsd(seen.photograph, seen.pastiche, seen.models.encoder),
    ),
    Metric(
        "total_variation",
        "total variation",
        "smoothness",
        "lower",
        "seen",
        "intensity",
        "Mean absolute difference of neighbouring pixels of the pastiche.",
        lambda seen: total_variation(seen.pastiche),
    ),
)
"""Every metric, in the order of the table: first the independent ones, of which the first three make the headline."""


@dataclass(frozen=True)
class Scores:
    """Metrics of one pastiche.

    Attributes:
        values: by key, finite numbers; a metric that couldn't be taken, or whose judge isn't there, isn't among them.
        missing: by key, why a metric couldn't be taken.
        layers: Gram distance in each of the encoder's layers.
    """

    values: dict[str, float]
    missing: dict[str, str] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)


@torch.no_grad()
def measure(
    photograph: Tensor, pastiche: Tensor, painting: Tensor, style: StyleTargets, models: Models, judges: Judges
) -> Scores:
    """Every metric of one pastiche (1, 3, H, W) in [0, 1].

    The photograph (1, 3, h, w) is brought to the pastiche's shape and the painting (1, 3, h', w') to its long side;
    of the painting's statistics, those at the size nearest to the pastiche's are taken.
    """
    height, width = pastiche.shape[2:]
    seen = Comparison(
        image_io.resize(photograph.to(models.device), height, width),
        pastiche.to(models.device),
        image_io.resize(
            painting.to(models.device), *image_io.fit(painting.shape[2], painting.shape[3], max(height, width))
        ),
        style,
        models,
        judges,
    )
    values, missing = dict[str, float](), dict[str, str]()
    for metric in METRICS:
        if metric.judge and not getattr(judges, metric.judge):
            continue
        try:
            value = metric.take(seen)
        except ValueError as error:
            missing[metric.key] = str(error)
            continue
        if math.isfinite(value):
            values[metric.key] = value
        else:
            missing[metric.key] = f"the result was {value}"
    return Scores(values, missing, style_distances(seen.pastiche, style, models.encoder))


@torch.no_grad()
def style_distances(pastiche: Tensor, style: StyleTargets, encoder: Encoder) -> dict[str, float]:
    """‖G − Gₛ‖ / ‖Gₛ‖ (Frobenius norms of Gram matrices) in each of the encoder's style layers."""
    size = min(style.statistics, key=lambda known: known.distance(pastiche.shape[2], pastiche.shape[3]))
    distances = {}
    for layer, features in encoder.features(pastiche, encoder.style_layers).items():
        goal = style.statistics[size][layer].gram
        distances[layer] = ((moments.gram(features) - goal).norm() / goal.norm().clamp_min(losses.EPSILON)).item()
    return distances


def style_distance(pastiche: Tensor, style: StyleTargets, encoder: Encoder) -> float:
    """The mean of `style_distances`."""
    distances = style_distances(pastiche, style, encoder)
    return sum(distances.values()) / len(distances)


def edge_distance(photograph: Tensor, pastiche: Tensor, models: Models) -> float:
    """Relative squared error of the edge maps that the loss compares, calibrated to the photograph's."""
    calibration = models.edges.calibrate(photograph)
    own, target = (models.edges.maps(x, calibration) for x in (pastiche, photograph))
    return losses.edge_loss(own, target).item()


def cfsd(photograph: Tensor, pastiche: Tensor, encoder: Encoder) -> float:
    """Content feature structural distance (Chung et al., "Style Injection in Diffusion", CVPR 2024, section 4.1).

    The mean over positions i of KL(Sᵢ ‖ S'ᵢ), where Sᵢ is the softmax of the cosine similarities of the photograph's
    feature at i with those everywhere, and S'ᵢ the pastiche's. The paper's sum over positions is divided by their
    number, and pictures are brought to a long side of `CFSD_SIZE`, so that the distance doesn't depend on size.
    """
    logs = []
    for x in (photograph, pastiche):
        small = image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], CFSD_SIZE))
        features = encoder.features(small, [encoder.structure_layer])[encoder.structure_layer]
        unit = F.normalize(features[0].flatten(1), dim=0)
        logs.append((unit.mT @ unit).log_softmax(dim=1))
    return F.kl_div(logs[1], logs[0], log_target=True, reduction="batchmean").item()


def total_variation(x: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, down and to the right (Rudin et al., 1992, anisotropic)."""
    return ((x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()) / 2).item()


def _map(x: Tensor) -> Map:
    array: Map = x[0, 0].cpu().double().numpy()
    return array
