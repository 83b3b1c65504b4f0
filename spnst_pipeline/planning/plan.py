"""Plan: which Dagster runs make what is missing or outdated, phase by phase, as data.

A phase can be planned when the phases before it are over, because what is up to date depends on what their artefacts
really carry. The same plans are carried out by `spnst run` in its own process and by the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import numpy as np

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.partition_keys import Span, cell_key
from spnst_pipeline.artefacts.rules import Artefact, Lineage
from spnst_pipeline.planning.rectangles import cover

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
"""Tags that make a run cover a range of partitions; of the grid, a rectangle between opposite corners."""


@dataclass(frozen=True)
class Launch:
    """A Dagster run to start.

    Attributes:
        assets: what it makes.
        span: which of their partitions; None: they have none.
        force: whether what is up to date is made again.
    """

    assets: tuple[str, ...]
    span: Span | None
    force: bool

    @property
    def keys(self) -> list[dg.AssetKey]:
        """The assets' keys."""
        return [dg.AssetKey(asset.split("/")) for asset in self.assets]

    @property
    def config(self) -> dict[str, Any]:
        """The run's config."""
        ops = {_step(asset): {"config": {"force": True}} for asset in self.assets if self.force}
        return {"ops": ops} if ops else {}

    @property
    def tags(self) -> dict[str, str]:
        """The run's tags."""
        return dict(zip(RANGE, self.span, strict=True)) if self.span else {}


@dataclass(frozen=True)
class Plan:
    """What a phase makes.

    Attributes:
        phase: what the phase is called.
        wanted: how many partitions of each asset are missing or outdated.
        launches: runs that make them all, each at most a batch of them.
    """

    phase: str
    wanted: Mapping[str, int]
    launches: tuple[Launch, ...]

    @property
    def cells(self) -> int:
        """How many cells of the grid are wanted, over all recipes."""
        return sum(count for step, count in self.steps.items() if step.startswith(("pastiche__", "metrics__")))

    @property
    def steps(self) -> dict[str, int]:
        """How many partitions each step has to do with; the one that paints a cell films it as well."""
        steps: dict[str, int] = {}
        for asset, count in self.wanted.items():
            steps[_step(asset)] = max(count, steps.get(_step(asset), 0))
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
    """Photographs and paintings."""
    contents, styles = _present(lineage, grid)
    lineage.project.contents.hash(contents)
    lineage.project.styles.hash(styles)
    lineage.look("content_image", "style_image")
    return _plan(
        "decoding pictures",
        _each(lineage, {"content_image": lineage.content_image}, grid.contents, contents),
        _each(lineage, {"style_image": lineage.style_image}, grid.styles, styles),
    )


def preparing(lineage: Lineage, grid: Grid) -> Plan:
    """What photographs and paintings ask of a pastiche."""
    contents, styles = _present(lineage, grid)
    lineage.look("content_image", "style_image", "depth_map", "edge_map", "style_grams")
    maps = {"depth_map": lineage.depth_map, "edge_map": lineage.edge_map}
    return _plan(
        "preparing photographs and paintings",
        _each(lineage, maps, grid.contents, contents),
        _each(lineage, {"style_grams": lineage.style_grams}, grid.styles, styles),
    )


def painting(lineage: Lineage, grid: Grid) -> Plan:
    """Cells of the grid, and films of those whose recipe records."""

    def rules(recipe: Recipe) -> dict[str, CellRule]:
        films: dict[str, CellRule] = {"timelapse": lineage.timelapse} if recipe.record_every else {}
        return {"pastiche": lineage.pastiche, **films}

    return _plan("painting", _cells(lineage, grid, rules))


def measuring(lineage: Lineage, grid: Grid) -> Plan:
    """Scores of the cells."""
    return _plan("measuring", _cells(lineage, grid, lambda _: {"metrics": lineage.metrics}))


def drawing_sheets(lineage: Lineage, grid: Grid) -> Plan:
    """A contact sheet for each row and column."""
    contents, styles = _present(lineage, grid)
    _look_at_cells(lineage, lineage.project.recipes, "pastiche", "metrics")
    lineage.look("contact_sheet/content", "contact_sheet/style")
    return _plan(
        "drawing sheets",
        _each(lineage, {"contact_sheet/content": lineage.content_sheet}, grid.contents, contents),
        _each(lineage, {"contact_sheet/style": lineage.style_sheet}, grid.styles, styles),
    )


def drawing_gallery(lineage: Lineage, grid: Grid) -> Plan:
    """Tables, sheet and pages of everything, once there is a cell with scores."""
    _look_at_cells(lineage, lineage.project.every_recipe, "pastiche", "metrics")
    rules = {
        "metric_table": lineage.metric_table,
        "comparison": lineage.comparison,
        "contact_sheet/grid": lineage.grid_sheet,
        "gallery": lineage.gallery,
    }
    some = bool(lineage.cells(lineage.metrics)) and any(map(lineage.outdated, rules.values()))
    return _plan(
        "drawing the gallery",
        (dict.fromkeys(rules, int(some)), [Launch(tuple(rules), None, lineage.force)] if some else []),
    )


