"""The gallery's own copies of pictures: where they lie, and how they are made."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from urllib.parse import quote

from PIL import Image

from spnst_core.gallery.description import Picture

THUMBNAIL, VIEW = 320, 1280
"""Long sides in pixels. No copy is larger than its original."""

Files = dict[str, Callable[[], bytes]]
"""How to make each file, by its path in the folder."""


def stem(*names: str) -> str:
    """Names as a path that every file system holds, one folder each: `cat` stays; any other text is hashed."""
    return "/".join(_safe(name) for name in names)


def mark(version: str) -> str:
    """A version as the part of a file's name that changes with it."""
    return sha256(version.encode()).hexdigest()[:10]


def href(path: str) -> str:
    """A relative path as an address: no character of a name can end it, or make a scheme or a host of it.

    Raises:
        ValueError: the path is absolute, so that the gallery couldn't be moved, or would ask another machine.
    """
    if path.startswith("/"):
        raise ValueError(f"the path {path!r} must be relative to the gallery's folder")
    return quote(path, safe="/")


def copy(files: Files, picture: Picture, place: str, side: int) -> str:
    """Note how to make a copy whose long side is at most ``side``, and give its address.

    The path holds the picture's version: a file that is there is up to date.
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
    # Paintings have saturated edges, on which halved chroma shows.
    small.save(out, "JPEG", quality=82 if side <= THUMBNAIL else 90, subsampling=0, optimize=True)
    return out.getvalue()


def _safe(name: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", name):
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable or 'name'}.{mark(name)}"
