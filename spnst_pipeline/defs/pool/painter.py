"""A painter: a process that keeps networks and style targets in memory, and paints the rows that it is sent."""

from __future__ import annotations

import logging
import pickle
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from spnst_core.errors import InputError
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.networks import load_networks
from spnst_pipeline.defs.painting import paint
from spnst_pipeline.defs.rows import Landed, Row
from spnst_pipeline.defs.run_log import LogListener
from spnst_pipeline.defs.tracing import span
from spnst_pipeline.progress import Said, Spent
from spnst_pipeline.project import Project


@dataclass(frozen=True)
class Outcome:
    """What came of a row: all that is sent back.

    Attributes:
        landed: its pastiches and films, in the order in which they were finished.
        spent: what each batch of it took.
        said: its log.
    """

    landed: tuple[Landed, ...]
    spent: tuple[Spent, ...]
    said: tuple[Said, ...]


class Painter:
    """Paints rows of projects that have the same networks."""

    def __init__(self) -> None:
        self._loaded: Project | None = None

    def prepare(self, row: Row) -> None:
        """Load the networks for a row, unless they are loaded.

        Raises:
            InputError: the networks can't be had here, or the row's store isn't the one that is seen here.
        """
        store, content = row.project.store, ArtefactId("content_image", content=row.content)
        if not store.exists(content.path):
            raise InputError(
                f"the painter on {socket.gethostname()} finds no {content} in {store.location}: use a store on S3, or "
                "a folder that all nodes of the cluster share"
            )
        load_networks(self._at_home(row).project, row.trace)

    def paint(self, row: Row) -> Outcome:
        """Paint what of a row the store lacks by now: an attempt that was lost may have finished some of it."""
        told, styles = _Told(), [cell.style for cell in row.cells]
        about = {"painter": socket.gethostname(), "recipe": row.recipe.name, "content": row.content, "styles": styles}
        with span("painter", row.trace, **about), _Warnings(told):
            made, left = self._at_home(row).left()
            landed = [*made, *paint([left], told)]
        sent = tuple(each._replace(error=_sendable(each.error)) for each in landed)
        return Outcome(sent, tuple(told.took), tuple(told.lines))

    def _at_home(self, row: Row) -> Row:
        """The row, with the networks that are loaded already."""
        self._loaded = row.project.with_networks_of(self._loaded) if self._loaded else row.project
        return replace(row, project=self._loaded)


class _Told(LogListener):
    """Keeps the lines that a run in one process would log, and what its batches took, to be sent back."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Said] = []
        self.took: list[Spent] = []

    def said(self, said: Said) -> None:
        host = socket.gethostname()
        line = said.line if said.note else f"{said.line} · on {host}"
        self.lines.append(said._replace(line=line, fields={"painter": host, **said.fields}))

    def spent(self, recipe: Recipe, spent: Spent) -> None:
        self.took.append(spent)


class _Warnings(logging.Handler):
    """While it is entered, has a listener keep the warnings of the library and of the pipeline as well."""

    def __init__(self, told: _Told) -> None:
        super().__init__(logging.WARNING)
        self._told, self._loggers = told, [logging.getLogger(name) for name in ("spnst_core", "spnst_pipeline")]

    def emit(self, record: logging.LogRecord) -> None:
        self._told.said(Said(record.created, record.levelno, record.getMessage(), {}, note=True))

    def __enter__(self) -> None:
        for logger in self._loggers:
            logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        for logger in self._loggers:
            logger.removeHandler(self)


class Elsewhere(Exception):
    """The traceback of an error in another process."""


class _OnItsWay(Exception):
    """An error that arrives in another process as itself, with its traceback there as its cause."""

    def __init__(self, error: Exception) -> None:
        self.error, self.trace = error, "".join(traceback.format_exception(error))

    def __reduce__(self) -> tuple[Callable[..., Exception], tuple[Exception, str]]:
        return _arrived, (self.error, self.trace)


def _arrived(error: Exception, trace: str) -> Exception:
    error.__cause__ = Elsewhere(trace)
    return error


def _sendable(error: Exception | None) -> Exception | None:
    """What arrives as the error; if that can't be pickled, as one that says the same."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - it was pickled here
    except Exception:  # whatever another package's error raises there
        told = RuntimeError(in_one_line(error))
        told.__cause__ = error
        return _OnItsWay(told)
    return _OnItsWay(error)
