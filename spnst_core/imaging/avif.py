"""AVIF and HEIC: the code points of their colours, which Pillow doesn't read."""

from __future__ import annotations

import struct
from typing import Any

_BRANDS = (b"avif", b"avis", b"mif1", b"heic", b"heix")
_COLOURS = b"colrnclx"
_PROFILES = (b"colrprof", b"colrrICC")
_HEADER = 1 << 16
"""Bytes in which the box of colours is looked for; pixels come after it."""

_BT709 = 1


def told(data: bytes) -> dict[str, Any]:
    """``cicp``, as `spnst_core.imaging.png.separate` gives it, of such a file without a profile; otherwise nothing.

    The decoder has already made full-range RGB of the pixels. Primaries and curve of BT.709 stand for sRGB, as in
    browsers (ISO/IEC 23000-22, section 7.3.6.4; ISO/IEC 14496-12, section 12.1.5).
    """
    head = data[:_HEADER]
    at = head.find(_COLOURS)
    if head[4:8] != b"ftyp" or head[8:12] not in _BRANDS or not 0 <= at <= len(head) - 15:
        return {}
    if any(profile in head for profile in _PROFILES):
        return {}
    primaries, transfer = struct.unpack_from(">HH", data, at + len(_COLOURS))
    return {} if transfer == _BT709 == primaries else {"cicp": (primaries, transfer, 0, 1)}
