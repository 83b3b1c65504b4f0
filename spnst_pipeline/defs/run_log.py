"""Progress in the log of a Dagster run, for runs that no command shows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from spnst_pipeline.defs.log_records import extra
from spnst_pipeline.progress import Listener, Reading, describe

if TYPE_CHECKING:
    from spnst_core.optim.optimize import Iterate
    from spnst_core.recipes.recipe import Recipe


class LogListener(Listener):
    """Writes to the log of the Dagster run that the asset belongs to, at most every ``seconds``."""

    def __init__(self, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._what = ""
        self._fields: Mapping[str, Any] = {}
        self._reading: Reading | None = None

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self._what = describe(recipe, content, styles)
        self._fields = {"recipe": recipe.name, "content": content, "styles": list(styles)}
        self.note(self._what)
        self._next = time.monotonic() + self._seconds

    def note(self, line: str) -> None:
        dg.get_dagster_logger().info(line, extra=extra(self._fields))

    def step(self, iterate: Iterate) -> None:
        if self._reading is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._reading = Reading(iterate)
        if self._reading is not None and self._reading.ready:
            fields = {**self._fields, "stage": iterate.stage + 1}
            dg.get_dagster_logger().info(f"{self._what} · {self._reading}", extra=extra(fields))
            self._reading = None
