"""Rows: which cells of a content are missing or outdated, as a piece of work that any process can do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.tracing import trace_context
from spnst_pipeline.project import Project

Kind = Literal["pastiche", "timelapse"]


class Landed(NamedTuple):
    """What came of a pastiche or a film: it is in the store, new or as before, or there was an error."""

    artefact: ArtefactId
    new: bool = False
    error: Exception | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a row: its artefacts as they should be, and which of them are to be made."""

    pastiche: Artefact
    film: Artefact | None
    to_paint: bool
    to_film: bool

    @property
    def style(self) -> str:
        """The style that it is painted in."""
        return self.pastiche.id.cell[1]

    def up_to_date(self) -> Iterator[Landed]:
        """Outcomes for what needn't be made."""
        if not self.to_paint:
            yield Landed(self.pastiche.id)
        if self.film and not self.to_film:
            yield Landed(self.film.id)

    def failed(self, error: Exception) -> Landed:
        """The outcome if the cell can't be painted."""
        lacking = self.pastiche if self.to_paint or not self.film else self.film
        return Landed(lacking.id, error=error)


@dataclass(frozen=True)
class Row:
    """Cells of one content that are to be made by one recipe: all that a process needs that can reach the store.

    Attributes:
        recipe: with the options of the launch applied.
        changes: what these options changed, for the pastiches' provenance.
        force: make the cells even if the store holds them by now.
        trace: the `trace_context` of the step that sends the row to another process.
    """

    project: Project
    recipe: Recipe
    content: str
    cells: tuple[Cell, ...]
    changes: Mapping[str, float | str]
    force: bool
    trace: Mapping[str, str] = field(default_factory=dict)

    def parts(self, most: int) -> list[Row]:
        """The row in parts of at most so many cells, in order and as even as possible."""
        count = -(-len(self.cells) // most)
        ends = [len(self.cells) * k // count for k in range(count + 1)]
        return [replace(self, cells=self.cells[a:b]) for a, b in pairwise(ends)]

    def for_another_process(self) -> Row:
        """The same row, to be sent to another process."""
        project = self.project.for_another_process([self.content], [cell.style for cell in self.cells])
        return replace(self, project=project, trace=trace_context())

    def left(self) -> tuple[list[Landed], Row]:
        """What of the row another process has made since it was looked up, and the row that is left to make."""
        if self.force:
            return [], self
        index, made, cells = Index(self.project.store), list[Landed](), list[Cell]()
        for cell in self.cells:
            painted = cell.to_paint and index.holds(cell.pastiche)
            filmed = cell.to_film and cell.film is not None and index.holds(cell.film)
            made += [Landed(cell.pastiche.id, new=True)] if painted else []
            made += [Landed(cell.film.id, new=True)] if cell.film and filmed else []
            still = replace(cell, to_paint=cell.to_paint and not painted, to_film=cell.to_film and not filmed)
            cells += [still] if still.to_paint or still.to_film else []
        return made, replace(self, cells=tuple(cells))


def look_up(
    lineage: Lineage, recipe: Recipe, content: str, styles: Sequence[str], options: Paint, asked: Collection[Kind]
) -> Iterator[Landed | Row]:
    """Compare cells of one content with the store: outcomes for what needn't be made, or can't, and the row to make.

    A cell that is up to date is in the row only if a film of it is missing and asked for, by ``asked`` or by the
    recipe. ``recipe`` already has the options applied.
    """
    cells = []
    for style in styles:
        try:
            cell = _compared(lineage, recipe, content, style, options, asked)
        except NotMade as error:
            kind: Kind = "pastiche" if "pastiche" in asked else "timelapse"
            yield Landed(ArtefactId(kind, recipe.name, content, style), error=error)
            continue
        yield from cell.up_to_date()
        if cell.to_paint or cell.to_film:
            cells.append(cell)
    if cells:
        yield Row(lineage.project, recipe, content, tuple(cells), options.changes, options.force)


def _compared(
    lineage: Lineage, recipe: Recipe, content: str, style: str, options: Paint, asked: Collection[Kind]
) -> Cell:
    """Raises `NotMade` if something that the cell is made from is missing."""
    filming = recipe.record_every > 0 or "timelapse" in asked
    pastiche = lineage.pastiche(recipe, content, style)
    film = lineage.timelapse(recipe, content, style) if filming else None
    to_paint = not keep_or_copy(lineage, pastiche, force=options.force and "pastiche" in asked)
    to_film = film is not None and not keep_or_copy(lineage, film, force=options.force)
    return Cell(pastiche, film, to_paint, to_film)
