"""Image input and output, which all code goes through: pictures, tensors, resizing, PNG.

Elsewhere a picture is either an 8-bit sRGB ``PIL.Image`` of mode ``RGB`` or a float32 RGB tensor in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, PngImagePlugin
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.imaging.decoding import MAX_PIXELS as MAX_PIXELS
from spnst_core.imaging.decoding import MIN_SIDE as MIN_SIDE
from spnst_core.imaging.decoding import OPACITY, normalise, opened, refusal, too_small
from spnst_core.imaging.decoding import decode as decode

STEEPEST = 32
"""Largest reduction factor on the tensor's own device: CUDA refuses more than 47, for lack of shared memory."""

STRIP = 256
"""Rows of a picture that are converted to a tensor at a time."""

Picture = str | Path | bytes | Image.Image | npt.NDArray[Any] | Tensor
"""What `read` takes: a path, an encoded file, a PIL image, an array (H, W, 3), or a tensor (1, 3, H, W)."""


@torch.inference_mode(False)
def read(image: Picture, name: str = "the picture") -> Tensor:
    """Convert a picture in any accepted form to a float32 RGB tensor (1, 3, H, W) in [0, 1].

    A path or bytes are decoded; a PIL image of any mode is treated like a decoded file; a floating-point tensor
    (1, 3, H, W) or (3, H, W) is checked, detached from its graph, and keeps its device; a NumPy array (H, W, 3) is
    uint8 or floating-point in [0, 1].

    Args:
        image: the picture.
        name: what to call it in an error; a file goes by its path.

    Raises:
        InputError: as `decode`; a tensor or an array of another shape, type or range; any other object.
    """
    if isinstance(image, Tensor):
        return _checked(image, name)
    if isinstance(image, np.ndarray):
        return _from_array(image, name)
    if isinstance(image, Image.Image):
        return to_tensor(normalise(image, getattr(image, "filename", "") or name))
    if isinstance(image, str | Path | bytes):
        return to_tensor(decode(image, name) if isinstance(image, bytes) else decode(Path(image)))
    raise InputError(
        f"{name} can't be a {type(image).__name__}: give one path, PIL image, array (H, W, 3), tensor "
        "(1, 3, H, W), or a file's bytes; several pictures go into stylize_grid, or into a Blend"
    )


def read_with_opacity(image: Picture, name: str = "the picture") -> tuple[Tensor, Tensor | None]:
    """As `read`, with the opacity of each pixel, (1, 1, H, W) in [0, 1]; None if all are opaque.

    Pixels that are transparent in part have the colours that the file gives them, not mixed with white; those that are
    hidden altogether are white.

    Raises:
        InputError: as `read`, or all pixels are hidden.
    """
    if isinstance(image, Image.Image):
        seen = normalise(image, getattr(image, "filename", "") or name)
    elif isinstance(image, bytes):
        seen = decode(image, name)
    elif isinstance(image, str | Path):
        seen, name = decode(Path(image)), str(image)
    else:
        return read(image, name), None
    x = to_tensor(seen)
    if OPACITY not in seen.info:
        return x, None
    opacity = torch.from_numpy(np.array(seen.info[OPACITY], np.float32))[None, None] / 255
    if not opacity.any():
        raise refusal(name, "is transparent everywhere: there is nothing to paint")
    straight = ((x - (1 - opacity)) / opacity.clamp_min(1 / 255)).clamp(0, 1)
    return torch.where(opacity > 0, straight, 1.0), opacity


def with_alpha(image: Image.Image, name: str) -> Image.Image:
    """A decoded picture as ``RGBA``, with the colours of `read_with_opacity`, or as it is if all of it is opaque.

    Raises:
        InputError: all pixels are hidden; ``name`` is what the error calls the picture.
    """
    return to_image(*read_with_opacity(image, name)) if OPACITY in image.info else image


def to_tensor(image: Image.Image) -> Tensor:
    """Convert an image of mode ``RGB`` to a float32 tensor (1, 3, H, W) in [0, 1]; for other modes use `read`."""
    if image.mode != "RGB":
        raise InputError(f"to_tensor needs an image of mode RGB, not {image.mode}; use imaging.io.read")
    pixels = torch.empty(image.height, image.width, 3)
    for top in range(0, image.height, STRIP):  # so that a large picture isn't held a third time, as an array
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        pixels[top : top + STRIP] = torch.from_numpy(np.array(strip))
    return pixels.permute(2, 0, 1)[None].div_(255)


