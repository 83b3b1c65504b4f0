"""Plan: which Dagster runs make what is missing or outdated, phase by phase, as data.

A phase can be planned when the phases before it are over, because what is up to date depends on what their artefacts
really carry. The same plans are carried out by `spnst run` in its own process and by the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import dagster as dg
import numpy as np
from numpy.typing import NDArray

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import OF_NETWORKS, ArtefactId, Span
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.dagster_private import range_tags
from spnst_pipeline.planning.rectangles import Rectangle, cover, tapered
from spnst_pipeline.project import all_of
from spnst_pipeline.shard import WHOLE, Shard


@dataclass(frozen=True)
class Launch:
    """A Dagster run to start.

    Attributes:
        assets: what it makes.
        span: which of their partitions; None: they have none.
        force: whether what is up to date is made again.
    """

    assets: tuple[ArtefactId, ...]
    span: Span | None
    force: bool

    @property
    def keys(self) -> list[dg.AssetKey]:
        """The assets' keys in a project without shards."""
        return self.keys_in(WHOLE)

    def keys_in(self, shard: Shard) -> list[dg.AssetKey]:
        """The assets' keys in one shard."""
        return [asset.key_in(shard) for asset in self.assets]

    @property
    def uses_networks(self) -> bool:
        """Whether any of its assets is made by networks."""
        return any(asset.asset in OF_NETWORKS for asset in self.assets)

    @property
    def config(self) -> dict[str, Any]:
        """The run's config."""
        ops = {asset.step: {"config": {"force": True}} for asset in self.assets if self.force}
        return {"ops": ops} if ops else {}

    @property
    def tags(self) -> dict[str, str]:
        """The run's tags."""
        return range_tags(*self.span) if self.span else {}


@dataclass(frozen=True)
class Plan:
    """What a phase makes.

    Attributes:
        phase: what the phase is called.
        wanted: how many partitions of each asset are missing or outdated.
        launches: runs that make them all, each at most a batch of them.
    """

    phase: str
    wanted: Mapping[ArtefactId, int]
    launches: tuple[Launch, ...]

    @property
    def cells(self) -> int:
        """How many cells of the grid are wanted, over all recipes."""
        steps = self.steps
        return sum(steps[step] for step in {asset.step for asset in self.wanted if asset.is_cell})

    @property
    def steps(self) -> dict[str, int]:
        """How many partitions each step has to do with; the one that paints a cell films it as well."""
        steps: dict[str, int] = {}
        for asset, count in self.wanted.items():
            steps[asset.step] = max(count, steps.get(asset.step, 0))
        return steps


@dataclass(frozen=True)
class Grid:
    """Partitions in Dagster's own order, which ranges follow.

    Attributes:
        contents: partition keys; some may have lost their pictures.
        styles: the same for styles.
        recipes: those to paint.
        rows: contents to make anything of; None: all.
        columns: the same for styles.
    """

    contents: Sequence[str]
    styles: Sequence[str]
    recipes: Sequence[Recipe]
    rows: Collection[str] | None = None
    columns: Collection[str] | None = None


Rule = Callable[[str], Artefact]
CellRule = Callable[[Recipe, str, str], Artefact]


def decoding(lineage: Lineage, grid: Grid) -> Plan:
    """Decoded contents and styles."""
    contents, styles = _present(lineage, grid)
    lineage.project.contents.hash(contents)
    lineage.project.styles.hash(styles)
    lineage.look_at_pictures()
    return _plan(
        "decoding pictures",
        _each(lineage, {ArtefactId("content_image"): lineage.content_image}, grid.contents, contents),
        _each(lineage, {ArtefactId("style_image"): lineage.style_image}, grid.styles, styles),
    )


def preparing(lineage: Lineage, grid: Grid) -> Plan:
    """The targets: what contents and styles ask of a pastiche."""
    contents, styles = _present(lineage, grid)
    lineage.look_at_targets()
    maps = {ArtefactId("depth_map"): lineage.depth_map, ArtefactId("edge_map"): lineage.edge_map}
    return _plan(
        "preparing contents and styles",
        _each(lineage, maps, grid.contents, contents),
        _each(lineage, {ArtefactId("style_grams"): lineage.style_grams}, grid.styles, styles),
    )


def training(lineage: Lineage, grid: Grid) -> Plan:
    """Painters, one for each style, of recipes that paint in one pass."""
    _, styles = _present(lineage, grid)
    parts = []
    for recipe in (recipe for recipe in grid.recipes if recipe.engine == "feedforward"):
        asset = ArtefactId("painter", recipe.name)
        lineage.index.look(asset)
        parts.append(_each(lineage, {asset: partial(lineage.painter, recipe)}, grid.styles, styles))
    return _plan("training painters", *parts)


def drafting(lineage: Lineage, grid: Grid) -> Plan:
    """Cells of the recipes whose pastiches those of the grid start from."""
    return _plan("painting drafts", _painted(lineage, grid, _drafts(lineage, grid)))


