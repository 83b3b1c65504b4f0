"""Tables of pictures: a CSV or Parquet file that names paths or addresses, with a name for each if it likes.

The column ``path`` holds paths, relative to the table's folder, or addresses (``s3://``, ``gs://``, ``az://``,
``https://``, ``http://``); ``id``, if it is there, the names that the pictures' keys are made of, in place of the
files' own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import pandas as pd
import requests
from pyarrow import ArrowException

from spnst_core.errors import InputError, printable
from spnst_core.imaging.decoding import MAX_BYTES
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.patience import attempts
from spnst_pipeline.storage.places import Entry, Folder, Listing, Place, Unreachable, is_remote

PATH, ID = "path", "id"
"""The columns."""

ASKING = 16
"""Addresses asked at once for what they hold."""

TIMEOUT = 30.0
"""Seconds without a byte until a server counts as stalled."""

HEADERS = {"Accept-Encoding": "identity"}
"""With what a server is asked: its bytes as they are."""

MOST_RETRIES = 60.0
"""Seconds for which a server that doesn't answer is asked again."""


class Row(NamedTuple):
    """What a row says: a path or an address; and why it can't be used, if that is known."""

    path: str
    problem: str


class PictureTable(Listing):
    """The pictures that a table names."""

    remote = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)

    @property
    def beside(self) -> Folder:
        """The table's folder, whose other files are none of its pictures."""
        return Folder(self.path.parent)

    def locate(self, name: str) -> str:
        """The picture's path or address, without what may be secret in it."""
        return _shown(self._rows[name].path) or f"a row of {self.path}"

    def children(self) -> list[Entry]:
        """All pictures, sorted by name; those that can't be had carry the reason.

        Raises:
            InputError: there is no such table, it can't be read, or has no column ``path``.
            Unreachable: a server doesn't answer.
        """
        with ThreadPoolExecutor(ASKING) as threads:
            found = list(threads.map(self._entry, self._rows))
        return sorted(found)

    def files(self, under: str) -> Iterator[Entry]:
        """The same: a table has no folders."""
        return (entry for entry in self.children() if entry.name.startswith(under))

    def read_listed(self, entry: Entry) -> bytes:
        """All bytes of a picture, provided that it is unchanged since it was listed."""
        path = self._rows[entry.name].path
        if _is_web(path):
            data, answer = _asked(path, whole=True)
            if _version(answer) != entry.modified:
                raise InputError(f"{_shown(path)} is not what it was when listed: run again")
            return data
        place, name = self._place(path)
        return place.read_listed(entry._replace(name=name))

    @cached_property
    def _rows(self) -> Mapping[str, Row]:
        """The rows by their pictures' names, which end in the suffixes of the files."""
        try:
            if self.path.suffix.lower() == ".csv":
                table = pd.read_csv(self.path, dtype=str, keep_default_na=False)
            else:
                table = pd.read_parquet(self.path)
        except FileNotFoundError as error:
            raise InputError(f"{self.path} does not exist: check it") from error
        except OSError as error:
            raise InputError(f"{self.path} can't be read as a table ({error.strerror or error}): check it") from error
        except (ValueError, UnicodeDecodeError, ArrowException) as error:
            raise InputError(f"{self.path} isn't a whole table of its kind: make it again") from error
        if PATH not in table:
            raise InputError(f'{self.path} has no column "{PATH}": give paths or addresses of pictures in one')
        paths = [str(path).strip() for path in table[PATH].fillna("")]
        names = [str(name).strip() for name in table[ID].fillna("")] if ID in table else [""] * len(paths)
        return _named(paths, names)

    def _entry(self, name: str) -> Entry:
        path, problem = self._rows[name]
        if problem:
            return Entry(name, 0, "", problem)
        if _is_web(path):
            return _web_entry(name, path)
        try:
            place, own = self._place(path)
        except (InputError, RuntimeError) as error:  # RuntimeError: a home folder of a user that isn't known
            return Entry(name, 0, "", f"can't be used: {error}")
        found = place.entry(own)
        return found._replace(name=name) if found else Entry(name, 0, "", "does not exist")

    def _place(self, path: str) -> tuple[Place, str]:
        """The place that a row's file lies in, and its name there."""
        if is_remote(path):
            folder, _, own = path.rpartition("/")
            return open_place(folder), own
        whole = self.path.parent / Path(path).expanduser()
        return Folder(whole.parent), whole.name


def _named(paths: list[str], ids: list[str]) -> dict[str, Row]:
    """Rows by name: that of the column ``id``, or the file's own. Of rows of one name, the first alone can be used."""
    found, seen = dict[str, Row](), Counter[str]()
    for path, given in zip(paths, ids, strict=True):
        own = PurePosixPath(unquote(urlsplit(path).path) if _is_web(path) else path)
        stem, suffix = given.replace("/", "-") or own.stem, own.suffix.lower()
        seen[stem] += 1
        if seen[stem] == 1:
            problem = "has a NUL in its path" if "\0" in path else "" if path else "has no path"
            found[f"{stem}{suffix}"] = Row(path, problem)
        else:
            found[f"{stem} ({seen[stem]}){suffix}"] = Row(path, f'is another row called "{stem}": give each an id')
    return found


def _is_web(path: str) -> bool:
    return path.startswith(("https://", "http://"))


def _shown(path: str) -> str:
    """An address without passwords and without a query, which may be a signature."""
    if not is_remote(path):
        return printable(path)
    parts = urlsplit(path)
    return printable(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def _web_entry(name: str, address: str) -> Entry:
    _, answer = _asked(address, whole=False)
    if answer.status_code != requests.codes.ok:
        return Entry(name, 0, "", f"can't be had: the server answers {answer.status_code} {answer.reason}")
    length = answer.headers.get("Content-Length", "")
    return Entry(name, int(length) if length.isdigit() else 0, _version(answer))


def _version(answer: requests.Response) -> str:
    """What changes when the bytes may have, as far as the server tells."""
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or answer.headers.get("Content-Length", "")


def _asked(address: str, whole: bool) -> tuple[bytes, requests.Response]:
    """What a server answers: the picture's bytes, if they are asked for, and the head.

    Raises:
        Unreachable: no answer, or one that says that the server is in trouble.
        InputError: the picture is too large.
    """
    shown = _shown(address)
    for attempt in attempts(Unreachable, MOST_RETRIES):
        with attempt:
            try:
                with requests.get(address, stream=True, timeout=TIMEOUT, headers=HEADERS) as answer:
                    if answer.status_code >= 500 or answer.status_code == requests.codes.too_many_requests:
                        raise Unreachable(f"{shown} answers {answer.status_code} {answer.reason}: try again later")
                    return (_body(answer, shown) if whole else b""), answer
            except requests.RequestException as error:
                raise Unreachable(f"{shown} can't be reached: check it, and the network") from error
    raise AssertionError("an attempt returns or raises")


def _body(answer: requests.Response, shown: str) -> bytes:
    data = bytearray()
    for chunk in answer.iter_content(1 << 20):
        data += chunk
        if len(data) > MAX_BYTES:
            raise InputError(f"{shown} has more than {MAX_BYTES / 10**9:g} GB, more than a picture may have")
    return bytes(data)
