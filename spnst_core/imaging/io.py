"""Image input and output, which all code goes through: decoding, limits, tensors, resizing, PNG.

Elsewhere a picture is either an 8-bit sRGB ``PIL.Image`` of mode ``RGB`` or a float32 RGB tensor in [0, 1].
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError
from torch import Tensor

from spnst_core.errors import InputError

STEEPEST = 32
"""Largest reduction factor on the tensor's own device: CUDA refuses more than 47, for lack of shared memory."""

MAX_PIXELS = 100_000_000
MIN_SIDE = 16

# Pillow knows more formats; some of them run a program (EPS) or don't hold a single picture (ICO, HDF5).
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Suffixes of the file names that `encode` knows."""

Picture = str | Path | bytes | Image.Image | npt.NDArray[Any] | Tensor
"""What `read` takes: a path, an encoded file, a PIL image, an array (H, W, 3), or a tensor (1, 3, H, W)."""

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_log = logging.getLogger(__name__)


def decode(source: Path | bytes, name: str | None = None) -> Image.Image:
    """Decode a picture file to an upright 8-bit sRGB image of mode ``RGB``.

    EXIF orientation is applied, alpha is composited over white, an ICC profile is converted to sRGB (a broken
    profile is ignored with a logged warning), 16-bit grey is scaled to 8 bits; an animation gives frame 0.

    Args:
        source: a file, or a file's bytes.
        name: what to call the picture in an error; by default the path.

    Raises:
        InputError: no such file, not a picture, damaged, smaller than ``MIN_SIDE`` on a side, or of more than
            ``MAX_PIXELS`` pixels; the size is read from the header, before any pixel is decoded.
    """
    if isinstance(source, bytes):
        return _decode(BytesIO(source), name or "the picture")
    name = name or str(source)
    if source.is_dir():
        raise _refusal(name, "is a folder, not a picture; name a file inside it")
    try:
        file = source.open("rb")
    except FileNotFoundError as error:
        raise _refusal(name, "doesn't exist; check the path") from error
    except OSError as error:
        raise _refusal(name, f"can't be opened ({error.strerror}); check its permissions") from error
    with file:
        return _decode(file, name)


def read(image: Picture, name: str = "the picture") -> Tensor:
    """Convert a picture in any accepted form to a float32 RGB tensor (1, 3, H, W) in [0, 1].

    A path or bytes are decoded; a PIL image of any mode is treated like a decoded file; a floating-point tensor
    (1, 3, H, W) or (3, H, W) is checked and keeps its device; a NumPy array (H, W, 3) is uint8 or floating-point in
    [0, 1].

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
        return to_tensor(_normalised(image, getattr(image, "filename", "") or name))
    if isinstance(image, str | Path | bytes):
        return to_tensor(decode(image, name) if isinstance(image, bytes) else decode(Path(image)))
    raise InputError(
        f"{name} can't be a {type(image).__name__}: give one path, PIL image, array (H, W, 3), tensor "
        "(1, 3, H, W), or a file's bytes; several pictures go into stylize_grid"
    )


def to_tensor(image: Image.Image) -> Tensor:
    """Convert an image of mode ``RGB`` to a float32 tensor (1, 3, H, W) in [0, 1]; for other modes use `read`."""
    if image.mode != "RGB":
        raise InputError(f"to_tensor needs an image of mode RGB, not {image.mode}; use imaging.io.read")
    pixels = torch.from_numpy(np.array(image))
    return pixels.permute(2, 0, 1)[None].float().div(255)


