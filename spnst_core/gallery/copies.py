"""The gallery's own copies of pictures: their paths, and how they are made."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from urllib.parse import quote

from PIL import Image

from spnst_core.gallery.description import StoredPicture

THUMBNAIL, VIEW = 320, 1280
"""Long sides in pixels. No copy is larger than its original."""

Files = dict[str, Callable[[], bytes]]
"""How to make each file, by its path in the folder."""


def stem(*names: str) -> str:
    """Names as a portable path with one folder per name: `cat` is kept; a name with other characters is hashed."""
    return "/".join(_safe(name) for name in names)


def mark(version: str) -> str:
    """The part of a file's name that stands for a version."""
    return sha256(version.encode()).hexdigest()[:10]


def href(path: str) -> str:
    """A relative path as a URL, escaped so that no character of a name can end it or form a scheme or a host.

    Raises:
        ValueError: the path is absolute, so that the gallery couldn't be moved, or would contact another machine.
    """
    if path.startswith("/"):
        raise ValueError(f"the path {path!r} must be relative to the gallery's folder")
    return quote(path, safe="/")


def copy(files: Files, picture: StoredPicture, place: str, side: int) -> str:
    """Register how to make a copy whose long side is at most ``side``, and return its address.

    The path contains the picture's version, so a file that exists is up to date.
    """
    side = min(side, max(picture.width, picture.height))
    path = f"pictures/{place}.{mark(picture.version)}.{side}.jpg"
    files[path] = lambda: jpeg(picture.load(), side)
    return href(path)


def jpeg(image: Image.Image, side: int) -> bytes:
    """An image as JPEG, its long side reduced to ``side`` pixels if it is longer."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = BytesIO()
    # Pastiches have saturated edges, on which halved chroma resolution is visible.
    small.save(out, "JPEG", quality=82 if side <= THUMBNAIL else 90, subsampling=0, optimize=True)
    return out.getvalue()


def _safe(name: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", name):
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable or 'name'}.{mark(name)}"