def drawing_experiments(lineage: Lineage, grid: Grid) -> Plan:
    """Tables, plot and sheet of every experiment that has a cell by all of its recipes."""
    experiments = lineage.project.experiments
    wanted = [f"experiment/{one.name}" for one in experiments if lineage.outdated(lineage.experiment, one)]
    launches = [Launch((asset,), None, lineage.force) for asset in wanted]
    return _plan("drawing experiments", (dict.fromkeys(wanted, 1), launches))


Phase = Callable[[Lineage, Grid], Plan]

PREPARATION: tuple[Phase, ...] = (decoding, preparing)
DRAWING: tuple[Phase, ...] = (drawing_sheets, drawing_experiments, drawing_gallery)
REPORTING: tuple[Phase, ...] = (measuring, *DRAWING)
EVERYTHING: tuple[Phase, ...] = (*PREPARATION, painting, *REPORTING)
EXPERIMENT: tuple[Phase, ...] = (*PREPARATION, painting, measuring, drawing_experiments, drawing_gallery)

PlanPart = tuple[Mapping[str, int], Sequence[Launch]]
"""How many partitions of some assets are wanted, and the runs that make them."""


def _plan(phase: str, *parts: PlanPart) -> Plan:
    wanted = {asset: count for counts, _ in parts for asset, count in counts.items() if count}
    return Plan(phase, wanted, tuple(launch for _, launches in parts for launch in launches))


def _each(lineage: Lineage, rules: Mapping[str, Rule], order: Sequence[str], present: Collection[str]) -> PlanPart:
    """Assets with one partition for each content or style: those partitions where any of them is outdated."""
    wanted = [key in present and any(lineage.outdated(rule, key) for rule in rules.values()) for key in order]
    made = [key in present and all(lineage.current(rule, key) for rule in rules.values()) for key in order]
    column = np.array(wanted, bool)[:, None]
    barred = ~column & ~np.array(made, bool)[:, None]
    spans = [(order[r.top], order[r.bottom]) for r in cover(column, lineage.project.settings.batch, barred)]
    return dict.fromkeys(rules, sum(wanted)), [Launch(tuple(rules), span, lineage.force) for span in spans]


def _cells(lineage: Lineage, grid: Grid, rules_of: Callable[[Recipe], Mapping[str, CellRule]]) -> PlanPart:
    """Cells of the grid where any of a recipe's assets is outdated.

    Recipes that want the same rectangle share runs as far as the batch allows.
    """
    contents, styles = _present(lineage, grid)
    lineage.look("content_image", "style_image", "depth_map", "edge_map", "style_grams")
    counts: dict[str, int] = {}
    runs: dict[Span, list[tuple[list[str], int]]] = {}
    for recipe in grid.recipes:
        rules = {f"{kind}/{recipe.name}": rule for kind, rule in rules_of(recipe).items()}
        lineage.look(f"pastiche/{recipe.name}", *rules)
        counts |= dict.fromkeys(rules, 0)
        shape = (len(grid.contents), len(grid.styles))
        wanted, barred = np.zeros(shape, bool), np.zeros(shape, bool)
        for row, content in enumerate(grid.contents):
            for column, style in enumerate(grid.styles):
                present = content in contents and style in styles
                place = (recipe, content, style)
                lacking = [a for a, rule in rules.items() if present and lineage.outdated(rule, *place)]
                for asset in lacking:
                    counts[asset] += 1
                wanted[row, column] = bool(lacking)
                if not lacking:
                    barred[row, column] = not present or not all(lineage.current(r, *place) for r in rules.values())
        for r in cover(wanted, lineage.project.settings.batch, barred):
            held = int(wanted[r.top : r.bottom + 1, r.left : r.right + 1].sum())
            first, last = ((grid.contents[r.top], grid.styles[r.left]), (grid.contents[r.bottom], grid.styles[r.right]))
            shared = runs.setdefault((str(cell_key(*first)), str(cell_key(*last))), [])
            if shared and shared[-1][1] + held <= lineage.project.settings.batch:
                shared[-1] = ([*shared[-1][0], *rules], shared[-1][1] + held)
            else:
                shared.append(([*rules], held))
    return counts, [Launch(tuple(assets), span, lineage.force) for span, shared in runs.items() for assets, _ in shared]


def _step(asset: str) -> str:
    """The name of the step that makes an asset."""
    return asset.replace("timelapse/", "pastiche/").replace("/", "__")


def _present(lineage: Lineage, grid: Grid) -> tuple[set[str], set[str]]:
    """Contents and styles that are asked for and whose pictures are still there."""
    project = lineage.project
    rows = grid.contents if grid.rows is None else grid.rows
    columns = grid.styles if grid.columns is None else grid.columns
    return (
        set(grid.contents) & set(rows) & set(project.contents.pictures),
        set(grid.styles) & set(columns) & set(project.styles.pictures),
    )


def _look_at_cells(lineage: Lineage, recipes: Iterable[Recipe], *kinds: str) -> None:
    lineage.look(*(f"{kind}/{recipe.name}" for kind in kinds for recipe in recipes))
