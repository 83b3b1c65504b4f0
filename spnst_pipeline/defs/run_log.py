"""Progress in the log of a Dagster run, for runs that no command shows, and in what a painter elsewhere sends back."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from spnst_pipeline.defs.log_records import extra
from spnst_pipeline.progress import Listener, Reading, Said, describe

if TYPE_CHECKING:
    from spnst_core.optim.optimize import Iterate
    from spnst_core.recipes.recipe import Recipe


class LogListener(Listener):
    """Writes to the log of the Dagster run that the asset belongs to: each batch and note, and steps now and then.

    Args:
        seconds: the least time between two lines about steps.
    """

    def __init__(self, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._what = ""
        self._fields: Mapping[str, Any] = {}
        self._reading: Reading | None = None

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self._what = describe(recipe, content, styles)
        self._fields = {"recipe": recipe.name, "content": content, "styles": list(styles)}
        self._say(self._what)
        self._next = time.monotonic() + self._seconds

    def note(self, line: str) -> None:
        self._say(line, note=True)

    def step(self, iterate: Iterate) -> None:
        if self._reading is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._reading = Reading(iterate)
        if self._reading is not None and self._reading.ready:
            self._say(f"{self._what} · {self._reading}", stage=iterate.stage + 1)
            self._reading = None

    def said(self, said: Said) -> None:
        logger = dg.get_dagster_logger()
        if logger.isEnabledFor(said.level):
            told = extra(said.fields)
            record = logger.makeRecord(logger.name, said.level, __file__, 0, said.line, (), None, extra=told)
            record.created = said.time
            logger.handle(record)

    def _say(self, line: str, note: bool = False, **more: Any) -> None:
        self.said(Said(time.time(), logging.INFO, line, {**self._fields, **more}, note))
