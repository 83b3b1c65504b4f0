"""Forecast: what a run would make, and how long it would paint. Nothing is made to tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean

from spnst_core.models.profiles import find_device
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId, Asset
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.provenance import MADE, read_made
from spnst_pipeline.planning.plan import DRAWING, PAINTING, PREPARATION, Grid, Phase, measuring
from spnst_pipeline.project import Project


@dataclass(frozen=True)
class Row:
    """What becomes of the partitions of one asset: ``kept`` stay as they are, ``wanted`` are made."""

    asset: ArtefactId
    kept: int
    wanted: int


@dataclass(frozen=True)
class Forecast:
    """What a run would make.

    Attributes:
        contents, styles: how many pictures there are of each.
        rows: every asset, in the order in which they are made. Sheets, tables and gallery are among them only if no
            cell is to be made, because what they show can't be told before.
        cells: how many cells are to be painted.
        seconds: time that the painting of those takes of which something is known, by cells of the same recipe and size
            that were painted on the same kind of device.
        unmeasured: how many cells of which recipe nothing is known of.
    """

    contents: int
    styles: int
    rows: tuple[Row, ...]
    cells: int
    seconds: float
    unmeasured: Mapping[str, int]

    @property
    def changes(self) -> bool:
        """Whether there is anything to make."""
        return any(row.wanted for row in self.rows)


def forecast(project: Project, force: bool = False) -> Forecast:
    """What would be made to bring a project up to date.

    Args:
        project: with its usable pictures alone, see `spnst_pipeline.planning.grid.checked`.
        force: as if everything were to be made again.
    """
    contents, styles = sorted(project.contents.pictures), sorted(project.styles.pictures)
    grid = Grid(contents, styles, project.every_recipe)
    lineage = Lineage(project, ahead=True, force=force)
    wanted = _wanted(lineage, grid, (*PREPARATION, *PAINTING, measuring))
    totals = _totals(project, len(contents), len(styles))
    if not any(wanted.values()):
        wanted |= _wanted(Lineage(project), grid, DRAWING)
        totals |= _drawn(project, len(contents), len(styles))
    rows = tuple(Row(asset, total - wanted.get(asset, 0), wanted.get(asset, 0)) for asset, total in totals.items())
    cells = {recipe: wanted.get(ArtefactId("pastiche", recipe.name), 0) for recipe in project.every_recipe}
    seconds = {recipe.name: _seconds(lineage, recipe, contents, styles) for recipe, count in cells.items() if count}
    return Forecast(
        len(contents),
        len(styles),
        rows,
        sum(cells.values()),
        sum(count * (seconds[recipe.name] or 0) for recipe, count in cells.items() if count),
        {recipe.name: count for recipe, count in cells.items() if count and seconds[recipe.name] is None},
    )


def _wanted(lineage: Lineage, grid: Grid, phases: Sequence[Phase]) -> dict[ArtefactId, int]:
    return {asset: count for phase in phases for asset, count in phase(lineage, grid).wanted.items()}


def _totals(project: Project, contents: int, styles: int) -> dict[ArtefactId, int]:
    """How many partitions each asset up to the scores has."""
    totals = {
        ArtefactId("content_image"): contents,
        ArtefactId("style_image"): styles,
        **dict.fromkeys((ArtefactId("depth_map"), ArtefactId("edge_map")), contents),
        ArtefactId("style_grams"): styles,
    }
    for recipe in project.every_recipe:
        if recipe.engine == "feedforward":
            totals[ArtefactId("painter", recipe.name)] = styles
        totals[ArtefactId("pastiche", recipe.name)] = contents * styles
        if recipe.record_every:
            totals[ArtefactId("timelapse", recipe.name)] = contents * styles
    return totals | {ArtefactId("metrics", recipe.name): contents * styles for recipe in project.every_recipe}


def _drawn(project: Project, contents: int, styles: int) -> dict[ArtefactId, int]:
    """How many partitions each asset that shows the cells has."""
    sheets = {ArtefactId("contact_sheet/content"): contents, ArtefactId("contact_sheet/style"): styles}
    experiments = [ArtefactId("experiment", experiment=experiment.name) for experiment in project.experiments]
    whole: tuple[Asset, ...] = ("metric_table", "comparison", "contact_sheet/grid", "gallery")
    return {**sheets, **dict.fromkeys((*experiments, *map(ArtefactId, whole)), 1)}


def _seconds(lineage: Lineage, recipe: Recipe, contents: Sequence[str], styles: Sequence[str]) -> float | None:
    """Mean time that a cell took, over those that are up to date; None if there are none of the device."""
    device = find_device(lineage.project.settings.device).type
    cells = (lineage.current(lineage.pastiche, recipe, content, style) for content, style in product(contents, styles))
    carried = [lineage.index.carried(cell.id) for cell in cells if cell]
    made = [read_made(each) for each in carried if MADE in each]  # early versions told nothing
    times = [each["seconds"] for each in made if each["device"] == device]
    return mean(times) if times else None
