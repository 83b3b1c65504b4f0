"""Telling: what ``spnst run`` says, in one of three forms: in words, only its end, or as events for a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from spnst_pipeline.cli.downloads import download_bars
from spnst_pipeline.progress import Estimate, Events, shown
from spnst_pipeline.wording import counted, duration

if TYPE_CHECKING:
    from spnst_core.models.weights import Progress
    from spnst_pipeline.planning.forecast import Forecast
    from spnst_pipeline.project import Project


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        painted, recorded: how many pastiches and films were made.
        changed: whether anything was made.
        seconds: how long it took.
        blocked, failed: one line for each cell that a check keeps from being shown, and for what couldn't be made.
    """

    painted: int
    recorded: int
    changed: bool
    seconds: float
    blocked: Sequence[str]
    failed: Sequence[str]

    @property
    def line(self) -> str:
        """What was made, in one line."""
        if not self.changed:
            return "Everything is up to date."
        films = f" and recorded {counted(self.recorded, 'film')}" if self.recorded else ""
        return f"Painted {counted(self.painted, 'pastiche')}{films} in {duration(self.seconds)}."


class Teller(ABC):
    """What a run says, from its beginning to its end."""

    @abstractmethod
    def downloading(self) -> AbstractContextManager[Progress]:
        """Weight files are downloaded while the context lasts."""

    @abstractmethod
    def began(self, project: Project) -> None:
        """A project's pictures have been looked at, and the run begins."""

    @abstractmethod
    def note(self, line: str) -> None:
        """Something that whoever waits for the run should know."""

    @abstractmethod
    def listening(self) -> AbstractContextManager[Estimate]:
        """Pictures are made while the context lasts; what the listener is passed is told."""

    @abstractmethod
    def stopped(self) -> None:
        """The run was interrupted."""

    @abstractmethod
    def ended(self, project: Project, ending: Ending) -> None:
        """The run is over."""

    @abstractmethod
    def planned(self, project: Project, forecast: Forecast) -> None:
        """What a run would make, in place of a run."""


