"""Seal: the SHA-256 that an artefact's own file carries of itself, so that damage to any of its bytes is noticed.

The digest is of all bytes but its own digits. In a PNG the checksum of the chunk that holds the digits, which follows
them, is left out as well.
"""

from __future__ import annotations

import re
from hashlib import sha256
from zlib import crc32

SEAL = "seal"
"""Metadata key of the seal in an artefact's own file."""

BESIDE = "beside"
"""Metadata key, as JSON: the SHA-256 of the files that belong to an artefact, by what they are."""

BLANK = "spnst-sha256:" + "0" * 64
"""The seal of a file that isn't sealed yet."""

_PATTERN = re.compile(rb"spnst-sha256:([0-9a-f]{64})")
_PNG = b"\x89PNG\r\n\x1a\n"
_CHECKSUM = 4
"""Bytes of a PNG chunk's checksum, which ends the chunk."""


def sealed(data: bytes) -> bytes:
    """A file whose metadata holds `BLANK` under `SEAL`, with its digest in place of the zeros.

    Raises:
        ValueError: there is no such seal in it.
    """
    found = _PATTERN.search(data)
    if not found:
        raise ValueError("the file has no seal to fill in")
    start, end = found.span(1)
    whole = data[:start] + digest(data).encode() + data[end:]
    if not data.startswith(_PNG):
        return whole
    chunk = whole.rindex(b"tEXt" + SEAL.encode() + b"\0", 0, start)
    return whole[:end] + crc32(whole[chunk:end]).to_bytes(_CHECKSUM, "big") + whole[end + _CHECKSUM :]


def stated(data: bytes) -> str | None:
    """The digest that a file carries; None if it isn't sealed."""
    found = _PATTERN.search(data)
    return found[1].decode() if found else None


def digest(data: bytes) -> str:
    """The digest that a file should carry, 64 hexadecimal digits; of a file without a seal, its SHA-256."""
    found = _PATTERN.search(data)
    if not found:
        return sha256(data).hexdigest()
    start, end = found.span(1)
    seen = sha256(data[:start])
    seen.update(data[end + (_CHECKSUM if data.startswith(_PNG) else 0) :])
    return seen.hexdigest()
