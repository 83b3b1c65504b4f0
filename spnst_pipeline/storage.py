"""The store: bytes under keys, written whole or not at all, never outside its root."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from spnst_core.errors import InputError

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Store:
    """A folder of artefacts. Keys are relative POSIX paths such as ``pastiche/structure/cat/wave.png``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where the artefact lies.

        Raises:
            InputError: a key that isn't plain: ``..``, an empty or hidden part, an odd character.
        """
        if not all(_PART.fullmatch(part) for part in key.split("/")):
            raise InputError(f"{key!r} is no key for the store: use letters, digits and . _ - between slashes")
        return self.root / key

    def exists(self, key: str) -> bool:
        """Whether there is an artefact under this key."""
        return self.path(key).is_file()

    def read(self, key: str, size: int = -1) -> bytes:
        """The artefact's bytes, or its first ``size`` bytes.

        Raises:
            FileNotFoundError: there is no such artefact.
        """
        with self.path(key).open("rb") as file:
            return file.read(size)

    def write(self, key: str, data: bytes) -> None:
        """Put ``data`` under ``key``. A reader sees the old bytes or the new ones, never a part.

        Raises:
            InputError: as `path`, or a symbolic link leads outside the root.
        """
        path = self.path(key)
        if not path.parent.resolve().is_relative_to(self.root.resolve()):
            raise InputError(f"{key} would lie outside the store {self.root}: a symbolic link leads away; remove it")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{uuid4().hex}.part")
        try:
            part.write_bytes(data)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def list(self, prefix: str) -> Iterator[str]:
        """Keys of all artefacts under the folder ``prefix``, sorted; half-written and hidden files aren't artefacts."""
        folder = self.path(prefix)
        for path in sorted(folder.rglob("*")):
            key = path.relative_to(self.root).as_posix()
            if path.is_file() and all(_PART.fullmatch(part) for part in key.split("/")):
                yield key
