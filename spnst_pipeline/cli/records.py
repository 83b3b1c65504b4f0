"""Records: what Dagster raises when it can't open, read or write its records, told in one line with the way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from spnst_core.errors import InputError
from spnst_pipeline.cli.database import NoAnswer, waited_for
from spnst_pipeline.storage.places import Unreachable

OPENING = 5.0
"""Most seconds for which a database server is waited for before a run begins: its settings may be wrong as well."""

_FULL = ("database or disk is full", "No space left on device", "Disk quota exceeded", "disk I/O error")
_READ_ONLY = ("readonly database", "Read-only file system", "Permission denied", "unable to open database file")
_DAMAGED = ("malformed", "not a database", "no such table", "no such column", "Can't locate revision")
_TWICE = ("more than one head", "multiple head", "overlaps with other requested revisions")

_ELSEWHERE = "or name another folder with --home"
_ANEW = f"move that folder away, {_ELSEWHERE}: new records are made, and nothing is painted again that is in the store"


class BrokenOff(Unreachable):
    """The database server stopped in the middle of a query. It may answer again by now."""


@contextmanager
def opening(home: Path) -> Iterator[None]:
    """While records are opened, everything that Dagster raises means that they, or its settings, can't be used.

    Raises:
        InputError: they can't be used.
        Unreachable: the database server doesn't answer.
    """
    try:
        with waited_for(OPENING), _told_of(home):
            yield
    except (InputError, MemoryError):
        raise
    except OSError as error:
        raise InputError(_told(home, f"{error.strerror}: {error.filename}")) from error
    except Exception as error:  # of YAML, of the configuration's schema, or of a class that it names
        problem = f"{home / 'dagster.yaml'} can't be used as settings of Dagster ({_said(error)})"
        raise InputError(f"{problem}: mend it, or remove it, and the default settings are written anew") from error


@contextmanager
def using(home: Path) -> Iterator[None]:
    """While records are used, errors of their database are told, others pass, and a server that stops is waited for.

    Raises:
        InputError: they are damaged, or can't be written.
        Unreachable: the database server doesn't answer.
        BrokenOff: it stopped in the middle of a query.
    """
    with waited_for(), _told_of(home):
        yield


@contextmanager
def _told_of(home: Path) -> Iterator[None]:
    try:
        yield
    except NoAnswer as error:
        hint = f"start it, or mend the settings in {home / 'dagster.yaml'}; then run the same command again"
        raise Unreachable(f"{error}: {hint}") from error
    except Exception as error:
        if not isinstance(error, SQLAlchemyError | CommandError | sqlite3.Error) and not _gave_up(error):
            raise
        said = _said(error.__cause__ if _gave_up(error) and isinstance(error.__cause__, Exception) else error)
        if _gave_up(error) or type(getattr(error, "orig", None)).__module__.startswith("psycopg2"):
            hint = "run the same command again, and what is missing is made"
            raise BrokenOff(f"the database of Dagster's records broke off a query ({said}): {hint}") from error
        raise InputError(_told(home, said)) from error


def _gave_up(error: Exception) -> bool:
    """Whether Dagster has tried a query in vain. Its package for Postgres is an extra, so its error goes by name."""
    return type(error).__name__ == "DagsterPostgresException"


def _told(home: Path, said: str) -> str:
    """What is wrong with records in files, and the way out."""

    def is_one_of(known: tuple[str, ...]) -> bool:
        return any(text in said for text in known)

    if is_one_of(_TWICE):
        return f"Dagster's records in {home} were spoilt when two processes opened them for the first time: {_ANEW}"
    if is_one_of(_FULL):
        return f"Dagster's records in {home} can't be written ({said}): make room on its disk, {_ELSEWHERE}"
    if is_one_of(_READ_ONLY):
        return f"Dagster's records in {home} can't be written ({said}): give yourself permission, {_ELSEWHERE}"
    if is_one_of(_DAMAGED):
        return f"Dagster's records in {home} are damaged ({said}): {_ANEW}"
    return f"Dagster's records in {home} can't be used ({said}): {_ANEW}"


def _said(error: Exception) -> str:
    """What the database or Dagster said, in short, without the statement that SQLAlchemy adds."""
    told = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    return " ".join(told.split())[:200] or type(error).__name__
