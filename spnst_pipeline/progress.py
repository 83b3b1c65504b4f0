"""Progress: what is reported while pictures are painted. A listener is passed the optimiser's steps and shows them.

Nothing here imports PyTorch or Dagster until the first step: a command shows its progress while they are imported.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from spnst_pipeline.wording import counted, duration

if TYPE_CHECKING:
    from spnst_core.optim.optimize import Iterate
    from spnst_core.recipes.recipe import Recipe
    from spnst_pipeline.artefacts.identity import ArtefactId

SHOWN = ("style", "edge", "depth")
"""Loss terms that are shown."""


class Spent(NamedTuple):
    """What painting a batch took.

    Attributes:
        seconds: by index of the stage, as in `Iterate.stage`.
        memory: most bytes that were allocated on the GPU at once; None where there is no CUDA device.
    """

    seconds: Mapping[int, float]
    memory: int | None = None


class Said(NamedTuple):
    """A line of the log, wherever it was written.

    Attributes:
        time: when, in seconds since 1970.
        level: as in Python's `logging`.
        line: one line.
        fields: what it is about, by name: recipe, content, styles, stage.
        note: whether whoever waits for the run should know.
    """

    time: float
    level: int
    line: str
    fields: Mapping[str, Any]
    note: bool = False


class Listener:
    """Receives what assets report of their work. This one ignores it."""

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        """A new kind of work begins: ``total`` artefacts, or for cells the sum of their `work`; 0 if it isn't known."""

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        """A batch of cells begins: one content in several styles."""

    def step(self, iterate: Iterate) -> None:
        """The batch's optimiser made a step."""

    def made(self, artefact: ArtefactId) -> None:
        """An artefact was written to the store."""

    def failed(self, artefact: ArtefactId, reason: str) -> None:
        """A cell's pastiche or film couldn't be made."""

    def note(self, line: str) -> None:
        """Something that whoever waits for the run should know."""

    def spent(self, recipe: Recipe, spent: Spent) -> None:
        """The optimiser is done with a batch, or has given it up."""

    def said(self, said: Said) -> None:
        """Another process, which paints for this run, has written a line to its log."""
        if said.note:
            self.note(said.line)

    def close(self) -> None:
        """The run is over."""


class _StageBegun(NamedTuple):
    """When the first step of a stage was done, and what all steps until then had cost."""

    number: int | None = None
    time: float = 0.0
    work: int = 0


class Estimate(Listener):
    """Tracks a phase: what is done, what is in progress, and how long the rest will take."""

    def __init__(self) -> None:
        self._begin("", 0, 0)
        self.painted = self.recorded = 0
        self._newest: ArtefactId | None = None
        self._what = ""
        self._looked = 0.0
        self._reading: Reading | None = None

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        self._begin(name, total, cells)

    def _begin(self, name: str, total: int, cells: int) -> None:
        self.name, self.total, self.cells = name, total, cells
        self.done = self.running = self.landed = 0
        self.detail = ""
        self._recipe: Recipe | None = None
        self._started = self._heard = time.monotonic()
        self._stage = _StageBegun()
        self._pace: float | None = None

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self._recipe, self._batch, self.running = recipe, len(styles), 0
        self._what = self.detail = describe(recipe, content, styles)
        self._stage = _StageBegun()

    def step(self, iterate: Iterate) -> None:
        assert self._recipe is not None
        self.running = self._batch * work(self._recipe, iterate.step)  # stages that end early skip steps
        self._heard = time.monotonic()
        went_back = self.running <= self._stage.work  # a cell whose losses weren't finite
        if iterate.stage != self._stage.number or went_back:
            self._stage = _StageBegun(iterate.stage, self._heard, self.running)
        else:
            self._pace = (self._heard - self._stage.time) / (self.running - self._stage.work)
        if self._reading is None and time.monotonic() - self._looked > 0.25:
            self._looked = time.monotonic()
            self._reading = Reading(iterate)
        if self._reading is not None and self._reading.ready:  # else the device would have to wait
            self.detail = f"{self._what} · {self._reading}"
            self._reading = None

    def made(self, artefact: ArtefactId) -> None:
        self.recorded += artefact.asset == "timelapse"
        if artefact.asset == "timelapse" and self._newest == replace(artefact, asset="pastiche"):
            return  # the cell was counted with its pastiche
        self._newest = artefact
        landed = work(self._recipe) if self._recipe else 1
        self._heard = time.monotonic()
        self.done += landed
        self.running = max(0, self.running - landed)
        self.landed += 1
        self.painted += artefact.asset == "pastiche"

    @property
    def left(self) -> str:
        """Time left, once enough is done to estimate it; it runs down between two steps.

        A single cell is estimated by the steps of its latest stage: before the first one, targets were computed at all
        sizes, and small stages say little of large ones. Many cells are estimated by all that was done.
        """
        done, elapsed = self.done + self.running, self._heard - self._started
        if self.cells == 1:
            pace = self._pace
        else:
            pace = elapsed / done if elapsed >= 2 and done else None
        if pace is None:
            return ""
        seconds = pace * max(0, self.total - done) - (time.monotonic() - self._heard)
        return f"{duration(max(0, round(seconds)))} left"

    @property
    def count(self) -> str:
        """Such as ``3/18 cells``; empty for a single cell, and where the total isn't known."""
        if self.cells == 1 or not self.total:
            return ""
        return f"{self.landed}/{self.cells} cells" if self.cells else f"{self.landed}/{self.total}"


