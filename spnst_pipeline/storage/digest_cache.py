"""Digests: SHA-256 of objects on S3, cached across processes, because computing one means downloading the object."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from platformdirs import user_cache_path

from spnst_core.errors import InputError

_TABLE = "CREATE TABLE IF NOT EXISTS digests (address TEXT PRIMARY KEY, size INTEGER, etag TEXT, sha256 TEXT)"


def known(address: str, size: int, etag: str) -> str | None:
    """The digest of an object in this state, if it has been computed before."""
    with _opened() as digests:
        row = digests.execute(
            "SELECT sha256 FROM digests WHERE address = ? AND size = ? AND etag = ?", (address, size, etag)
        ).fetchone()
    return str(row[0]) if row else None


def keep(address: str, size: int, etag: str, sha256: str) -> None:
    """Store the digest of an object in this state, in place of that of an earlier state."""
    with _opened() as digests, digests:
        digests.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (address, size, etag, sha256))


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    file = user_cache_path("spnst") / "digests.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=60)) as digests:
            digests.execute(_TABLE)
            yield digests
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{file} can't be used ({error}): remove it, or set XDG_CACHE_HOME") from error
