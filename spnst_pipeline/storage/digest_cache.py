"""Digests: SHA-256 of objects on S3, cached across processes, because computing one means downloading the object.

A cache that can't be used, such as one in a folder that can't be written, costs time alone: nothing is known then, and
nothing is kept. The process warns of it once.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from functools import cache

from platformdirs import user_cache_path

from spnst_core.errors import printable

_log = logging.getLogger(__name__)

_TABLE = "CREATE TABLE IF NOT EXISTS digests (address TEXT PRIMARY KEY, size INTEGER, etag TEXT, sha256 TEXT)"


def known(address: str, size: int, etag: str) -> str | None:
    """The digest of an object in this state, if it has been computed before."""
    query = "SELECT sha256 FROM digests WHERE address = ? AND size = ? AND etag = ?"
    rows = _ask(query, address, size, etag)
    return str(rows[0][0]) if rows else None


def keep(address: str, size: int, etag: str, sha256: str) -> None:
    """Store the digest of an object in this state, in place of that of an earlier state."""
    _ask("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", address, size, etag, sha256)


def _ask(query: str, *values: str | int) -> list[tuple[object, ...]]:
    """The rows that the cache answers; none if it can't be used."""
    file = user_cache_path("spnst") / "digests.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=60)) as digests, digests:
            digests.execute(_TABLE)
            return digests.execute(query, values).fetchall()
    except (OSError, sqlite3.Error) as error:
        advice = "remove it, or set XDG_CACHE_HOME"
        _warn(printable(f"{file} can't be used ({error}), so pictures on S3 are downloaded to be hashed: {advice}"))
        return []


@cache
def _warn(line: str) -> None:
    """Log a line once in a process."""
    _log.warning(line)
