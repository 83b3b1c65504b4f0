"""Database: a Postgres server that holds Dagster's records is waited for when it doesn't answer.

Dagster connects to it anew for each query. By itself it tries six times within some seconds, and logs each time in
several lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect

from spnst_pipeline.storage.patience import attempts


class NoAnswer(Exception):
    """The database server didn't answer for as long as it was waited for."""


@contextmanager
def waited_for(most: float = float("inf")) -> Iterator[None]:
    """Within, a server that doesn't answer is asked again as `spnst_pipeline.storage.patience.attempts` does.

    Once that was in vain, it is asked once for each further query, so that nothing waits twice.

    Args:
        most: seconds after which it is given up, if that is less.

    Raises:
        NoAnswer: it was given up.
    """
    given_up = False

    def connect(dialect: Dialect, record: Any, arguments: Any, options: Any) -> DBAPIConnection | None:
        nonlocal given_up
        if dialect.name != "postgresql":
            return None  # SQLAlchemy then connects by itself
        trouble = dialect.loaded_dbapi.OperationalError
        try:
            asked = attempts(trouble, 0 if given_up else most, _told)
            return asked(dialect.connect, *arguments, **options)
        except trouble as error:
            given_up = True
            raise NoAnswer(_told(error)) from error

    event.listen(Engine, "do_connect", connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connect)


def _told(error: BaseException) -> str:
    return f"the database of Dagster's records doesn't answer ({' '.join(str(error).split())})"
