"""Colour: luminance, and transferring the palette of one picture to another."""

import torch
from torch import Tensor

from spnst_core.compute import moments


def luminance(x: Tensor) -> Tensor:
    """Rec. 601 luma of pictures (N, 3, H, W) in [0, 1], as (N, 1, H, W)."""
    red, green, blue = x.split(1, 1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def recolour(x: Tensor, gram: Tensor, mean: Tensor) -> Tensor:
    """The picture (1, 3, H, W), its colours mapped linearly to another picture's statistics and clamped to [0, 1].

    The Monge–Kantorovich map, which is the linear map that moves colours least: T = A^-½ (A^½ B A^½)^½ A^-½ with A the
    picture's colour covariance and B the other's (Pitié & Kokaram, CVMP 2007).

    Args:
        gram: mean products of the other picture's colour channels, (1, 3, 3).
        mean: its mean colour, (1, 3).
    """
    pixels, gram, mean = (y.cpu().double() for y in (x, gram, mean))  # MPS, for one, has no float64
    own_mean = moments.mean(pixels)
    floor = 1e-5 * torch.eye(3, dtype=pixels.dtype)
    a = moments.covariance(moments.gram(pixels), own_mean)[0] + floor
    b = moments.covariance(gram, mean)[0] + floor
    root, inverse = _square_root(a)
    middle, _ = _square_root(root @ b @ root)
    moved = (inverse @ middle @ inverse) @ (pixels[0].flatten(1) - own_mean.mT) + mean.mT
    return moved.view_as(pixels).clamp(0, 1).to(x)


def _square_root(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a symmetric positive definite matrix, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(1e-12).sqrt()
    return (vectors * roots) @ vectors.mT, (vectors / roots) @ vectors.mT
