"""Metrics: how much of the content's structure and of the style a pastiche has. Other packages can add metrics.

A metric is *seen* if the optimiser minimised it or a close relative of it, so that a good value proves little, and
*independent* if it takes no part in the optimisation. Recipes are compared by the independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.metrics.judges import Judges, identify_judges
from spnst_core.metrics.sanity import FLAT, relief
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
from spnst_core.models.profiles import Models
from spnst_core.models.roles import Encoder
from spnst_core.objective import losses
from spnst_core.objective.targets import StyleTargets
from spnst_core.registry import Registry

SELF_SIMILARITY_SIZE = 128
"""Long side in pixels at which features of a picture are compared with each other: positions are taken in pairs."""

FAINT = 1e-3
"""Quadratic mean of a content's edge map, in [0, 1], below which it has no edges."""


@dataclass(frozen=True)
class Comparison:
    """A pastiche with its content and style, and the networks' results on them, each computed once.

    Attributes:
        content: (1, 3, H, W) RGB in [0, 1], resized to the pastiche's shape.
        pastiche: (1, 3, H, W) RGB in [0, 1].
        style: (1, 3, h, w) RGB in [0, 1], resized so that its long side is the pastiche's.
        targets: the style's feature statistics.
        models: the networks that the pastiche was optimised with.
        judges: networks that took no part in the optimisation.
    """

    content: Tensor
    pastiche: Tensor
    style: Tensor
    targets: StyleTargets
    models: Models
    judges: Judges

    @cached_property
    def edges(self) -> tuple[Map, Map]:
        """Edge maps (H, W) of content and pastiche by the judge, in [0, 1]."""
        return _map(self.judges.edges(self.content)), _map(self.judges.edges(self.pastiche))

    @cached_property
    def depth(self) -> tuple[Map, Map]:
        """Relative inverse depth (H, W) of content and pastiche by the judge."""
        return _map(self.judges.depth(self.content)), _map(self.judges.depth(self.pastiche))

    @cached_property
    def grey(self) -> tuple[Map, Map]:
        """Luminance (H, W) of content and pastiche, in [0, 1]."""
        return _map(luminance(self.content)), _map(luminance(self.pastiche))


