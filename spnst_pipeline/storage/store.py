"""The store: artefacts by path, written atomically, and never outside its folder or prefix."""

from __future__ import annotations

import re
from collections.abc import Collection

from spnst_core.errors import InputError
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import WHOLE, Entry, Place

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Store:
    """Artefacts in a folder or under a prefix of a bucket, with the same layout and the same atomicity.

    A path is relative and in POSIX form, such as ``pastiche/structure/cat/wave.png``. Every method that takes one
    raises `InputError` if it is invalid: ``..``, an empty or hidden part, or a character outside ``A-Za-z0-9._-``.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    @classmethod
    def open(cls, location: str) -> Store:
        """The store at a folder's path or a prefix's address (`open_place`); it needn't exist yet.

        Raises:
            InputError: the location can't be used.
        """
        return cls(open_place(location))

    @property
    def location(self) -> str:
        """The folder's path, or the prefix's address."""
        return self._place.location

    @property
    def remote(self) -> bool:
        """Whether reading an artefact takes a transfer over a network."""
        return self._place.remote

    def locate(self, path: str) -> str:
        """The path or address of an artefact, for messages."""
        return self._place.locate(_plain(path))

    def exists(self, path: str) -> bool:
        """Whether there is an artefact at this path."""
        return self._place.exists(_plain(path))

    def entry(self, path: str) -> Entry | None:
        """The artefact as it would appear in a listing; None if there is none."""
        return self._place.entry(_plain(path))

    def read(self, path: str, size: int = WHOLE) -> bytes:
        """The artefact's bytes, or its first ``size`` bytes.

        Raises:
            FileNotFoundError: there is no such artefact.
        """
        return self._place.read(_plain(path), size)

    def read_many(self, paths: Collection[str], size: int = WHOLE) -> dict[str, bytes]:
        """As `read`, for those artefacts that exist; in a bucket, many at a time."""
        return self._place.read_many([_plain(path) for path in paths], size)

    def write(self, path: str, data: bytes) -> None:
        """Put ``data`` at ``path``. A reader sees the old bytes or the new ones, never a part.

        Raises:
            InputError: it can't be written; what was there before is still there.
        """
        self._place.write(_plain(path), data)

    def copy(self, source: str, target: str) -> None:
        """Copy an artefact to another path, as atomically as `write`; in a bucket nothing is downloaded.

        Raises:
            FileNotFoundError: there is no artefact ``source``.
        """
        self._place.copy(_plain(source), _plain(target))

    def remove(self, path: str) -> None:
        """Remove an artefact; nothing happens if there is none.

        Raises:
            InputError: it can't be removed.
        """
        self._place.remove(_plain(path))

    def entries(self, prefix: str) -> list[Entry]:
        """All artefacts in the folder ``prefix``, by path. Half-written and hidden files aren't artefacts."""
        return sorted(entry for entry in self._place.files(_plain(prefix)) if _is_plain(entry.name))

    def list(self, prefix: str) -> list[str]:
        """Sorted paths of all artefacts in the folder ``prefix``."""
        return [entry.name for entry in self.entries(prefix)]

    def sweep(self) -> None:
        """Remove what processes that were killed left half-written, once it is too old to be anyone's."""
        self._place.sweep()

    def require_writable(self) -> None:
        """Find out before any work is done whether artefacts can be written.

        Raises:
            InputError: they can't.
        """
        self._place.require_writable()


def _plain(path: str) -> str:
    if not _is_plain(path):
        raise InputError(f"{path!r} is no path in the store: use letters, digits and . _ - between slashes")
    return path


def _is_plain(path: str) -> bool:
    return all(map(_PART.fullmatch, path.split("/")))
