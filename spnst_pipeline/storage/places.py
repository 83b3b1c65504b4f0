"""Places that hold files: a folder on this machine or a prefix of a bucket, with one interface."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import NamedTuple
from uuid import uuid4

from spnst_core.errors import InputError

WHOLE = -1
"""The ``size`` that stands for all bytes of a file."""


LEAST_ROOM = 10**8
"""Free bytes below which a folder isn't written to at all: so much a small grid takes, with Dagster's records."""


class Unreachable(InputError):
    """A place doesn't answer, or doesn't let itself be read, for now: nothing is known about what it holds.

    What was once read from it isn't gone, and isn't unfit either.
    """


ABANDONED = 24 * 3600.0
"""Age in seconds at which a half-written file is nobody's any more."""

_PART = re.compile(r"\.[0-9a-f]{32}\.part")
"""Names of half-written files."""


class Entry(NamedTuple):
    """A file as it appears in a listing."""

    name: str
    size: int
    modified: str
    """Changes when the bytes may have: the time in nanoseconds, or the ETag."""
    problem: str = ""
    """Why it can't be read, if that is known: a link that leads nowhere, a FIFO, a device."""


class Listing(ABC):
    """Files that can be listed and read, under names such as ``cat.png`` or ``holidays/cat.png``.

    Every method raises `InputError` when the place can't be used: no such bucket, a damaged archive; and `Unreachable`
    when it can't be read for now: no permission, no answer.
    """

    location: str
    """The location as the user writes it: a path, or an address such as ``s3://bucket/prefix``."""

    remote: bool
    """Whether reading a file takes a transfer over a network."""

    @property
    def beside(self) -> Place | None:
        """Where files lie that tell of the pictures, such as the definitions of blends; None: among the pictures."""
        return None

    @abstractmethod
    def locate(self, name: str) -> str:
        """The file's path or address, for messages."""

    @abstractmethod
    def children(self) -> list[Entry]:
        """What lies directly in the place, other than folders, sorted by name."""

    @abstractmethod
    def files(self, under: str) -> Iterator[Entry]:
        """All files, at any depth, below the folder ``under``, or all if that is empty, in no particular order."""

    @abstractmethod
    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of a file as it was when it was listed.

        Raises:
            InputError: it is gone, or has changed since.
        """

    def digest(self, entry: Entry) -> str:
        """SHA-256 of a file as it was when it was listed.

        Raises:
            InputError: it is gone, or has changed since.
        """
        return sha256(self.read_listed(entry)).hexdigest()


class Place(Listing):
    """Files that can be written as well, such as ``pastiche/gatys/cat.png``.

    A write is atomic: a reader sees the old bytes or the new ones, never a part. Of two concurrent writes, the one
    that ends last wins. Every method raises `InputError` when the place can't be used, a full disk for one; and
    `Unreachable` when it can't be read for now.
    """

    @abstractmethod
    def entry(self, name: str) -> Entry | None:
        """The file as it would appear in a listing; None if there is no such file."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.entry(name) is not None

    @abstractmethod
    def read(self, name: str, size: int = WHOLE) -> bytes:
        """The file's bytes, or its first ``size`` bytes.

        Raises:
            FileNotFoundError: there is no such file.
        """

    @abstractmethod
    def read_many(self, names: Collection[str], size: int = WHOLE) -> dict[str, bytes]:
        """As `read`, for those files that exist."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` under ``name``."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Put the bytes of one file under another name.

        Raises:
            FileNotFoundError: there is no file ``source``.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if it isn't there."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove the half-written files of processes that were killed, once they are older than `ABANDONED`."""

    @abstractmethod
    def require_writable(self) -> None:
        """Find out before any work is done whether files can be written.

        Raises:
            InputError: they can't.
        """


def is_hidden(name: str) -> bool:
    """Whether the name of a file, or of a folder that it lies in, begins with a dot, as ``__MACOSX/._cat.jpg``."""
    return any(part.startswith(".") and part != ".." for part in PurePosixPath(name).parts)


def is_remote(location: str) -> bool:
    """Whether a location is an address rather than a path."""
    return "://" in location