@dataclass(frozen=True)
class Metric:
    """One column of the metric table.

    Attributes:
        key: its name in the table and in `METRICS`.
        label: its name in prose: the key in words.
        about: what it measures.
        better: whether lower or higher values are better.
        kind: ``seen`` or ``independent``, as this module's description says.
        unit: empty for a plain number.
        description: one sentence, ending in a full stop.
        take: computes the value for one pastiche; a `ValueError` says why there is none, and the score is then
            missing.
        judge: the optional judge that it needs; the metric isn't computed if that judge's weights aren't available.
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

    @property
    def heading(self) -> str:
        """The label with an arrow that tells which way is better: ``edge error ↓``."""
        return f"{self.label} {'↓' if self.better == 'lower' else '↑'}"


_BUILT_IN = (
    Metric(
        "patch_distance",
        "patch distance",
        "style",
        "lower",
        "independent",
        "intensity",
        "Sliced Wasserstein distance of 7×7 patches at three scales between pastiche and style.",
        lambda seen: patch_distance(seen.pastiche, seen.style),
    ),
    Metric(
        "edge_error",
        "edge error",
        "structure",
        "lower",
        "independent",
        "",
        "1 − correlation of the edges that a network outside the loss finds in the luminance of pastiche and content.",
        lambda seen: 1 - correlation(*seen.edges),
    ),
    Metric(
        "depth_error",
        "depth error",
        "structure",
        "lower",
        "independent",
        "",
        "1 − rank correlation of depth in the luminance of pastiche and content, by a network outside the loss.",
        lambda seen: depth_error(*seen.depth),
    ),
    Metric(
        "depth_misfit",
        "depth misfit",
        "structure",
        "lower",
        "independent",
        "standard deviations",
        "Residual of the content's depth after scaling and shifting the pastiche's, by a network outside the loss.",
        lambda seen: aligned_error(seen.depth[1], seen.depth[0]),
    ),
    Metric(
        "edge_iou",
        "edge IoU",
        "structure",
        "higher",
        "independent",
        "",
        "Soft intersection over union of the edges that the network outside the loss finds.",
        lambda seen: soft_iou(*seen.edges),
    ),
    Metric(
        "canny_f",
        "Canny F",
        "structure",
        "higher",
        "independent",
        "",
        "F-measure of the pastiche's Canny edges against the content's, within 0.75 % of the diagonal.",
        lambda seen: canny_f(*seen.grey),
    ),
    Metric(
        "ssim",
        "SSIM",
        "structure",
        "higher",
        "independent",
        "",
        "Structural similarity of the luminance to the content's.",
        lambda seen: ssim(*seen.grey),
    ),
    Metric(
        "lpips",
        "LPIPS",
        "structure",
        "lower",
        "independent",
        "",
        "Perceptual distance to the content, by AlexNet with weights learned from people's judgements.",
        lambda seen: seen.judges.perceptual(seen.pastiche, seen.content),
        "lpips",
    ),
    Metric(
        "sifid",
        "SIFID",
        "style",
        "lower",
        "independent",
        "",
        "Fréchet distance between early features of Inception for pastiche and style: FID of two pictures.",
        lambda seen: seen.judges.frechet(seen.pastiche, seen.style),
        "inception",
    ),
    Metric(
        "style_distance",
        "style distance",
        "style",
        "lower",
        "seen",
        "",
        "Relative distance of Gram matrices to the style's, averaged over the encoder's layers.",
        lambda seen: style_distance(seen.pastiche, seen.targets, seen.models.encoder),
    ),
    Metric(
        "colour_distance",
        "colour distance",
        "style",
        "lower",
        "seen",
        "",
        "Hellinger distance of the colour histograms of pastiche and style, in CIELAB.",
        lambda seen: colour_distance(seen.pastiche, seen.style),
    ),
    Metric(
        "edge_distance",
        "edge distance",
        "structure",
        "lower",
        "seen",
        "",
        "Relative squared error of the edge maps that the loss compares.",
        lambda seen: edge_distance(seen.content, seen.pastiche, seen.models),
    ),
    Metric(
        "depth_distance",
        "depth distance",
        "structure",
        "lower",
        "seen",
        "",
        "Squared error of standardised inverse depth by the network of the loss: 0 the same, 2 unrelated, 4 inverted.",
        lambda seen: depth_distance(seen.content, seen.pastiche, seen.models),
    ),
    Metric(
        "self_similarity_distance",
        "self-similarity distance",
        "structure",
        "lower",
        "seen",
        "nat",
        "How much the similarities among the encoder's features at all positions differ from the content's.",
        lambda seen: self_similarity_distance(seen.content, seen.pastiche, seen.models.encoder),
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
"""In the order of the table: the independent metrics first, and among them those of the headline."""


def _require_metric(name: str, value: Any) -> None:
    if not isinstance(value, Metric):
        raise TypeError(f"it is a {type(value).__name__}, not a spnst_core.metrics.registry.Metric")
    if value.key != name:
        raise ValueError(f'its key is "{value.key}"; entry point and key must be the same')


METRICS: Registry[Metric] = Registry(
    "metric", "spnst.metrics", {metric.key: metric for metric in _BUILT_IN}, _require_metric
)
"""Every metric by its key, in the order of the table; those that packages add come last."""


def identify_metrics() -> str:
    """A fingerprint that changes with any judge, and with any package that adds a metric."""
    added = [f"{name} {origin}" for name in METRICS if (origin := METRICS.origin(name))]
    judges = identify_judges()
    return sha256("\n".join((judges, *added)).encode()).hexdigest()[:16] if added else judges


@dataclass(frozen=True)
class Scores:
    """Metrics of one pastiche.

    Attributes:
        values: finite numbers by key, without metrics that couldn't be computed or whose judge isn't available.
        missing: why a metric couldn't be computed, by key.
        layers: the style distance in each of the encoder's style layers.
    """

    values: dict[str, float]
    missing: dict[str, str] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)


@torch.no_grad()
def measure(
    content: Tensor,
    pastiche: Tensor,
    style: Tensor,
    targets: StyleTargets,
    models: Models,
    judges: Judges,
    only: Collection[str] = (),
) -> Scores:
    """Every metric of one pastiche, or some.

    Args:
        content: (1, 3, h, w) RGB in [0, 1]; it is resized to the pastiche's shape.
        pastiche: (1, 3, H, W) RGB in [0, 1].
        style: (1, 3, h', w') RGB in [0, 1]; it is resized so that its long side is the pastiche's.
        targets: the style's statistics; those at the size nearest to the pastiche's are used.
        models: the networks that the pastiche was optimised with.
        judges: networks that took no part in the optimisation.
        only: keys of the metrics to compute; by default all.

    Raises:
        InputError: a package that adds a metric can't be imported.
    """
    height, width = pastiche.shape[2:]
    seen = Comparison(
        image_io.resize(content.to(models.device), height, width),
        pastiche.to(models.device),
        image_io.resize(style.to(models.device), *image_io.fit(style.shape[2], style.shape[3], max(height, width))),
        targets,
        models,
        judges,
    )
    values, missing = dict[str, float](), dict[str, str]()
    for metric in METRICS.values():
        if (only and metric.key not in only) or (metric.judge and not getattr(judges, metric.judge)):
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
    return Scores(values, missing, style_distances(seen.pastiche, targets, models.encoder))


@torch.no_grad()
def style_distances(pastiche: Tensor, targets: StyleTargets, encoder: Encoder) -> dict[str, float]:
    """‖G − Gₛ‖ / ‖Gₛ‖ (Frobenius norms of Gram matrices) in each of the encoder's style layers.

    A layer that doesn't respond to the style, as none of some encoders does to black, is left out.
    """
    size = min(targets.statistics, key=lambda known: known.distance(pastiche.shape[2], pastiche.shape[3]))
    distances = {}
    for layer, features in encoder.features(pastiche, encoder.style_layers).items():
        goal = targets.statistics[size][layer].gram
        if goal.norm() > losses.EPSILON:
            distances[layer] = ((moments.gram(features) - goal).norm() / goal.norm()).item()
    return distances


def style_distance(pastiche: Tensor, targets: StyleTargets, encoder: Encoder) -> float:
    """The mean of `style_distances`.

    Raises:
        ValueError: some layer doesn't respond to the style.
    """
    distances = style_distances(pastiche, targets, encoder)
    if silent := [layer for layer in encoder.style_layers if layer not in distances]:
        raise ValueError(f"the style is black or nearly so: {', '.join(silent)} of the encoder see nothing in it")
    return sum(distances.values()) / len(distances)


def edge_distance(content: Tensor, pastiche: Tensor, models: Models) -> float:
    """Relative squared error of the edge maps that the loss compares, calibrated to the content's.

    Raises:
        ValueError: the content has no edges that an error could be relative to.
    """
    calibration = models.edges.calibrate(content)
    own, target = (models.edges.maps(x, calibration) for x in (pastiche, content))
    if target.square().mean() < FAINT**2:
        raise ValueError("the content has no edges")
    return losses.edge_loss(own, target).item()


def depth_error(content: Map, pastiche: Map) -> float:
    """1 − rank correlation of two maps of inverse depth.

    Raises:
        ValueError: the content's is flat.
    """
    if relief(torch.from_numpy(content)) < FLAT:
        raise ValueError("the content's depth is flat")
    return 1 - rank_correlation(content, pastiche)


def depth_distance(content: Tensor, pastiche: Tensor, models: Models) -> float:
    """`losses.depth_loss` of the maps of inverse depth that the loss compares.

    Raises:
        ValueError: the content's is flat.
    """
    own, target = models.depth(pastiche), models.depth(content)
    if relief(target) < FLAT:
        raise ValueError("the content's depth is flat")
    return losses.depth_loss(own, target).item()


def self_similarity_distance(content: Tensor, pastiche: Tensor, encoder: Encoder) -> float:
    """How much the similarities among a picture's own features change from the content to the pastiche.

    The mean over positions i of KL(Sᵢ ‖ S'ᵢ), where Sᵢ is the softmax of the cosine similarities of the content's
    feature at i with those everywhere, and S'ᵢ the pastiche's.

    It follows the content feature structural distance, CFSD (Chung et al., "Style Injection in Diffusion", CVPR 2024,
    section 4.1), but its values can't be compared with published ones. CFSD takes relu3_1 of VGG19 at 512 px, products
    of features divided by the number of channels in place of cosines, and the sum over positions. Here, the layer is
    the encoder's own, and pictures are brought to a long side of `SELF_SIMILARITY_SIZE`; cosines and the mean make
    the distance independent of the scale of the features and nearly so of the size of the picture.
    """
    logs = []
    for x in (content, pastiche):
        small = image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], SELF_SIMILARITY_SIZE))
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
