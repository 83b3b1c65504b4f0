"""A prefix of a bucket as a place for files: what is the same on S3, Google Cloud Storage and Azure."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from typing import ClassVar, TypeVar
from uuid import uuid4

from spnst_core.errors import InputError
from spnst_pipeline.storage import digest_cache
from spnst_pipeline.storage.patience import attempts
from spnst_pipeline.storage.places import WHOLE, Entry, Place, Unreachable

T = TypeVar("T")

REQUESTS = 32
"""Concurrent requests when many files are read: each takes tens of milliseconds, nearly all of it waiting."""

PART = 8 << 20
"""Files larger than 8 MiB are uploaded in parts of that size, each retried by itself, and appear once all are there."""

PROBE = ".spnst"
"""Name of the empty object written to test for write permission. It is hidden, so it isn't an artefact."""

_ADDRESS = re.compile(r"[a-z0-9]+://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])(?:/(?P<prefix>.*?))?/?")


class InTrouble(Unreachable):
    """The service doesn't answer, or says that it can't for now."""


class Taken(Exception):
    """The condition of a request doesn't hold."""


class Prefix(Place):
    """The objects of a bucket whose keys start with ``prefix/``; no others are read, listed or written."""

    remote = True

    form: ClassVar[str]
    """How an address is written, such as ``s3://bucket/prefix``."""

    login: ClassVar[str]
    """The environment variables that credentials are set with, for messages."""

    def __init__(self, location: str) -> None:
        """The place at an address of the form `form`.

        Raises:
            InputError: the location isn't such an address.
        """
        found = _ADDRESS.fullmatch(location)
        parts = found["prefix"].split("/") if found and found["prefix"] else []
        if not found or {"", ".", ".."} & set(parts):
            hint = f"; credentials are set with {self.login}" if "@" in location else ""
            raise InputError(f"{location} is no address of a bucket and a prefix: write {self.form}{hint}")
        scheme = self.form.partition("://")[0]
        self.location = "/".join((f"{scheme}:/", found["bucket"], *parts))
        self._bucket, self._root = found["bucket"], "".join(f"{part}/" for part in parts)

    def __reduce__(self) -> tuple[type[Prefix], tuple[str]]:
        """By its address: each process has a client of its own."""
        return type(self), (self.location,)

    def locate(self, name: str) -> str:
        """The object's address."""
        return f"{self.location}/{name}"

    def read_many(self, names: Collection[str], size: int = WHOLE) -> dict[str, bytes]:
        """As `read`, for those objects that exist, `REQUESTS` at a time."""

        def look(name: str) -> bytes | None:
            try:
                return self.read(name, size)
            except FileNotFoundError:
                return None

        with ThreadPoolExecutor(REQUESTS) as threads:
            found = zip(names, threads.map(look, names), strict=True)
            return {name: data for name, data in found if data is not None}

    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of an object that still has the ETag it was listed with."""
        address = self.locate(entry.name)
        try:
            return self._read_if_unchanged(entry)
        except (Taken, FileNotFoundError) as error:
            raise InputError(f"{address} is not what it was when listed: run again when nobody writes to it") from error

    def digest(self, entry: Entry) -> str:
        """SHA-256 of an object as it was when it was listed; each state is downloaded once per machine."""
        state = (self.locate(entry.name), entry.size, entry.modified)
        digest = digest_cache.known(*state)
        if not digest:
            digest = super().digest(entry)
            digest_cache.keep(*state, digest)
        return digest

    def sweep(self) -> None:
        """Nothing to do: an object appears once it is whole."""

    def require_writable(self) -> None:
        """Test by writing an empty object, on the condition that it doesn't exist, so that only the first test writes.

        Artefacts themselves are written unconditionally: an artefact's fingerprint follows from its inputs, so either
        of two processes that make the same one may win, and one written with other settings is out of date as usual.
        A service that doesn't know the condition is written to each time.
        """
        with suppress(Taken):  # the condition is checked only after the permission
            self._put_new(PROBE)

    def refuses_to_replace(self) -> bool:
        """Whether a write on the condition that nothing is there yet is refused where something is.

        It is tried with an object that is removed again, so that the permissions to write and to remove are tested too.

        Raises:
            InputError: the object can't be written or removed.
        """
        probe = f"{PROBE}-{uuid4().hex}"
        try:
            for _ in range(2):
                self._put_new(probe)
        except Taken:
            return True
        finally:
            self.remove(probe)
        return False

    def _ask(self, address: str, request: Callable[[], T]) -> T:
        """What the service answers to a request, which is repeated while the service is in trouble.

        Raises:
            FileNotFoundError: there is no such object.
            Taken: the request's condition doesn't hold.
            Unreachable: the service was in trouble for as long as it is waited for, or doesn't let the user in.
            InputError: anything else that is wrong.
        """
        for attempt in attempts(InTrouble):
            with attempt, self._told(address):
                return request()
        raise AssertionError("tenacity either tries again or raises")

    @abstractmethod
    def _told(self, address: str) -> AbstractContextManager[None]:
        """Turns the client's errors into `FileNotFoundError`, `Taken`, or an `InputError` of one line."""

    @abstractmethod
    def _read_if_unchanged(self, entry: Entry) -> bytes:
        """All bytes of an object.

        Raises:
            Taken: its ETag is another than the entry's.
            FileNotFoundError: it is gone.
        """

    @abstractmethod
    def _put_new(self, name: str) -> None:
        """Write an empty object if there is none yet, or in any case if the service doesn't know conditions.

        Raises:
            Taken: there is one.
        """
