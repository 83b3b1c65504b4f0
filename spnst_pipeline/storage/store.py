"""The store: artefacts under keys, written atomically, and never outside its folder or prefix."""

from __future__ import annotations

import re
from collections.abc import Collection

from spnst_core.errors import InputError
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import WHOLE, Place

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Store:
    """Artefacts in a folder or under a prefix of an S3 bucket, with the same layout and the same atomicity.

    Keys are relative POSIX paths such as ``pastiche/structure/cat/wave.png``. Every method that takes one raises
    `InputError` for an invalid key: ``..``, an empty or hidden part, or a character outside ``A-Za-z0-9._-``.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    @classmethod
    def open(cls, location: str) -> Store:
        """The store at a folder's path or ``s3://bucket/prefix``; it needn't exist yet.

        Raises:
            InputError: the location can't be used.
        """
        return cls(open_place(location))

    @property
    def location(self) -> str:
        """The folder's path, or ``s3://bucket/prefix``."""
        return self._place.location

    def locate(self, key: str) -> str:
        """The path or address of an artefact, for messages."""
        return self._place.locate(_plain(key))

    def exists(self, key: str) -> bool:
        """Whether there is an artefact under this key."""
        return self._place.exists(_plain(key))

    def read(self, key: str, size: int = WHOLE) -> bytes:
        """The artefact's bytes, or its first ``size`` bytes.

        Raises:
            FileNotFoundError: there is no such artefact.
        """
        return self._place.read(_plain(key), size)

    def read_many(self, keys: Collection[str], size: int = WHOLE) -> dict[str, bytes]:
        """As `read`, for those artefacts that exist; on S3, many at a time."""
        return self._place.read_many([_plain(key) for key in keys], size)

    def write(self, key: str, data: bytes) -> None:
        """Put ``data`` under ``key``. A reader sees the old bytes or the new ones, never a part.

        Raises:
            InputError: it can't be written; what was there before is still there.
        """
        self._place.write(_plain(key), data)

    def copy(self, source_key: str, target_key: str) -> None:
        """Put an artefact's bytes under another key, as atomically as `write`; on S3 they aren't downloaded.

        Raises:
            FileNotFoundError: there is no artefact ``source_key``.
        """
        self._place.copy(_plain(source_key), _plain(target_key))

    def remove(self, key: str) -> None:
        """Remove an artefact; nothing happens if there is none.

        Raises:
            InputError: it can't be removed.
        """
        self._place.remove(_plain(key))

    def list(self, prefix: str) -> list[str]:
        """Keys of all artefacts under the folder ``prefix``, sorted; half-written and hidden files aren't artefacts."""
        return sorted(key for key in self._place.names(_plain(prefix)) if _is_plain(key))

    def require_writable(self) -> None:
        """Find out before any work is done whether artefacts can be written.

        Raises:
            InputError: they can't.
        """
        self._place.require_writable()


def _plain(key: str) -> str:
    if not _is_plain(key):
        raise InputError(f"{key!r} is no key for the store: use letters, digits and . _ - between slashes")
    return key


def _is_plain(key: str) -> bool:
    return all(map(_PART.fullmatch, key.split("/")))