def to_image(x: Tensor) -> Image.Image:
    """Convert a tensor (1, 3|1, H, W) or (3|1, H, W), clamped to [0, 1], to an 8-bit image ``RGB`` or ``L``.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    planes = x[0] if x.ndim == 4 and len(x) == 1 else x
    if planes.ndim != 3 or len(planes) not in (1, 3):
        raise ValueError(f"to_image needs a tensor (1, 3|1, H, W) or (3|1, H, W), not {tuple(x.shape)}")
    if not planes.isfinite().all():
        raise ValueError("to_image got a tensor with values that are not finite")
    levels = planes.detach().float().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().squeeze(2).numpy())


def encode_png(image: Image.Image, text: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Encode as PNG; equal pixels and text give equal bytes. ``text`` goes into tEXt chunks, or iTXt beyond Latin-1.

    Raises:
        ValueError: a keyword that PNG doesn't allow (it allows 1 to 79 Latin-1 characters), or a NUL in a text.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in sorted(text.items()):
        if not 1 <= len(keyword.encode("latin-1")) <= 79 or "\0" in keyword + value:
            raise ValueError(f"PNG can't hold a text under the keyword {keyword!r}")
        chunks.add_text(keyword, value)
    out = BytesIO()
    image.save(out, "PNG", pnginfo=chunks)
    return out.getvalue()


def encode(image: Image.Image, suffix: str) -> bytes:
    """Encode in the format of a file name's suffix, one of `SUFFIXES`: PNG, or JPEG at quality 95 with full colour.

    Raises:
        InputError: another suffix.
    """
    if suffix.lower() not in SUFFIXES:
        raise InputError(f'no picture is written with the suffix "{suffix}": use one of {", ".join(SUFFIXES)}')
    if suffix.lower() == ".png":
        return encode_png(image)
    out = BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def png_text(data: bytes) -> dict[str, str]:
    """The texts that `encode_png` stored in a PNG, read without decoding pixels.

    Raises:
        InputError: ``data`` is not a PNG.
    """
    with _opened(BytesIO(data), "the PNG", ("PNG",)) as image:
        return {str(key): str(value) for key, value in image.info.items() if isinstance(value, str)}


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


def _refusal(name: str, problem: str) -> InputError:
    return InputError(" ".join(f"{name} {problem}".split()))


def _damaged(name: str, error: Exception) -> InputError:
    return _refusal(name, f"is damaged or cut short ({error}); fetch or export it again")


def _too_large(name: str) -> InputError:
    return _refusal(name, f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")


def _too_small(name: str, width: int, height: int) -> InputError:
    return _refusal(name, f"is {width}x{height} pixels; use one of at least {MIN_SIDE} on each side")


def _from_array(array: npt.NDArray[np.generic], name: str) -> Tensor:
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{name}'s array must be (H, W, 3), not {array.shape}")
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name}'s array must be uint8, or floating-point in [0, 1], not {array.dtype}")
    levels = torch.from_numpy(np.array(array, np.float32)).permute(2, 0, 1)
    return _checked(levels.div(255) if array.dtype == np.uint8 else levels, name)


def _checked(x: Tensor, name: str) -> Tensor:
    pixels = x[None] if x.ndim == 3 else x
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3):
        raise InputError(f"{name}'s tensor must be (1, 3, H, W) or (3, H, W), not {tuple(x.shape)}")
    height, width = pixels.shape[2:]
    if min(height, width) < MIN_SIDE:
        raise _too_small(name, width, height)
    if not pixels.is_floating_point():
        raise InputError(f"{name}'s tensor must be floating-point in [0, 1], not {x.dtype}; divide by 255")
    low, high = pixels.min().item(), pixels.max().item()
    if not 0 <= low <= high <= 1:
        raise InputError(f"{name}'s values must be in [0, 1]; they go from {low:g} to {high:g}")
    return pixels.float()


def _decode(file: IO[bytes], name: str) -> Image.Image:
    if not file.read(1):
        raise _refusal(name, "is empty (0 bytes); fetch or export it again")
    file.seek(0)
    with _opened(file, name, FORMATS) as image:
        return _normalised(image, name)


@contextmanager
def _opened(file: IO[bytes], name: str, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    Image.init()
    known = [f for f in formats if f in Image.OPEN]
    with warnings.catch_warnings():
        # Pillow warns of damaged metadata, which is harmless here, and of sizes below MAX_PIXELS.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(file, formats=known)
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except UnidentifiedImageError as error:
            problem = f"is not a picture that can be read; use one of {', '.join(known)}"
            raise _refusal(name, problem) from error
        except Exception as error:  # Pillow's parsers raise struct, zlib, index and value errors
            raise _damaged(name, error) from error
        with image:
            yield image


def _normalised(image: Image.Image, name: str) -> Image.Image:
    """The image upright, 8-bit, sRGB and opaque; its size is checked before any pixel is decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if min(width, height) < MIN_SIDE:
        raise _too_small(name, width, height)
    try:
        image.load()
    except Exception as error:  # as in _opened
        raise _damaged(name, error) from error
    image = ImageOps.exif_transpose(image)
    rgb = _in_srgb(_eight_bit(image, name), image.info.get("icc_profile"), name)
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
    rgb.info.clear()
    return rgb


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """The colour channels without alpha, in a mode that an ICC profile can describe: L, RGB, CMYK or LAB."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise _refusal(name, "has grey values outside 0 to 65535; save it with 8 or 16 bits a channel")
        return Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        raise _refusal(name, "has floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode in ("1", "L", "LA"):
        return image.convert("L")
    return image if image.mode in ("CMYK", "LAB") else image.convert("RGB")


def _in_srgb(image: Image.Image, icc: bytes | None, name: str) -> Image.Image:
    if image.mode == "LAB":
        return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if icc:
        try:
            return _transformed(image, ImageCms.ImageCmsProfile(BytesIO(icc)))
        except (ImageCms.PyCMSError, OSError) as error:
            _log.warning("%s: its colour profile can't be applied (%s); taken to be sRGB", name, error)
    return image.convert("RGB")


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    return ImageCms.buildTransform(profile, _SRGB, image.mode, "RGB").apply(image)
