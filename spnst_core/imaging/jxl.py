"""JPEG XL: the size that a file's header states. The decoder tells it only after it has decoded every pixel.

ISO/IEC 18181-1, section 6.2 (SizeHeader), and 18181-2 for the boxes around a codestream.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

CODESTREAM, CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
SIGNATURES = (CODESTREAM, CONTAINER)

_LENGTHS = (9, 13, 18, 30)
"""Numbers of bits in which a side may be written."""

_RATIOS = {1: (1, 1), 2: (6, 5), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width by height, where the width isn't written."""


def size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of a file that begins with one of the `SIGNATURES`.

    Raises:
        ValueError: it is cut short, or its boxes don't hold a picture.
    """
    stream = data if data.startswith(CODESTREAM) else _codestream(data)
    bits = int.from_bytes(stream[2:11], "little")  # the longest: 1 + 2 + 30 + 3 + 2 + 30 bits
    if len(stream) < 11:
        raise ValueError("the header is cut short")
    at = 0

    def take(count: int) -> int:
        nonlocal at
        found = bits >> at & (1 << count) - 1
        at += count
        return found

    small = bool(take(1))
    height = _side(take, small)
    ratio = take(3)
    if ratio == 0:
        return _side(take, small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _side(take: Callable[[int], int], small: bool) -> int:
    return 8 * (take(5) + 1) if small else take(_LENGTHS[take(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream in a container: in its box ``jxlc``, or in the first of its boxes ``jxlp``."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            (length,), head = struct.unpack_from(">Q", data, at + 8), 16
        start = at + head + (4 if kind == b"jxlp" else 0)
        if kind in (b"jxlc", b"jxlp"):
            if not data[start:].startswith(CODESTREAM):
                break
            return data[start : start + 64]
        if length < head:
            break
        at += length
    raise ValueError("its boxes hold no picture")