class Bar(Estimate):
    """One live bar on a terminal, with a line below that says what is in progress. It is removed at the end."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._progress = _TwoLines(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            _Left(self),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, count="")
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

    def note(self, line: str) -> None:
        self._progress.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def close(self) -> None:
        self._progress.stop()

    def _show(self) -> None:
        self._progress.detail = self.detail
        self._progress.update(
            self._task,
            description=self.name,
            total=self.total or None,  # None: unchanged, at first a bar that moves to and fro
            completed=self.done + self.running,
            count=self.count,
        )


class Lines(Estimate):
    """Plain lines, few of them, where there is no terminal."""

    def __init__(self, console: Console, seconds: float = 15.0) -> None:
        super().__init__()
        self._console, self._seconds = console, seconds
        self._printed = time.monotonic()

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        super().phase(name, total, cells)
        self._print(f"{name} ({counted(cells, 'cell')})" if cells > 1 else name)

    def step(self, iterate: Iterate) -> None:
        super().step(iterate)
        if time.monotonic() - self._printed > self._seconds:
            self._print("  " + ", ".join(filter(None, [self.count, self.left, self.detail])))

    def note(self, line: str) -> None:
        self._print(line)

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


class Events(Estimate):
    """Events for a program, each as a line of JSON: phases, and when each cell began, was finished or failed."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self._write = write
        self._begun: dict[tuple[str, str], float] = {}

    def phase(self, name: str, total: int, cells: int = 0) -> None:
        super().phase(name, total, cells)
        self.tell("phase", name=name, cells=cells)

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        super().batch(recipe, content, styles)
        self._begun |= {(content, style): time.monotonic() for style in styles}
        for style in styles:
            self.tell("cell_begun", recipe=recipe.name, content=content, style=style)

    def made(self, artefact: ArtefactId) -> None:
        super().made(artefact)
        self._tell_of(artefact, "finished")

    def failed(self, artefact: ArtefactId, reason: str) -> None:
        super().failed(artefact, reason)
        self._tell_of(artefact, "failed", reason=reason)

    def note(self, line: str) -> None:
        self.tell("note", line=line)

    def tell(self, event: str, **fields: Any) -> None:
        """Write one event; its time comes first."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        self._write(json.dumps({"time": now, "event": event, **fields}))

    def _tell_of(self, artefact: ArtefactId, what: str, **fields: Any) -> None:
        """An event of a pastiche (a cell) or a film; ``seconds`` are those since its batch began, if it did."""
        kind = {"pastiche": "cell", "timelapse": "film"}.get(artefact.asset)
        if kind:
            content, style = artefact.cell
            began = self._begun.get(artefact.cell)
            seconds = None if began is None else round(time.monotonic() - began, 3)
            cell = {"recipe": artefact.recipe, "content": content, "style": style, "seconds": seconds}
            self.tell(f"{kind}_{what}", **cell, **fields)


class _Left(ProgressColumn):
    """The time left, as it is when the bar is drawn."""

    def __init__(self, estimate: Estimate) -> None:
        super().__init__()
        self._estimate = estimate

    def render(self, task: Task) -> Text:
        return Text(self._estimate.left, style="dim")


class _TwoLines(Progress):
    """A bar, and a dim line under it."""

    detail = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield Text(self.detail, style="dim", no_wrap=True, overflow="ellipsis")


@contextmanager
def shown(console: Console) -> Iterator[Estimate]:
    """A listener that shows progress as a bar on a terminal, and as lines elsewhere, until the context ends."""
    listener = Bar(console) if on_terminal(console) else Lines(console)
    try:
        yield listener
    finally:
        listener.close()


def on_terminal(console: Console) -> bool:
    """Whether a bar can be shown. A console may call itself a terminal for its colours alone (``FORCE_COLOR``)."""
    return console.is_terminal and console.file.isatty()


def work(recipe: Recipe, steps: int | None = None) -> int:
    """What the first ``steps`` steps of one cell, by default all, cost the optimiser, about proportional to time.

    A step at a long side of n pixels counts n² + 64²: small stages are bound by overhead.
    """
    left, done = recipe.steps if steps is None else steps, 0
    for stage in recipe.stages:
        done += min(left, stage.steps) * (recipe.stage_size(stage) ** 2 + 64**2)
        left = max(0, left - stage.steps)
    return done


def describe(recipe: Recipe, content: str, styles: Sequence[str]) -> str:
    """A batch of cells in one line."""
    return f"{recipe.name} · {content} × {', '.join(styles)}"


class Reading:
    """The losses of one step. Asking whether they have arrived doesn't make the device wait."""

    def __init__(self, iterate: Iterate) -> None:
        import torch

        from spnst_core.compute.host_copy import HostCopy

        self._stage = f"stage {iterate.stage + 1}/{iterate.stages}, step {iterate.step}/{iterate.steps}"
        self._means = HostCopy(torch.stack([iterate.losses[term].mean() for term in SHOWN]))

    @property
    def ready(self) -> bool:
        """Whether the losses have arrived."""
        return self._means.ready

    def __str__(self) -> str:
        means = zip(SHOWN, self._means.wait().tolist(), strict=True)  # a term without weight is zero
        return f"{self._stage} · " + "  ".join(f"{term} {value:.3f}" for term, value in means if value)
