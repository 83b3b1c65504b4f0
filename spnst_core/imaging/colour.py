"""Colour: luminance, and transferring the palette of one picture, or its colours place by place, to another."""

import torch
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.imaging.guided_filter import guided_filter
from spnst_core.imaging.lab import lab_to_rgb, rgb_to_lab

WINDOW = 1 / 512
"""Radius of the windows in which `with_colours_of` smooths colours, as a share of a picture's long side."""

SMOOTH = 2.0
"""Standard deviation of lightness, in units of CIELAB's L*, below which such a window counts as smooth."""

HALVINGS = 14
"""Steps of the search for the L* of a colour of known a*, b* and luma, which is then known to 0.01."""


def luminance(x: Tensor) -> Tensor:
    """Rec. 601 luma of pictures (N, 3, H, W) in [0, 1], as (N, 1, H, W)."""
    red, green, blue = x.split(1, 1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def recolour(x: Tensor, gram: Tensor, mean: Tensor, opacity: Tensor | None = None) -> Tensor:
    """The picture (1, 3, H, W), its colours mapped linearly to another picture's statistics and clamped to [0, 1].

    The Monge–Kantorovich map, which is the linear map that moves colours least: T = A^-½ (A^½ B A^½)^½ A^-½ with A the
    picture's colour covariance and B the other's (Pitié & Kokaram, CVMP 2007).

    Args:
        gram: mean products of the other picture's colour channels, (1, 3, 3).
        mean: its mean colour, (1, 3).
        opacity: what each pixel counts in the picture's own statistics, (1, 1, H, W); None: all count the same.
    """
    pixels, gram, mean = (y.cpu().double() for y in (x, gram, mean))  # MPS, for one, has no float64
    own_gram, own_mean = moments.moments(pixels) if opacity is None else moments.guided_moments(pixels, opacity.cpu())
    floor = 1e-5 * torch.eye(3, dtype=pixels.dtype)
    a = moments.covariance(own_gram, own_mean)[0] + floor
    b = moments.covariance(gram, mean)[0] + floor
    root, inverse = _square_root(a)
    middle, _ = _square_root(root @ b @ root)
    moved = (inverse @ middle @ inverse) @ (pixels[0].flatten(1) - own_mean.mT) + mean.mT
    return moved.view_as(pixels).clamp(0, 1).to(x)


def matched(x: Tensor, other: Tensor, strength: float, opacity: Tensor | None = None) -> Tensor:
    """A picture (1, 3, H, W) whose colours have the mean and the covariance of another's (1, 3, h, w), all in [0, 1].

    The transfer that Gatys et al. apply to the style, "Preserving Color in Neural Artistic Style Transfer"
    (arXiv:1606.05897, section 3), by the linear map of `recolour`, in gamma-encoded RGB as there.

    Args:
        strength: from 0, the picture as it is, to 1; between them, colours are mixed in that share.
        opacity: what each pixel of the picture counts, (1, 1, H, W); None: all count the same.
    """
    return x.lerp(recolour(x, moments.gram(other), moments.mean(other), opacity), strength)


def with_colours_of(content: Tensor, x: Tensor, strength: float) -> Tensor:
    """The luma of pictures (N, 3, H, W) with the colours of a content (1, 3, H, W), all in [0, 1].

    Luma is the picture's, up to rounding. a* and b* of CIELAB are the content's, smoothed by a guided filter whose
    guides are both lightnesses: colours change at edges of the strokes and of the content, and don't speckle the
    strokes between. A colour that sRGB doesn't have at the picture's luma fades towards grey.

    Args:
        strength: from 0, the picture's own colours, to 1; between them, a* and b* are mixed in that share.
    """
    if strength == 0:
        return x
    own, given = rgb_to_lab(x), rgb_to_lab(content)
    radius = round(WINDOW * max(x.shape[2:]))
    colours = guided_filter(given[:, 1:], (own[:, :1], given[:, :1]), radius, SMOOTH**2)
    return _at_luma(luminance(x), own[:, 1:].lerp(colours, strength))


def _at_luma(luma: Tensor, colours: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in [0, 1] of a luma (N, 1, H, W) whose a* and b* are nearly ``colours`` (N, 2, H, W)."""
    low, high = torch.full_like(luma, -50), torch.full_like(luma, 150)  # beyond [0, 100] for colours that sRGB lacks
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        darker = luminance(lab_to_rgb(torch.cat([middle, colours], 1))) < luma
        low, high = torch.where(darker, middle, low), torch.where(darker, high, middle)
    x = lab_to_rgb(torch.cat([(low + high) / 2, colours], 1))
    x = x + (luma - luminance(x))
    # Luma is linear in the channels: what lies between a colour and the grey of its luma has that luma as well.
    room = torch.where(x > luma, 1 - luma, luma) / (x - luma).abs().clamp_min(1e-6)
    return (luma + (x - luma) * room.amin(1, keepdim=True).clamp_max(1)).clamp(0, 1)  # of rounding


def _square_root(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The square root of a symmetric positive definite matrix, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(1e-12).sqrt()
    return (vectors * roots) @ vectors.mT, (vectors / roots) @ vectors.mT