class Folder(Place):
    """A folder, which needn't exist before the first write."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)

    def __reduce__(self) -> tuple[type[Folder], tuple[Path]]:
        """By its absolute path, because another process may work in another folder."""
        return Folder, (self.path.absolute(),)

    def locate(self, name: str) -> str:
        """The file's path."""
        return str(self.path / name)

    def children(self) -> list[Entry]:
        """What lies directly in the folder, other than folders, sorted by name.

        Raises:
            InputError: there is no such folder, or it can't be listed.
        """
        if not os.path.isdir(self.path):
            raise InputError(
                f"{self.path} {'is no folder' if os.path.exists(self.path) else 'does not exist'}: check it"
            )
        try:
            with os.scandir(self.path) as found:
                return sorted(filter(None, map(_listed, found)))
        except OSError as error:
            raise _unreachable(self.location, "listed", error) from error

    def files(self, under: str) -> Iterator[Entry]:
        """All files below ``under``; a folder that isn't there holds none."""
        for folder, _, files in os.walk(self.path / under, onerror=_hidden):
            names = ((Path(folder) / file).relative_to(self.path).as_posix() for file in files)
            yield from filter(None, map(self.entry, names))

    def entry(self, name: str) -> Entry | None:
        """The file as it would appear in a listing; None if there is no such file."""
        try:
            status = (self.path / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreachable(self.locate(name), "read", error) from error
        return _entry(name, status) if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str, size: int = WHOLE) -> bytes:
        """The file's bytes, or its first ``size`` bytes."""
        try:
            with open(self.path / name, "rb") as file:
                return file.read(size)
        except FileNotFoundError:
            raise
        except IsADirectoryError as error:
            raise _refused(self.locate(name), "read", error) from error
        except OSError as error:
            raise _unreachable(self.locate(name), "read", error) from error

    def read_many(self, names: Collection[str], size: int = WHOLE) -> dict[str, bytes]:
        """As `read`, for those files that exist."""
        return {name: self.read(name, size) for name in names if self.exists(name)}

    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of a file, provided that it is unchanged since it was listed, before and after reading."""
        path = self.locate(entry.name)
        try:
            with open(path, "rb") as file:
                before = _entry(entry.name, os.fstat(file.fileno()))
                data = file.read()
                after = _entry(entry.name, os.fstat(file.fileno()))
        except FileNotFoundError as error:
            raise _refused(path, "read", error) from error
        except OSError as error:
            raise _unreachable(path, "read", error) from error
        if not before == entry == after:
            raise InputError(f"{path} is not what it was when listed: run again when nobody writes to it")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write ``data`` to a hidden file first, and then rename that to ``name``.

        Raises:
            InputError: it can't be written, or a symbolic link leads outside the folder.
        """
        self._put(name, lambda part: part.write_bytes(data))

    def copy(self, source: str, target: str) -> None:
        """Put the bytes of one file under another name."""
        if not self.exists(source):
            raise FileNotFoundError(self.locate(source))
        self._put(target, lambda part: shutil.copyfile(self.path / source, part))

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if it isn't there."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except NotADirectoryError:  # a file lies where its folder would be
            return
        except OSError as error:
            raise _refused(self.locate(name), "removed", error) from error

    def _put(self, name: str, fill: Callable[[Path], object]) -> None:
        path = self.path / name
        if not path.parent.resolve().is_relative_to(self.path.resolve()):
            raise InputError(f"{name} would lie outside {self.path}: a symbolic link leads away; remove it")
        part = path.with_name(f".{uuid4().hex}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fill(part)
            _flush(part)  # else a power cut could leave the name with none of the bytes
            os.replace(part, path)
            _flush(path.parent)
        except OSError as error:
            raise _refused(str(path), "written", error) from error
        finally:
            with suppress(OSError):  # that it can't be written is what matters
                part.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove the half-written files of processes that were killed, once they are older than `ABANDONED`."""
        for folder, _, files in os.walk(self.path):
            for part in (Path(folder) / name for name in files if _PART.fullmatch(name)):
                with suppress(OSError):  # another process sweeps as well, or it can't be removed, which costs nothing
                    if time.time() - part.stat().st_mtime > ABANDONED:
                        part.unlink()

    def require_writable(self) -> None:
        """Find out whether the folder is there, or can be made, may be written to and has `LEAST_ROOM`.

        A file without a name is made where the folder is, or will be; nothing of it stays.
        """
        above = (self.path, *self.path.absolute().parents)
        there = next(path for path in above if os.path.lexists(path))
        if not os.path.isdir(there):
            why = "is a file" if os.path.exists(there) else "is a link that leads nowhere"
            raise InputError(f"{self.path} can't be a folder, because {there} {why}: choose another")
        try:
            TemporaryFile(dir=there).close()  # permissions don't tell of /proc, nor of disks that are mounted read-only
            longest = os.pathconf(there, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
            free = shutil.disk_usage(there).free
        except OSError as error:
            why = f"nothing can be written to {there} ({error.strerror})"
            raise InputError(f"{self.path} can't be written, because {why}: choose another") from error
        missing = above[: above.index(there)]
        if any(len(os.fsencode(path.name)) > longest for path in missing):
            raise InputError(f"{self.path} can't be made, because a name may have {longest} bytes: choose another")
        if free < LEAST_ROOM:
            has = f"the disk of {there} has {free / 10**6:.0f} MB free, and {LEAST_ROOM // 10**6} MB are needed"
            raise InputError(f"{self.path} has no room: {has}. Make room, or choose another")


def _listed(file: os.DirEntry[str]) -> Entry | None:
    """An entry of a folder; one that can't be looked at is no reason to know nothing of the others."""
    try:
        status = file.stat()
    except OSError as error:  # a link that points at itself, say
        return Entry(file.name, 0, "", f"can't be read: {error.strerror}")
    if stat.S_ISDIR(status.st_mode):
        return None
    regular = stat.S_ISREG(status.st_mode)  # reading from a FIFO or a device may never end
    return _entry(file.name, status) if regular else Entry(file.name, 0, "", "is not a regular file")


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name != "posix":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(name: str, status: os.stat_result) -> Entry:
    return Entry(name, status.st_size, str(status.st_mtime_ns))


def _refused(path: str, done: str, error: OSError) -> InputError:
    hint = ": make room, and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return InputError(f"{path} can't be {done}: {error.strerror}{hint}")


def _unreachable(path: str, done: str, error: OSError) -> Unreachable:
    return Unreachable(f"{path} can't be {done} ({error.strerror}): check it")


def _hidden(error: OSError) -> None:
    """A folder that isn't there holds nothing; what one holds that can't be listed isn't known."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise _unreachable(str(error.filename), "listed", error) from error
