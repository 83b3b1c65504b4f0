"""Archives of pictures: a .zip or a plain .tar, read in place as a folder is; nothing of it is unpacked."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from spnst_core.errors import InputError, printable
from spnst_pipeline.storage.places import Entry, Listing, Unreachable

SUFFIXES = (".zip", ".tar")
COMPRESSED = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar")
"""Of archives that would have to be read from their beginning for each picture, or that no library here reads."""

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError)
_ENCRYPTED = 1
"""The bit in a member's flags."""


class Archive(Listing):
    """The files in an archive. A folder that holds everything else in it, as many programs make one, doesn't count."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)

    def locate(self, name: str) -> str:
        """The archive's path and the name in it."""
        return f"{self.path}/{name}"

    def children(self) -> list[Entry]:
        """What lies at the top of the archive, other than folders, sorted by name."""
        return [entry for entry in self.files() if "/" not in entry.name]

    def files(self, under: str = "") -> Iterator[Entry]:
        """All files of the archive, sorted by name.

        Raises:
            InputError: there is no such file, or it isn't an archive.
            Unreachable: it can't be read for now.
        """
        members = self._members()
        root = _root([name for name, _, _ in members])
        twice = {name for name, count in Counter(name for name, _, _ in members).items() if count > 1}
        for name, size, problem in sorted(set(members)):
            told = "is in the archive twice" if name in twice else problem
            shown = name.removeprefix(root)
            if shown.startswith(under):
                yield Entry(shown, size, self._state(), told)

    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of a file, provided that the archive is unchanged since it was listed."""
        if self._state() != entry.modified:
            raise InputError(f"{self.path} is not what it was when listed: run again when nobody writes to it")
        root = _root([name for name, _, _ in self._members()])
        try:
            data = self._read(root + entry.name, entry.size + 1)
        except (*_DAMAGED, KeyError) as error:
            raise InputError(f"{printable(self.locate(entry.name))} can't be read: the archive is damaged") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror}): check it") from error
        if len(data) != entry.size:
            raise InputError(f"{printable(self.locate(entry.name))} has another length than the archive says")
        return data

    def _read(self, name: str, most: int) -> bytes:
        if self.path.suffix.lower() == ".zip":
            with zipfile.ZipFile(self.path) as packed, packed.open(name) as file:
                return file.read(most)
        with tarfile.open(self.path, "r:") as archive:
            member = archive.extractfile(name)
            return member.read(most) if member else b""

    def _state(self) -> str:
        try:
            status = self.path.stat()
        except FileNotFoundError as error:
            raise InputError(f"{self.path} does not exist: check it") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror}): check it") from error
        return f"{status.st_size} {status.st_mtime_ns}"

    def _members(self) -> list[tuple[str, int, str]]:
        """Name, size and problem of each file, in the order of the archive."""
        self._state()
        try:
            if self.path.suffix.lower() == ".zip":
                with zipfile.ZipFile(self.path) as packed:
                    return [_of_zip(member) for member in packed.infolist() if not member.is_dir()]
            with tarfile.open(self.path, "r:") as archive:
                return [_of_tar(member) for member in archive if not member.isdir()]
        except _DAMAGED as error:
            raise InputError(f"{self.path} isn't a whole .zip or plain .tar: make it again, or unpack it") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror}): check it") from error


def require_readable(path: Path) -> None:
    """Refuse an archive of a kind that can't be read in place.

    Raises:
        InputError: it is one.
    """
    if path.suffix.lower() in COMPRESSED and path.is_file():
        raise InputError(f"{path} is compressed as a whole, and can't be read in place: unpack it, or make a .zip")


def _of_zip(member: zipfile.ZipInfo) -> tuple[str, int, str]:
    problem = _problem(member.filename)
    if member.flag_bits & _ENCRYPTED:
        problem = "is encrypted"
    elif stat.S_ISLNK(member.external_attr >> 16):
        problem = "is a link"
    return member.filename, member.file_size, problem


def _of_tar(member: tarfile.TarInfo) -> tuple[str, int, str]:
    name = member.name.removeprefix("./")
    return name, member.size, _problem(name) if member.isreg() else "is not a regular file"


def _problem(name: str) -> str:
    path = PurePosixPath(name)
    return "has a name that leads out of the archive" if path.is_absolute() or ".." in path.parts else ""


def _root(names: list[str]) -> str:
    """The folder, with its slash, that holds all that isn't hidden; empty if there is no such folder."""
    seen = [name for name in names if not _is_hidden(name)]
    tops = {name.partition("/")[0] if "/" in name else "" for name in seen}
    [top, *others] = tops or {""}
    return f"{top}/" if top and top != ".." and not others else ""


def _is_hidden(name: str) -> bool:
    """As what macOS adds: a folder ``__MACOSX`` of files ``._name``."""
    return PurePosixPath(name).name.startswith(".")
