"""Digests: SHA-256 of files and objects, cached across processes, because computing one means reading all of it.

A cache that can't be used, such as one in a folder that can't be written, costs time alone: nothing is known then, and
nothing is kept. The process warns of it once.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import cache

from platformdirs import user_cache_path

from spnst_core.errors import printable

_log = logging.getLogger(__name__)

_TABLE = "CREATE TABLE IF NOT EXISTS digests (address TEXT PRIMARY KEY, size INTEGER, etag TEXT, sha256 TEXT)"
_SELECT = "SELECT sha256 FROM digests WHERE address = ? AND size = ? AND etag = ?"
_INSERT = "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)"

State = tuple[str, int, str]
"""A file or object in one state: its path or address, its size, and what changes with its bytes."""


def known(address: str, size: int, etag: str) -> str | None:
    """The digest of an object in this state, if it has been computed before."""
    return known_among([(address, size, etag)]).get((address, size, etag))


def known_among(states: Iterable[State]) -> dict[State, str]:
    """The digests of those states that have been computed before."""
    found: dict[State, str] = {}
    wanted = list(states)

    def look(digests: sqlite3.Connection) -> None:
        rows = ((state, digests.execute(_SELECT, state).fetchone()) for state in wanted)
        found.update({state: str(row[0]) for state, row in rows if row})

    if wanted:
        _with_cache(look)
    return found


def keep(address: str, size: int, etag: str, sha256: str) -> None:
    """Store the digest of an object in this state, in place of that of an earlier state."""
    keep_all({(address, size, etag): sha256})


def keep_all(found: Mapping[State, str]) -> None:
    """Store the digests of some states, each in place of that of an earlier state."""
    if found:
        _with_cache(lambda digests: digests.executemany(_INSERT, [(*state, digest) for state, digest in found.items()]))


def _with_cache(use: Callable[[sqlite3.Connection], object]) -> None:
    """Use the cache in one transaction, or not at all if it can't be used."""
    file = user_cache_path("spnst") / "digests.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=60)) as digests, digests:
            digests.execute(_TABLE)
            use(digests)
    except (OSError, sqlite3.Error) as error:
        advice = "remove it, or set XDG_CACHE_HOME"
        _warn(printable(f"{file} can't be used ({error}), so files are read again to be hashed: {advice}"))


@cache
def _warn(line: str) -> None:
    """Log a line once in a process."""
    _log.warning(line)
