"""Archives of pictures: a .zip or a plain .tar, read in place as a folder is; nothing of it is unpacked."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from spnst_core.errors import InputError, printable
from spnst_pipeline.storage.places import Entry, Listing, Unreachable, is_hidden

SUFFIXES = (".zip", ".tar")
COMPRESSED = (".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar")
"""Of archives that would have to be read from their beginning for each picture, or that no library here reads."""

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)
"""What is raised of broken headers, names and bytes, and of compressions that aren't known."""

_ENCRYPTED = 1
"""The bit in a member's flags."""


class Member(NamedTuple):
    """A file in an archive: its name, its size, why it can't be used, and where its bytes begin in a .tar."""

    name: str
    size: int
    problem: str
    start: int = 0


class Archive(Listing):
    """The files in an archive. A folder that holds everything else in it, as many programs make one, doesn't count."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)
        self._known: tuple[str, list[Member]] = ("", [])

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
        state, members = self._members()
        root, count = _root(members), Counter(member.name for member in members)
        for name, size, problem, _ in sorted({member.name: member for member in members}.values()):
            shown = name.removeprefix(root)
            if shown.startswith(under):
                yield Entry(shown, size, state, "is in the archive twice" if count[name] > 1 else problem)

    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of a file, provided that the archive is unchanged since it was listed."""
        state, members = self._members()
        if state != entry.modified:
            raise InputError(f"{self.path} is not what it was when listed: run again when nobody writes to it")
        name = _root(members) + entry.name
        try:
            data = self._read(next(member for member in members if member.name == name))
        except _DAMAGED as error:
            raise InputError(f"{printable(self.locate(entry.name))} can't be read: the archive is damaged") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror or error}): check it") from error
        if len(data) != entry.size:
            raise InputError(f"{printable(self.locate(entry.name))} has another length than the archive says")
        return data

    def _read(self, member: Member) -> bytes:
        if self.path.suffix.lower() == ".zip":
            with zipfile.ZipFile(self.path) as packed, packed.open(member.name) as part:
                return part.read(member.size + 1)
        with self.path.open("rb") as file:
            file.seek(member.start)
            return file.read(member.size)

    def _state(self) -> str:
        try:
            status = self.path.stat()
        except FileNotFoundError as error:
            raise InputError(f"{self.path} does not exist: check it") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror or error}): check it") from error
        return f"{status.st_size} {status.st_mtime_ns}"

    def _members(self) -> tuple[str, list[Member]]:
        """The archive's state, and its files in their order, which are listed once for each state."""
        state = self._state()
        if self._known[0] != state:
            self._known = state, self._listed()
        return self._known

    def _listed(self) -> list[Member]:
        try:
            if self.path.suffix.lower() == ".zip":
                with zipfile.ZipFile(self.path) as packed:
                    return [_of_zip(member) for member in packed.infolist() if not member.is_dir()]
            with tarfile.open(self.path, "r:") as archive:
                return [_of_tar(member) for member in archive if not member.isdir()]
        except _DAMAGED as error:
            raise InputError(f"{self.path} isn't a whole .zip or plain .tar: make it again, or unpack it") from error
        except OSError as error:
            raise Unreachable(f"{self.path} can't be read ({error.strerror or error}): check it") from error


def require_readable(path: Path) -> None:
    """Refuse an archive of a kind that can't be read in place.

    Raises:
        InputError: it is one.
    """
    if path.suffix.lower() in COMPRESSED and path.is_file():
        raise InputError(f"{path} is compressed as a whole, and can't be read in place: unpack it, or make a .zip")


def _of_zip(member: zipfile.ZipInfo) -> Member:
    problem = _problem(member.filename)
    if member.flag_bits & _ENCRYPTED:
        problem = "is encrypted"
    elif stat.S_ISLNK(member.external_attr >> 16):
        problem = "is a link"
    return Member(member.filename, member.file_size, problem)


def _of_tar(member: tarfile.TarInfo) -> Member:
    name = member.name.removeprefix("./")  # as in what `tar -C FOLDER .` makes
    regular = member.isreg() and not member.issparse()
    return Member(name, member.size, _problem(name) if regular else "is not a regular file", member.offset_data)


def _problem(name: str) -> str:
    path = PurePosixPath(name)
    return "has a name that leads out of the archive" if path.is_absolute() or ".." in path.parts else ""


def _root(members: list[Member]) -> str:
    """The folder, with its slash, that holds all that isn't hidden; empty if there is no such folder."""
    seen = [member.name for member in members if not is_hidden(member.name)]
    tops = {name.partition("/")[0] if "/" in name else "" for name in seen}
    [top, *others] = tops or {""}
    return f"{top}/" if top and top != ".." and not others else ""