def to_image(x: Tensor, opacity: Tensor | None = None) -> Image.Image:
    """Convert a tensor (1, 3|1, H, W) or (3|1, H, W), clamped to [0, 1], to an 8-bit image ``RGB`` or ``L``.

    Args:
        opacity: of each pixel, (1, 1, H, W) in [0, 1]: the image then is ``RGBA`` or ``LA``.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    planes = x[0] if x.ndim == 4 and len(x) == 1 else x
    if planes.ndim != 3 or len(planes) not in (1, 3):
        raise ValueError(f"to_image needs a tensor (1, 3|1, H, W) or (3|1, H, W), not {tuple(x.shape)}")
    if not planes.isfinite().all():
        raise ValueError("to_image got a tensor with values that are not finite")
    levels = planes.detach().float().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    image = Image.fromarray(levels.permute(1, 2, 0).contiguous().squeeze(2).numpy())
    if opacity is not None:
        image.putalpha(to_image(opacity))
    return image


def encode_png(image: Image.Image, text: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Encode as PNG; equal pixels and text give equal bytes.

    Raises:
        ValueError: as `png_texts`.
    """
    out = BytesIO()
    image.save(out, "PNG", pnginfo=png_texts(text))
    return out.getvalue()


def png_texts(text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    """Texts by keyword as PNG's chunks: tEXt, or iTXt beyond Latin-1.

    Raises:
        ValueError: a keyword that PNG doesn't allow (it allows 1 to 79 Latin-1 characters), or a NUL in a text.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in sorted(text.items()):
        if not 1 <= len(keyword.encode("latin-1")) <= 79 or "\0" in keyword + value:
            raise ValueError(f"PNG can't hold a text under the keyword {keyword!r}")
        chunks.add_text(keyword, value)
    return chunks


def png_text(data: bytes) -> dict[str, str]:
    """The texts that `encode_png` stored in a PNG, read without decoding pixels.

    Raises:
        InputError: ``data`` is not a PNG.
    """
    with opened(data, "the PNG", ("PNG",)) as image:
        return {str(key): str(value) for key, value in image.info.items() if isinstance(value, str)}


def png_size(head: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG, by its first 24 bytes: they lie at the same place in every one."""
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def fit(height: int, width: int, size: int) -> tuple[int, int]:
    """(height, width) scaled so that the long side is ``size`` pixels and the short side at least 1."""
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Antialiased bicubic resampling of (N, C, H, W) to (N, C, height, width), in [0, 1]; differentiable.

    As Pillow's BICUBIC: Keys' kernel (1981, a = -1/2), widened by the reduction factor against aliasing, with its
    overshoot clamped. Reductions by more than `STEEPEST` are computed on the CPU.
    """
    steep = x.shape[2] > STEEPEST * height or x.shape[3] > STEEPEST * width
    seen = x.cpu() if steep else x
    return F.interpolate(seen, (height, width), mode="bicubic", antialias=True).clamp(0, 1).to(x.device)


def _from_array(array: npt.NDArray[np.generic], name: str) -> Tensor:
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{name}'s array must be (H, W, 3), not {array.shape}")
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name}'s array must be uint8, or floating-point in [0, 1], not {array.dtype}")
    levels = torch.from_numpy(np.array(array, np.float32)).permute(2, 0, 1)
    return _checked(levels.div(255) if array.dtype == np.uint8 else levels, name)


def _checked(x: Tensor, name: str) -> Tensor:
    plain = x.clone() if x.is_inference() else x.detach()  # for gradients to flow beside it
    pixels = plain[None] if plain.ndim == 3 else plain
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3):
        raise InputError(f"{name}'s tensor must be (1, 3, H, W) or (3, H, W), not {tuple(x.shape)}")
    height, width = pixels.shape[2:]
    if min(height, width) < MIN_SIDE:
        raise too_small(name, width, height)
    if not pixels.is_floating_point():
        raise InputError(f"{name}'s tensor must be floating-point in [0, 1], not {x.dtype}; divide by 255")
    low, high = pixels.min().item(), pixels.max().item()
    if not 0 <= low <= high <= 1:
        raise InputError(f"{name}'s values must be in [0, 1]; they go from {low:g} to {high:g}")
    return pixels.float()