class Words(Teller):
    """For a reader: progress on standard error, and at the end the comparison and the files worth opening."""

    def __init__(self) -> None:
        self._out, self._err = Console(highlight=False), Console(stderr=True)

    def downloading(self) -> AbstractContextManager[Progress]:
        return download_bars(self._err)

    def began(self, project: Project) -> None:
        for line in (*project.contents.left_out, *project.styles.left_out):
            self.note(f"left out: {line}")

    def note(self, line: str) -> None:
        typer.echo(line, err=True)

    def listening(self) -> AbstractContextManager[Estimate]:
        return shown(self._err)

    def stopped(self) -> None:
        self.note("Stopped. What is painted is kept: the same command goes on from here.")

    def ended(self, project: Project, ending: Ending) -> None:
        if project.identity.notice:
            self._out.print(project.identity.notice, style="bold")
        self._compare(project)
        self._out.print(ending.line)
        for label, place in worth_opening(project).items():
            self._out.print(f"  {label:<20}{place}", soft_wrap=True, markup=False)  # [x] may be a folder
        for line in ending.blocked:
            self.note(f"blocked: {line}")
        if ending.blocked:
            self.note("Blocked cells are kept to be looked at; sheets, tables and gallery leave them out.")
        for line in ending.failed:
            self.note(f"failed: {line}")
        if ending.failed:
            self.note(
                "Everything else was made. Run the same command again to retry what is missing; "
                f"the tracebacks are in Dagster's log in {project.settings.dagster_home}."
            )

    def _compare(self, project: Project) -> None:
        """How the recipes compare, if they do."""
        from spnst_pipeline.artefacts.identity import ArtefactId
        from spnst_pipeline.defs.assets.tables import read_comparison, read_table
        from spnst_pipeline.defs.headline import headline

        if not project.store.exists(ArtefactId("comparison").path):
            return
        comparison = headline(read_table(project.store), read_comparison(project.store))
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))  # within 80 characters
        for number, column in enumerate(comparison.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in comparison.rows:
            table.add_row(*row)
        self._out.print(table)
        self._out.print()

    def planned(self, project: Project, forecast: Forecast) -> None:
        self.began(project)
        self._out.print(f"{counted(forecast.contents, 'content')}, {counted(forecast.styles, 'style')}")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, column in enumerate(("asset", "kept", "to make")):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in forecast.rows:
            table.add_row(str(row.asset), str(row.kept), str(row.wanted))
        self._out.print(table)
        self._out.print(planned_line(forecast), soft_wrap=True)


class Brief(Words):
    """For whoever looks only when something is wrong: errors on standard error, and one line at the end.

    That line counts what is left out or blocked, lest a run that painted half of a folder look complete.
    """

    def __init__(self) -> None:
        super().__init__()
        self._err.quiet = True

    def note(self, line: str) -> None: ...

    def ended(self, project: Project, ending: Ending) -> None:
        for line in ending.failed:
            typer.echo(f"failed: {line}", err=True)
        self._out.print(ending.line + unnamed_line(project, ending), soft_wrap=True)

    def planned(self, project: Project, forecast: Forecast) -> None:
        self._out.print(planned_line(forecast), soft_wrap=True)


class JsonLines(Teller):
    """For a program: one JSON object on each line of standard output, with the name of an event and its time."""

    def __init__(self) -> None:
        self._events = Events(typer.echo)

    def downloading(self) -> AbstractContextManager[Progress]:
        return download_bars(Console(quiet=True))

    def began(self, project: Project) -> None:
        self._tell(
            "run_started",
            out=project.store.location,
            profile=project.identity.label,
            recipes=[recipe.name for recipe in project.every_recipe],
            contents=sorted(project.contents.pictures),
            styles=sorted(project.styles.pictures),
            left_out=[*project.contents.left_out, *project.styles.left_out],
        )

    def note(self, line: str) -> None:
        self._events.note(line)

    @contextmanager
    def listening(self) -> Iterator[Estimate]:
        yield self._events

    def stopped(self) -> None:
        self._tell("run_stopped")

    def ended(self, project: Project, ending: Ending) -> None:
        told = {**asdict(ending), "seconds": round(ending.seconds, 3)}
        self._tell("run_ended", **told, files=worth_opening(project))

    def planned(self, project: Project, forecast: Forecast) -> None:
        assets = {str(row.asset): {"kept": row.kept, "to_make": row.wanted} for row in forecast.rows}
        self._tell(
            "plan",
            contents=forecast.contents,
            styles=forecast.styles,
            assets=assets,
            cells=forecast.cells,
            seconds=None if forecast.unmeasured else round(forecast.seconds, 3),
        )

    def _tell(self, event: str, **fields: Any) -> None:
        self._events.tell(event, **fields)


def worth_opening(project: Project) -> Mapping[str, str]:
    """Places of the files that sum up a project, as far as they are there, by what they are."""
    from spnst_pipeline.artefacts.identity import ArtefactId

    paths = {
        "gallery": ArtefactId("gallery").path,
        "the whole grid": ArtefactId("contact_sheet/grid").path,
        "metric table": ArtefactId("metric_table").beside["csv"],
        **{
            f"{experiment.name}, frontier": ArtefactId("experiment", experiment=experiment.name).beside["frontier"]
            for experiment in project.experiments
        },
    }
    store = project.store
    return {label: store.locate(path) for label, path in paths.items() if store.exists(path)}


def unnamed_line(project: Project, ending: Ending) -> str:
    """How many files are left out and cells blocked, to follow another sentence; empty if none are."""
    left_out, blocked = len(project.contents.left_out) + len(project.styles.left_out), len(ending.blocked)
    counts = [
        *([f"{counted(left_out, 'file')} left out"] if left_out else []),
        *([f"{counted(blocked, 'cell')} blocked"] if blocked else []),
    ]
    return f" {' and '.join(counts)}; without --quiet the run says why." if counts else ""


def planned_line(forecast: Forecast) -> str:
    """What a run would do, in one line."""
    if not forecast.changes:
        return "Everything is up to date: a run would make nothing."
    if not forecast.cells:
        return "A run would paint nothing, and make the rest. Nothing was made now."
    unknown = sum(forecast.unmeasured.values())
    if unknown == forecast.cells:
        takes = "how long it takes can't be told before a cell of the recipe and size was painted on this device"
    elif unknown:
        takes = f"{duration(forecast.seconds)} of painting, and {counted(unknown, 'cell')} of which nothing is known"
    else:
        takes = f"about {duration(forecast.seconds)} of painting, by the cells that are there"
    return f"A run would paint {counted(forecast.cells, 'cell')}: {takes}. Nothing was made now."