def painting(lineage: Lineage, grid: Grid) -> Plan:
    """The other cells of the grid, and films of those whose recipe records."""
    drafts = _drafts(lineage, grid)
    for draft in drafts:
        lineage.index.look(ArtefactId("pastiche", draft.name), contents=_own_rows(lineage, grid))
    return _plan("painting", _painted(lineage, grid, [recipe for recipe in grid.recipes if recipe not in drafts]))


def measuring(lineage: Lineage, grid: Grid) -> Plan:
    """Scores of the cells."""

    def rules(recipe: Recipe) -> dict[ArtefactId, CellRule]:
        return {ArtefactId("metrics", recipe.name): lineage.metrics}

    return _plan("measuring", _cells(lineage, grid, rules))


def drawing_sheets(lineage: Lineage, grid: Grid) -> Plan:
    """A contact sheet for each row, and for each column, which the first shard draws."""
    contents, styles = _present(lineage, grid)
    rows, columns = ArtefactId("contact_sheet/content"), ArtefactId("contact_sheet/style")
    first = lineage.project.shard.is_first  # columns have cells of all shards
    lineage.look_at_cells(lineage.project.recipes, None if first else _own_rows(lineage, grid))
    lineage.index.look(rows, columns)
    parts = [_each(lineage, {rows: lineage.content_sheet}, grid.contents, contents)]
    if first:
        parts.append(_each(lineage, {columns: lineage.style_sheet}, grid.styles, styles))
    return _plan("drawing sheets", *parts)


def drawing_gallery(lineage: Lineage, grid: Grid) -> Plan:
    """Tables, sheet and pages of everything, once there is a cell with scores."""
    lineage.look_at_cells(lineage.project.every_recipe)
    rules = {
        ArtefactId("metric_table"): lineage.metric_table,
        ArtefactId("comparison"): lineage.comparison,
        ArtefactId("contact_sheet/grid"): lineage.grid_sheet,
        ArtefactId("gallery"): lineage.gallery,
    }
    some = bool(lineage.cells(lineage.metrics)) and any(map(lineage.outdated, rules.values()))
    return _plan(
        "drawing the gallery",
        (dict.fromkeys(rules, int(some)), [Launch(tuple(rules), None, lineage.force)] if some else []),
    )


def drawing_experiments(lineage: Lineage, grid: Grid) -> Plan:
    """Tables, plot and sheet of every experiment that has a cell by all of its recipes."""
    wanted = [
        ArtefactId("experiment", experiment=experiment.name)
        for experiment in lineage.project.experiments
        if lineage.outdated(lineage.experiment, experiment)
    ]
    launches = [Launch((asset,), None, lineage.force) for asset in wanted]
    return _plan("drawing experiments", (dict.fromkeys(wanted, 1), launches))


Phase = Callable[[Lineage, Grid], Plan]

PREPARATION: tuple[Phase, ...] = (decoding, preparing)
DRAWING: tuple[Phase, ...] = (drawing_sheets, drawing_experiments, drawing_gallery)
REPORTING: tuple[Phase, ...] = (measuring, *DRAWING)
PAINTING: tuple[Phase, ...] = (training, drafting, painting)
EVERYTHING: tuple[Phase, ...] = (*PREPARATION, *PAINTING, *REPORTING)
EXPERIMENT: tuple[Phase, ...] = (*PREPARATION, *PAINTING, measuring, drawing_experiments, drawing_gallery)


