"""SIFID: distance between the textures of two pictures, by the first layers of FID's Inception-v3.

Shaham, Dekel & Michaeli, "SinGAN: Learning a Generative Model from a Single Natural Image", ICCV 2019,
arXiv:1905.01164, section 3. The paper reads the network before its second pooling; its published code, which is
followed here, before the first. Weights: those that FID is defined by (see `spnst_core.models.layouts.inception_fid`),
where the paper's code took torchvision's, so distances can't be compared with the paper's own. It takes no part in any
loss.
"""

import torch
from torch import Tensor, nn

from spnst_core.errors import InputError

SMALLEST = 7
"""Smallest side in pixels that leaves one position after three convolutions."""


class InceptionStem(nn.Module):
    """Inception-v3 up to its first pooling (Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016).

    Shape: (N, 3, H, W) RGB in [0, 1], not resized → (N, 64, h, w) ≥ 0, with h = ⌊(H − 3) / 2⌋ − 1 and w alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stack = nn.Sequential(
            *(nn.Conv2d(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32, eps=1e-3), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3, bias=False), nn.BatchNorm2d(32, eps=1e-3), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64, eps=1e-3), nn.ReLU()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of every position.

        Raises:
            InputError: a picture with a side shorter than `SMALLEST`.
        """
        if min(x.shape[2:]) < SMALLEST:
            raise InputError(
                f"a picture of {x.shape[3]}×{x.shape[2]} is too small for Inception: "
                f"use one of at least {SMALLEST} px on each side"
            )
        features: Tensor = self.stack(2 * x - 1)
        return features


@torch.no_grad()
def sifid(stem: InceptionStem, x: Tensor, y: Tensor) -> float:
    """Single-image Fréchet inception distance of two pictures (1, 3, H, W) in [0, 1], whose sizes may differ."""
    return frechet_distance(*(stem(picture)[0].flatten(1).mT for picture in (x, y)))


def frechet_distance(features_a: Tensor, features_b: Tensor) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of feature vectors, (K, C) and (L, C); ≥ 0, in float64.

    |μ − ν|² + tr Σ + tr Τ − 2 tr (Σ^½ Τ Σ^½)^½ (Dowson & Landau 1982; Heusel et al., NeurIPS 2017). Covariances are
    the unbiased ones. With Σ = RᵀR and Τ = SᵀS from the QR decompositions of the centred sets, the last trace is the
    sum of the singular values of R Sᵀ: it stays real and keeps its digits where covariances are singular, as those of
    flat pictures are, while the square root of ΣΤ, which isn't symmetric, may turn out complex there or not at all,
    and roots of the eigenvalues of Σ^½ Τ Σ^½ lose half their digits near 0.

    Raises:
        InputError: sets of another width than each other, with fewer than two vectors, or with values that aren't
            finite.
    """
    if features_a.shape[1] != features_b.shape[1]:
        raise InputError(
            f"features of {features_a.shape[1]} and {features_b.shape[1]} channels can't be compared: use one network"
        )
    (mean, root), (other_mean, other_root) = _gaussian(features_a), _gaussian(features_b)
    overlap = torch.linalg.svdvals(root @ other_root.mT).sum()
    spread = root.square().sum() + other_root.square().sum() - 2 * overlap
    return ((mean - other_mean).square().sum() + spread).clamp_min(0).item()  # rounding may leave −1e-15


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C,) and a root R of the covariance RᵀR, (min(K, C), C)."""
    vectors = features.cpu().double()  # MPS, for one, has no float64
    if len(vectors) < 2:
        raise InputError(f"a Gaussian can't be fitted to {len(vectors)} feature vector(s): use a larger picture")
    if not vectors.isfinite().all():
        raise InputError("a Gaussian can't be fitted to features that aren't finite: look for NaN in the picture")
    mean = vectors.mean(0)
    root: Tensor = torch.linalg.qr(vectors - mean, mode="r").R / (len(vectors) - 1) ** 0.5
    return mean, root
