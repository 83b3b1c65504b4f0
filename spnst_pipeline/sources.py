"""Source folders: which file becomes which partition, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from spnst_core.errors import InputError
from spnst_pipeline.partitions import slug

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})


@dataclass(frozen=True)
class Folder:
    """The pictures of one folder by slug, and one line for each file that isn't used."""

    path: Path
    pictures: Mapping[str, Path]
    left_out: tuple[str, ...] = field(default=())

    @classmethod
    def open(cls, location: str | None, kind: str) -> Folder:
        """List a folder. Sub-folders and hidden files aren't looked at; suffixes decide what a picture is.

        Args:
            location: the folder's path.
            kind: ``content`` or ``style``, for messages.

        Raises:
            InputError: no folder given, no such folder, no picture in it, or two files with one slug.
        """
        if not location:
            raise InputError(f"no {kind} folder: give --{kind} DIR, or set {kind} in spnst.yaml")
        path = local(location, kind)
        if not path.is_dir():
            raise InputError(f"{kind} folder {path} {'is no folder' if path.exists() else 'does not exist'}: check it")
        pictures: dict[str, Path] = {}
        left_out: list[str] = []
        for file in sorted(path.iterdir()):
            if file.name.startswith(".") or file.is_dir():
                continue
            if file.suffix.lower() not in SUFFIXES:
                left_out.append(f"{file} has no suffix of a picture ({' '.join(sorted(SUFFIXES))})")
                continue
            twin = pictures.setdefault(slug(file.stem), file)
            if twin is not file:
                raise InputError(
                    f"{twin} and {file.name} would share the name {slug(file.stem)!r} in the store: rename one of them"
                )
        if not pictures:
            raise InputError(f"{kind} folder {path} holds no picture: put files in it ending in one of {_suffixes()}")
        return cls(path, pictures, tuple(left_out))

    def without(self, unusable: Mapping[str, str]) -> Folder:
        """The folder without some pictures, given as slug → why."""
        kept = {key: path for key, path in self.pictures.items() if key not in unusable}
        return Folder(self.path, kept, (*self.left_out, *unusable.values()))

    def picture(self, key: str) -> Path:
        """The file behind a partition.

        Raises:
            InputError: the folder has no such picture any more.
        """
        if key not in self.pictures:
            raise InputError(f"{self.path} holds no picture for {key!r}: put it back or delete the partition")
        return self.pictures[key]

    def digest(self, key: str) -> str:
        """SHA-256 of the file behind a partition."""
        path = self.picture(key)
        status = path.stat()
        return _digest(path, status.st_mtime_ns, status.st_size)


def local(location: str, kind: str) -> Path:
    """A location as a path on this machine.

    Raises:
        InputError: it is a URL.
    """
    if "://" in location:
        raise InputError(f"{kind} {location} is a URL, which this version can't use yet: give a local folder")
    return Path(location).expanduser()


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))


@cache
def _digest(path: Path, modified: int, size: int) -> str:
    """Hashed once for each state of the file."""
    return sha256(path.read_bytes()).hexdigest()