def phases_of(shard: Shard, phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Those of some phases in which a shard makes anything."""
    of_all_contents = (training, drawing_experiments, drawing_gallery)
    return tuple(phase for phase in phases if shard.is_first or phase not in of_all_contents)


PlanPart = tuple[Mapping[ArtefactId, int], Sequence[Launch]]
"""How many partitions of some assets are wanted, and the runs that make them."""


def _plan(phase: str, *parts: PlanPart) -> Plan:
    wanted = {asset: count for counts, _ in parts for asset, count in counts.items() if count}
    return Plan(phase, wanted, tuple(launch for _, launches in parts for launch in launches))


def _drafts(lineage: Lineage, grid: Grid) -> tuple[Recipe, ...]:
    return all_of((draft for recipe in grid.recipes if (draft := lineage.project.draft_of(recipe))), ())


def _painted(lineage: Lineage, grid: Grid, recipes: Sequence[Recipe]) -> PlanPart:
    def rules(recipe: Recipe) -> dict[ArtefactId, CellRule]:
        pastiches, films = ArtefactId("pastiche", recipe.name), ArtefactId("timelapse", recipe.name)
        filming: dict[ArtefactId, CellRule] = {films: lineage.timelapse} if recipe.record_every else {}
        return {pastiches: lineage.pastiche, **filming}

    return _cells(lineage, replace(grid, recipes=recipes), rules)


def _each(
    lineage: Lineage, rules: Mapping[ArtefactId, Rule], order: Sequence[str], present: Collection[str]
) -> PlanPart:
    """Assets with one partition for each content or style: those partitions where any of them is outdated."""
    wanted = [key in present and any(lineage.outdated(rule, key) for rule in rules.values()) for key in order]
    made = [key in present and all(lineage.current(rule, key) for rule in rules.values()) for key in order]
    column = np.array(wanted, bool)[:, None]
    barred = ~column & ~np.array(made, bool)[:, None]
    spans = [(order[r.top], order[r.bottom]) for r in cover(column, lineage.project.settings.batch, barred)]
    return dict.fromkeys(rules, sum(wanted)), [Launch(tuple(rules), span, lineage.force) for span in spans]


def _cells(lineage: Lineage, grid: Grid, rules_of: Callable[[Recipe], Mapping[ArtefactId, CellRule]]) -> PlanPart:
    """Cells of the grid where any of a recipe's assets is outdated."""
    lineage.look_at_targets()
    settings = lineage.project.settings
    counts: dict[ArtefactId, int] = {}
    pieces: list[_Piece] = []
    for recipe in grid.recipes:
        rules = rules_of(recipe)
        lineage.index.look(ArtefactId("pastiche", recipe.name), *rules, contents=_own_rows(lineage, grid))
        survey = _survey(lineage, grid, recipe, rules)
        counts |= survey.counts
        batches = cover(survey.wanted, settings.batch, survey.barred)
        for rectangle in tapered(batches, survey.wanted, settings.batch, settings.workers):
            held = int(survey.wanted[rectangle.top : rectangle.bottom + 1, rectangle.left : rectangle.right + 1].sum())
            pieces.append(_Piece(tuple(rules), _span(grid, recipe, rectangle), held))
    shared = _sharing_runs(pieces, settings.batch)
    return counts, [Launch(piece.assets, piece.span, lineage.force) for piece in shared]


def _own_rows(lineage: Lineage, grid: Grid) -> Sequence[str] | None:
    """The contents of a shard, whose cells are all that it has to look at; None: those of all."""
    return None if lineage.project.shard == WHOLE else grid.contents


class _Survey(NamedTuple):
    """What the cells of one recipe lack.

    Attributes:
        counts: how many cells each asset is outdated in.
        wanted: cells where some asset is outdated, (rows, columns).
        barred: cells that can't be made, of the same shape.
    """

    counts: Mapping[ArtefactId, int]
    wanted: NDArray[np.bool_]
    barred: NDArray[np.bool_]


def _survey(lineage: Lineage, grid: Grid, recipe: Recipe, rules: Mapping[ArtefactId, CellRule]) -> _Survey:
    contents, styles = _present(lineage, grid)
    counts = dict.fromkeys(rules, 0)
    shape = (len(grid.contents), len(grid.styles))
    wanted, barred = np.zeros(shape, bool), np.ones(shape, bool)
    for row, content in enumerate(grid.contents):
        for column, style in enumerate(grid.styles):
            if content not in contents or style not in styles:
                continue
            lacking = [asset for asset, rule in rules.items() if lineage.outdated(rule, recipe, content, style)]
            for asset in lacking:
                counts[asset] += 1
            wanted[row, column] = bool(lacking)
            barred[row, column] = not lacking and not all(
                lineage.current(rule, recipe, content, style) for rule in rules.values()
            )
    return _Survey(counts, wanted, barred)


class _Piece(NamedTuple):
    """A rectangle of the grid to make some assets in, and how many of its cells are wanted."""

    assets: tuple[ArtefactId, ...]
    span: Span
    held: int


def _span(grid: Grid, recipe: Recipe, rectangle: Rectangle) -> Span:
    """The partitions at two opposite corners of a rectangle."""
    first, last = (
        ArtefactId("pastiche", recipe.name, grid.contents[row], grid.styles[column]).partition
        for row, column in ((rectangle.top, rectangle.left), (rectangle.bottom, rectangle.right))
    )
    return first, last


def _sharing_runs(pieces: Iterable[_Piece], batch: int) -> list[_Piece]:
    """Pieces of one rectangle joined, in their order, as far as a run has room for their cells."""
    runs: dict[Span, list[_Piece]] = {}
    for piece in pieces:
        shared = runs.setdefault(piece.span, [])
        if shared and shared[-1].held + piece.held <= batch:
            last = shared.pop()
            shared.append(_Piece((*last.assets, *piece.assets), piece.span, last.held + piece.held))
        else:
            shared.append(piece)
    return [piece for shared in runs.values() for piece in shared]


def _present(lineage: Lineage, grid: Grid) -> tuple[set[str], set[str]]:
    """Contents and styles that are asked for and whose pictures are still there."""
    project = lineage.project
    rows = grid.contents if grid.rows is None else grid.rows
    columns = grid.styles if grid.columns is None else grid.columns
    return (
        set(grid.contents) & set(rows) & set(project.contents.pictures),
        set(grid.styles) & set(columns) & set(project.styles.pictures),
    )
