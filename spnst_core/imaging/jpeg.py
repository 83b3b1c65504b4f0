"""JPEG: its segments, told apart into those that hold pixels and those that describe them; see `png`."""

from __future__ import annotations

from typing import Any

SIGNATURE = b"\xff\xd8\xff"

_SCAN, _APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"


def separate(data: bytes) -> tuple[bytes, dict[str, Any], list[str]]:
    """Tell the pixels of a JPEG file from their description.

    Returns:
        The file with the segments that hold pixels or tell how they are coded (JFIF, Adobe's transform); EXIF, XMP and
        the ICC profile under the names that `PIL.Image.Image.info` has for them; the names of what is spoilt and was
        therefore left out. From the first scan on, or from a segment that is cut short, the file is as it was.
    """
    kept, info, profile, start = [data[:2]], dict[str, Any](), list[bytes](), 2
    while len(data) - start >= 4 and data[start] == 0xFF:
        marker = data[start + 1]
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if marker in (_SCAN, 0xFF) or end > len(data) or end < start + 4:
            break
        whole, body = data[start:end], data[start + 4 : end]
        if marker == _APP1 and body.startswith(_EXIF):
            info["exif"] = info.get("exif", _EXIF) + body[len(_EXIF) :]
        elif marker == _APP1 and body.startswith(_XMP):
            info["xmp"] = body[len(_XMP) :]
        elif marker == _APP2 and body.startswith(_ICC):
            profile.append(body[len(_ICC) :])
        elif marker in (_APP0, _APP14) or not (_APP0 <= marker <= _APP15 or marker == _COMMENT):
            kept.append(whole)
        start = end
    profile.sort()  # each part is led by its number and by how many there are
    whole_profile = bool(profile) and profile[0][1:2] == bytes((len(profile) % 256,))
    if whole_profile:
        info["icc_profile"] = b"".join(part[2:] for part in profile)
    spoilt = ["ICC profile"] if profile and not whole_profile else []
    return b"".join((*kept, data[start:])), info, spoilt
