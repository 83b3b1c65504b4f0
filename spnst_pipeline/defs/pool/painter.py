"""A painter: a process that keeps networks and style targets in memory, and paints the rows that it is sent."""

from __future__ import annotations

import pickle
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.painting import paint
from spnst_pipeline.defs.rows import Landed, Row
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project


@dataclass(frozen=True)
class Outcome:
    """What came of a row: all that is sent back.

    Attributes:
        landed: its pastiches and films, in the order in which they were finished.
        notes: what a user should know, in lines.
    """

    landed: tuple[Landed, ...]
    notes: tuple[str, ...]


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
        _ = self._at_home(row).project.models

    def paint(self, row: Row) -> Outcome:
        """Paint what of a row the store lacks by now: an attempt that was lost may have finished some of it."""
        notes = _Notes()
        made, left = self._at_home(row).left()
        landed = [*made, *paint([left], notes)]
        return Outcome(tuple(each._replace(error=_sendable(each.error)) for each in landed), tuple(notes.lines))

    def _at_home(self, row: Row) -> Row:
        """The row, with the networks that are loaded already."""
        self._loaded = row.project.with_networks_of(self._loaded) if self._loaded else row.project
        return replace(row, project=self._loaded)


class _Notes(Listener):
    """Keeps what is noted; steps stay here."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


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
