"""Progress: what a run reports while it works. Assets pass the optimiser's steps on to a listener."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from spnst_core.recipes.recipe import Recipe

if TYPE_CHECKING:
    from spnst_core.optim.optimize import Iterate
    from spnst_pipeline.artefacts.identity import ArtefactId

SHOWN = ("style", "edge", "depth")
"""Loss terms that are shown."""


class Listener:
    """Receives what assets report of their work. This one ignores it."""

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        """A new kind of work begins: ``total`` artefacts, or for cells the sum of their `work`."""

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        """A batch of cells begins: one content in several styles."""

    def step(self, iterate: Iterate) -> None:
        """The batch's optimiser made a step."""

    def made(self, artefact: ArtefactId) -> None:
        """An artefact was written to the store."""

    def close(self) -> None:
        """The run is over."""


class LogListener(Listener):
    """Writes to the log of the Dagster run that the asset belongs to, at most every ``seconds``."""

    def __init__(self, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._what = ""
        self._reading: _Reading | None = None

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self._what = _describe(recipe, content, styles)
        dg.get_dagster_logger().info(self._what)
        self._next = time.monotonic() + self._seconds

    def step(self, iterate: Iterate) -> None:
        if self._reading is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._reading = _Reading(iterate)
        if self._reading is not None and self._reading.ready:
            dg.get_dagster_logger().info(f"{self._what} · {self._reading}")
            self._reading = None


class Estimate(Listener):
    """Tracks a phase: what is done, what is in progress, and how long the rest will take."""

    def __init__(self) -> None:
        self._begin("", 0, 0)
        self.painted = self.recorded = 0
        self._newest: ArtefactId | None = None
        self._what = ""
        self._looked = 0.0
        self._reading: _Reading | None = None

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        self._begin(name, total, cells)

    def _begin(self, name: str, total: int, cells: int) -> None:
        self.name, self.total, self.cells = name, total, cells
        self.done = self.running = self.landed = 0
        self.detail = ""
        self._recipe: Recipe | None = None
        self._started = time.monotonic()

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self._recipe, self._batch, self.running = recipe, len(styles), 0
        self._what = self.detail = _describe(recipe, content, styles)

    def step(self, iterate: Iterate) -> None:
        assert self._recipe is not None
        self.running += self._batch * _step_work(self._recipe.stage_size(self._recipe.stages[iterate.stage]))
        if self._reading is None and time.monotonic() - self._looked > 0.25:
            self._looked = time.monotonic()
            self._reading = _Reading(iterate)
        if self._reading is not None and self._reading.ready:  # else the device would have to wait
            self.detail = f"{self._what} · {self._reading}"
            self._reading = None

    def made(self, artefact: ArtefactId) -> None:
        self.recorded += artefact.asset == "timelapse"
        if artefact.asset == "timelapse" and self._newest == replace(artefact, asset="pastiche"):
            return  # the cell was counted with its pastiche
        self._newest = artefact
        landed = work(self._recipe) if self._recipe else 1
        self.done += landed
        self.running = max(0, self.running - landed)
        self.landed += 1
        self.painted += artefact.asset == "pastiche"

    @property
    def left(self) -> str:
        """Time left, once enough is done to estimate it."""
        done = self.done + self.running
        elapsed = time.monotonic() - self._started
        if elapsed < 2 or not done:
            return ""
        seconds = round(elapsed * max(0, self.total - done) / done)
        return f"{seconds // 60}:{seconds % 60:02d} left"

    @property
    def count(self) -> str:
        """Such as ``3/18 cells``."""
        return f"{self.landed}/{self.cells} cells" if self.cells else f"{self.landed}/{self.total}"


class Bar(Estimate):
    """One live bar on a terminal, with a line below that says what is in progress. It is removed at the end."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._progress = _TwoLines(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("[dim]{task.fields[left]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, count="", left="")
        self._progress.start()

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        super().phase(name, total, cells)
        self._show()

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        super().batch(recipe, content, styles)
        self._show()

    def step(self, iterate: Iterate) -> None:
        super().step(iterate)
        self._show()

    def made(self, artefact: ArtefactId) -> None:
        super().made(artefact)
        self._show()

    def close(self) -> None:
        self._progress.stop()

    def _show(self) -> None:
        self._progress.detail = self.detail
        self._progress.update(
            self._task,
            description=self.name,
            total=self.total,
            completed=self.done + self.running,
            count=self.count,
            left=self.left,
        )


class Lines(Estimate):
    """Plain lines, few of them, where there is no terminal."""

    def __init__(self, console: Console, seconds: float = 15.0) -> None:
        super().__init__()
        self._console, self._seconds = console, seconds
        self._printed = time.monotonic()

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        super().phase(name, total, cells)
        self._print(f"{name} ({cells} cells)" if cells else name)

    def step(self, iterate: Iterate) -> None:
        super().step(iterate)
        if time.monotonic() - self._printed > self._seconds:
            self._print(", ".join(filter(None, ["  " + self.count, self.left, self.detail])))

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


class _TwoLines(Progress):
    """A bar, and a dim line under it."""

    detail = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield Text(self.detail, style="dim", no_wrap=True, overflow="ellipsis")


def work(recipe: Recipe) -> int:
    """What one cell costs the optimiser, about proportional to time.

    A step at a long side of n pixels counts n² + 64²: small stages are bound by overhead.
    """
    return sum(stage.steps * _step_work(recipe.stage_size(stage)) for stage in recipe.stages)


def _step_work(size: int) -> int:
    return size**2 + 64**2


def _describe(recipe: Recipe, content: str, styles: Sequence[str]) -> str:
    return f"{recipe.name} · {content} × {', '.join(styles)}"


class _Reading:
    """The losses of one step. Asking whether they have arrived doesn't make the device wait."""

    def __init__(self, iterate: Iterate) -> None:
        import torch  # it takes seconds, and a run's first lines shouldn't wait for that

        from spnst_core.compute.host_copy import HostCopy

        self._stage = f"stage {iterate.stage + 1}/{iterate.stages}"
        self._means = HostCopy(torch.stack([iterate.losses[term].mean() for term in SHOWN]))

    @property
    def ready(self) -> bool:
        """Whether the losses have arrived."""
        return self._means.ready

    def __str__(self) -> str:
        means = zip(SHOWN, self._means.wait().tolist(), strict=True)  # a term without weight is zero
        return f"{self._stage} · " + "  ".join(f"{term} {value:.3f}" for term, value in means if value)
