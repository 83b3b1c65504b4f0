"""Scores of a pastiche against its style that use pixels and no network: pure functions.

Shape:
    Pictures are (1, 3, H, W), RGB in [0, 1]; the two of a pair may differ in size.
"""

import numpy as np
import torch
import torch.nn.functional as F
from skimage.color import rgb2lab
from torch import Tensor

from spnst_core.imaging import io as image_io

SCALES = (1.0, 0.5, 0.25)
"""Sizes at which patches are compared, as fractions of the pictures' own size."""

PATCH, SAMPLES, DIRECTIONS = 7, 4096, 128
"""Side of a patch in pixels, patches taken from a picture at each scale, and directions they are projected on."""

BINS = 8
"""Bins of each colour axis."""


def patch_distance(pastiche: Tensor, style: Tensor, seed: int = 0) -> float:
    """Sliced Wasserstein distance of the patches of two pictures, averaged over `SCALES`, in units of intensity.

    At each scale `SAMPLES` patches of `PATCH`² pixels are taken at random places of each picture and projected on
    `DIRECTIONS` random unit vectors; the mean absolute difference of the sorted projections is the Wasserstein-1
    distance of two such samples in one dimension (Rabin et al., "Wasserstein Barycenter and Its Application to Texture
    Mixing", SSVM 2011). Places and directions depend on the seed and the shapes alone.

    Raises:
        ValueError: a picture is smaller than a patch at the smallest scale.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = F.normalize(torch.randn(3 * PATCH**2, DIRECTIONS, generator=generator), dim=0)
    distances = []
    for scale in SCALES:
        one, other = (_projected(x, scale, directions, generator) for x in (pastiche, style))
        distances.append((one - other).abs().mean())
    return torch.stack(distances).mean().item()


def _projected(x: Tensor, scale: float, directions: Tensor, generator: torch.Generator) -> Tensor:
    """Sorted projections (DIRECTIONS, SAMPLES) of patches taken at random places of a picture."""
    height, width = (round(side * scale) for side in x.shape[2:])
    if min(height, width) < PATCH:
        raise ValueError(
            f"a picture of {x.shape[3]}x{x.shape[2]} has no patches of {PATCH} px at {scale:g} of its size"
        )
    small = x.cpu() if scale == 1 else image_io.resize(x.cpu(), height, width)
    patches = F.unfold(small, PATCH)[0].T
    chosen = torch.randint(len(patches), (SAMPLES,), generator=generator)
    # NumPy sorts lines of float32 eight times as fast as PyTorch.
    return torch.from_numpy(np.sort((patches[chosen] @ directions).T.numpy(), axis=1))


def colour_distance(pastiche: Tensor, style: Tensor) -> float:
    """Hellinger distance √(1 − Σ√(p·q)) of the colour histograms of two pictures, in [0, 1].

    Histograms have `BINS` bins on each axis of CIELAB, over the range of sRGB.
    """
    p, q = (_histogram(x) for x in (pastiche, style))
    return max(0.0, 1 - (p * q).sqrt().sum().item()) ** 0.5


def _histogram(x: Tensor) -> Tensor:
    lab = torch.from_numpy(rgb2lab(x[0].permute(1, 2, 0).cpu().double().numpy())).flatten(0, 1)
    low, high = torch.tensor([0.0, -87.0, -108.0]), torch.tensor([100.0, 99.0, 95.0])
    bins = ((lab - low) / (high - low) * BINS).long().clamp(0, BINS - 1)
    flat = (bins[:, 0] * BINS + bins[:, 1]) * BINS + bins[:, 2]
    return torch.bincount(flat, minlength=BINS**3).double() / len(flat)
