"""PNG: its chunks, told apart into those that hold pixels and those that describe them.

A decoder gives up on a picture whose description is spoilt. It is therefore handed the chunks that hold pixels alone,
and the few descriptions that change how a picture looks are read here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from spnst_core.imaging.layouts import UnknownLayout

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LONGEST_TEXT = 16 << 20
"""Most bytes that a compressed description may have when it is inflated: the largest real colour profiles have 4 MB."""

_XMP, _IMAGEMAGICK = b"XML:com.adobe.xmp", b"Raw profile type exif"


def separate(data: bytes) -> tuple[bytes, dict[str, Any], list[str]]:
    """Tell the pixels of a PNG file from their description.

    Raises:
        UnknownLayout: a layout that Pillow decodes wrongly.

    Returns:
        The file with nothing but the chunks that hold pixels, a transparent colour among them; the descriptions under
        the names that `PIL.Image.Image.info` has for them, and ``cicp`` (primaries, transfer, matrix, full range); the
        names of what is spoilt and was therefore left out. From a chunk on that is cut short, the file is as it was.
    """
    kept, info, spoilt, end = [SIGNATURE], dict[str, Any](), list[str](), len(SIGNATURE)
    for kind, body, whole, sound in _chunks(data):
        end += len(whole)
        if kind[0] < ord("a"):  # an upper-case letter: without it there is no picture
            kept.append(whole)
        elif not sound:
            spoilt.append(kind.decode())
        elif kind == b"tRNS":
            kept.append(whole)
            info |= _transparent_level(data, body)
        elif kind not in (b"acTL", b"fcTL", b"fdAT"):  # without them an animation is its first frame
            try:
                info |= _described(kind, body)
            except (ValueError, struct.error, zlib.error):
                spoilt.append(kind.decode())
    return b"".join((*kept, data[end:])), info, spoilt


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes, bool]]:
    """Kind, content and whole of each chunk, and whether its checksum is right, up to the first that isn't whole."""
    start = len(SIGNATURE)
    while len(data) - start >= 12:
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data) or not kind.isalpha():
            return
        body = data[start + 8 : end - 4]
        crc = int.from_bytes(data[end - 4 : end], "big")
        yield kind, body, data[start:end], kind[0] < ord("a") or zlib.crc32(body, zlib.crc32(kind)) == crc
        start = end


def _transparent_level(data: bytes, body: bytes) -> dict[str, Any]:
    """The transparent level of a grey picture of less than 8 bits, which Pillow stretches, but not that level."""
    depth, colour = data[24:26]
    if depth == 16 and colour == 2:
        raise UnknownLayout("PNG, RGB of 16 bits with a transparent colour")
    if depth < 8 and colour == 0 and len(body) == 2:
        return {"transparency": int.from_bytes(body, "big") * 255 // (2**depth - 1)}
    return {}


def _described(kind: bytes, body: bytes) -> dict[str, Any]:
    """What a chunk says about the look of the picture."""
    match kind:
        case b"iCCP":
            return {"icc_profile": _inflated(body.split(b"\0", 1)[1][1:])}
        case b"cICP":
            return {"cicp": struct.unpack("4B", body)}
        case b"gAMA":
            return {"gamma": struct.unpack(">I", body)[0] / 100_000}
        case b"cHRM":
            return {"chromaticity": tuple(value / 100_000 for value in struct.unpack(">8I", body))}
        case b"sRGB":
            return {"srgb": struct.unpack("B", body)[0]}
        case b"eXIf":
            return {"exif": b"Exif\0\0" + body}
        case b"iTXt" if body.startswith(_XMP):
            packed, text = body[len(_XMP) + 1], body[len(_XMP) + 3 :].split(b"\0", 2)[2]
            return {"xmp": _inflated(text) if packed else text}
        case b"zTXt" if body.startswith(_IMAGEMAGICK):
            return {"Raw profile type exif": _inflated(body[len(_IMAGEMAGICK) + 2 :]).decode("latin-1")}
        case b"tEXt" if body.startswith(_IMAGEMAGICK):
            return {"Raw profile type exif": body[len(_IMAGEMAGICK) + 1 :].decode("latin-1")}
        case _:
            return {}


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(data, LONGEST_TEXT)
    if not inflater.eof:
        raise ValueError("cut short or too long")
    return inflated
