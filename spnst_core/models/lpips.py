"""LPIPS: perceptual distance of two pictures, by a network whose channel weights were fitted to human judgements.

Zhang, Isola, Efros, Shechtman & Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
CVPR 2018, arXiv:1801.03924; version 0.1 on AlexNet. Weights: torchvision's ``alexnet`` and the authors' ``alex.pth``
(see `spnst_core.models.layouts.lpips_alexnet`). It takes no part in any loss.
"""

import torch
from torch import Tensor, nn

from spnst_core.errors import InputError

CHANNELS = (64, 192, 384, 256, 256)
"""Output channels of AlexNet's five convolutions, which are compared after their ReLUs."""

TAPS = (1, 4, 7, 9, 11)
"""torchvision's indices of these ReLUs in ``features``."""

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Mean and standard deviation of ImageNet's channels for values in [-1, 1]."""

EPSILON = 1e-10
"""Added to the norm of a feature vector, as in the authors' code; a zero vector stays zero."""

SMALLEST = 31
"""Smallest side in pixels for which the second pooling has a full window."""


class LPIPS(nn.Module):
    """Distance Σₗ mean over positions of Σ_c w_lc (â_lc − b̂_lc)², with â, b̂ the feature vectors of unit length.

    Shape: two batches (N, 3, H, W) RGB in [0, 1], sides of at least `SMALLEST` px → (N,), 0 where the pictures are the
    same, without a unit; differentiable.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth, fifth = CHANNELS
        self.trunk = nn.Sequential(
            *(nn.Conv2d(3, first, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
            *(nn.Conv2d(first, second, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
            *(nn.Conv2d(second, third, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(third, fourth, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(fourth, fifth, 3, padding=1), nn.ReLU()),
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in CHANNELS)
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)

    def features(self, x: Tensor) -> list[Tensor]:
        """AlexNet's responses (N, C, h, w) after each of its ReLUs.

        Raises:
            InputError: a picture with a side shorter than `SMALLEST`.
        """
        if min(x.shape[2:]) < SMALLEST:
            raise InputError(
                f"a picture of {x.shape[3]}×{x.shape[2]} is too small for LPIPS: "
                f"use one of at least {SMALLEST} px on each side"
            )
        h = (2 * x - 1 - self.shift) / self.scale
        found = []
        for index, layer in enumerate(self.trunk):
            h = layer(h)
            if index in TAPS:
                found.append(h)
        return found

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The distance of each picture to its counterpart, (N,).

        Raises:
            InputError: batches of different shapes, or pictures that are too small.
        """
        if x.shape != y.shape:
            raise InputError(f"LPIPS compares pictures of one shape, not {tuple(x.shape)} and {tuple(y.shape)}: resize")
        distance = x.new_zeros(len(x))
        for head, a, b in zip(self.heads, self.features(x), self.features(y), strict=True):
            distance = distance + head((_unit(a) - _unit(b)).square()).mean((1, 2, 3))
        return distance


def _unit(h: Tensor) -> Tensor:
    return h / (torch.linalg.vector_norm(h, dim=1, keepdim=True) + EPSILON)
