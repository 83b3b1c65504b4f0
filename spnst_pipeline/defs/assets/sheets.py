"""Contact sheets of rows, columns and the whole grid: a picture to look at, and pages to print."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import dagster as dg
import numpy as np
from PIL import Image, ImageFilter

from spnst_core.imaging import io as image_io
from spnst_core.metrics.registry import METRICS
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.close_ups import CloseUp, most_different
from spnst_core.report.colour_maps import depth_in_colour, edges_in_colour
from spnst_core.report.compact_sheet import compact_pages, compact_sheet
from spnst_core.report.contact_sheet import Gap, Panel, Row, contact_sheet
from spnst_core.report.region_tints import tinted, tints
from spnst_pipeline.artefacts.identity import MAPS, SHOWN, ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put
from spnst_pipeline.defs.assets.evaluation import read_scores
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Metadata, Results, each
from spnst_pipeline.defs.partitions import CONTENT, STYLE
from spnst_pipeline.defs.previews import preview, small_pictures, stored_picture
from spnst_pipeline.defs.regions import painted_regions, region_names
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store

MOST_COLUMNS, MOST_CELLS = 30, 1500
"""What one sheet of the whole grid shows at most; the gallery shows all."""

NEAR = 3
"""Pixels from one of the content's edges within which a difference counts for a close-up."""

SCORES = ("patch_distance", "edge_error", "depth_error", "ssim")
"""Metrics under a pastiche: the independent ones of the headline. Compact sheets show the first three."""

SHEET = {
    "format": "PNG, 8-bit sRGB, with the fingerprint as a text; beside it a PDF, in A4 pages",
    "shape": "a header and a cell for each picture; the grid's sheet fits a screen if it has few enough of them",
    "values": "0 to 255",
}
"""What the metadata of a contact sheet says of its file."""

WHOLE = ArtefactId("contact_sheet/grid")

Drawing = tuple[str, Sequence[Panel], Sequence[Row], str]
"""Title, columns, rows and the line under the title."""


class Sheets:
    """What contact sheets show of whatever is up to date, by the grid's recipes or by those of an experiment."""

    def __init__(self, lineage: Lineage, recipes: Sequence[Recipe] | None = None) -> None:
        self.lineage, self.store = lineage, lineage.project.store
        self.recipes = lineage.project.recipes if recipes is None else recipes
        self._small = small_pictures(self.store)
        self._notice = lineage.project.identity.notice
        self._close_up = lru_cache(maxsize=4096)(self._most_different)

    def of_content(self, content: str) -> Drawing:
        """One content: a column for each style, a row for each recipe."""
        styles = self.lineage.styles()
        return self._grid(content, [content], styles, self._notice, lambda content: self._header(content, styles))

    def of_style(self, style: str) -> Drawing:
        """One style: a row for each content, a column for each recipe."""
        picture = self._small(ArtefactId("style_image", style=style))
        columns = [Panel(picture, recipe.name) for recipe in self.recipes]
        rows = [
            Row([self._header(c, [style])], [self._cell(r, c, style) for r in self.recipes])
            for c in self.lineage.contents()
        ]
        blend = self.lineage.project.styles.blend_of(style)
        return style, columns, rows, " ".join(filter(None, (f"{blend}." if blend else "", self._notice)))

    def of_grid(self) -> Drawing:
        """Everything, or the first rows and columns of a very large grid."""
        return self.of_part("The grid", "", self.lineage.contents(), self.lineage.styles())

    def of_part(self, title: str, subtitle: str, contents: Sequence[str], styles: Sequence[str]) -> Drawing:
        """Some contents in some styles, or the first of them if there are very many."""
        columns = styles[:MOST_COLUMNS]
        rows = contents[: max(1, MOST_CELLS // (len(columns) * len(self.recipes) or 1))]
        part = ""
        if len(rows) * len(columns) < len(contents) * len(styles):
            part = f"Its beginning: {len(rows)} of {len(contents)} contents, {len(columns)} of {len(styles)} styles."
        return self._grid(
            title, rows, columns, " ".join(filter(None, (subtitle, part, self._notice))), self._named_picture
        )

    def _grid(
        self,
        title: str,
        contents: Sequence[str],
        styles: Sequence[str],
        subtitle: str,
        header: Callable[[str], Panel],
    ) -> Drawing:
        columns = [Panel(self._small(ArtefactId("style_image", style=style)), self._named(style)) for style in styles]
        rows = [
            Row([] if number else [header(content)], [self._cell(recipe, content, style) for style in styles])
            for content in contents
            for number, recipe in enumerate(self.recipes)
        ]
        return title, columns, rows, subtitle

    def _named(self, style: str) -> str:
        """A style's name, and for a blend what it is made of."""
        return "\n".join(filter(None, (style, self.lineage.project.styles.blend_of(style))))

    def _named_picture(self, content: str) -> Panel:
        """A content alone: on the compact sheets of a grid there is no room for its maps."""
        return Panel(self._small(ArtefactId("content_image", content=content)), content)

    def _header(self, content: str, styles: Sequence[str]) -> Panel:
        """A content with its maps, and the regions by which its pastiches in these styles were painted."""
        depth, edges = (self._small(ArtefactId(asset, content=content), "picture") for asset in MAPS)
        picture = self._small(ArtefactId("content_image", content=content))
        project = self.lineage.project
        # Recipes that have the same bands share their regions.
        banded = {
            tuple(sorted(recipe.bands.items())): recipe
            for recipe in self.recipes
            if region_names(project, recipe, content)
            and self.lineage.cells(self.lineage.pastiche, [content], styles, [recipe])
        }
        colours = tints(name for recipe in banded.values() for name in region_names(project, recipe, content))
        regions = [tinted(picture, painted_regions(project, recipe, content), colours) for recipe in banded.values()]
        maps = "with depth, edges and regions" if regions else "with depth and edges"
        return Panel(picture, f"{content}\n{maps}", below=[*_coloured(depth, edges), *regions], legend=colours)

    def _cell(self, recipe: Recipe, content: str, style: str) -> Panel | Gap:
        made = self.lineage.current(self.lineage.pastiche, recipe, content, style)
        if not made:
            return Gap("not made", recipe.name)
        if reason := self.lineage.blocked(made):
            return Gap(f"blocked: {reason}", recipe.name)
        picture = stored_picture(self.store, made.id)
        measured = self.lineage.current(self.lineage.metrics, recipe, content, style)
        if not measured:
            return Panel(picture, recipe.name)
        scores = read_scores(self.store, measured)["scores"]
        facts = [f"{METRICS[key].heading} {scores[key]:#.2g}" for key in SCORES if key in scores]
        maps = _coloured(*(self._small(measured.id, what) for what in ("depth", "edges")))
        return Panel(picture, recipe.name, self._close_up(content, style), maps, facts)

    def _most_different(self, content: str, style: str) -> CloseUp | None:
        """Where the first two recipes that were measured differ most at the content's own edges."""
        measured = (self.lineage.current(self.lineage.metrics, recipe, content, style) for recipe in self.recipes)
        both = [artefact.id for artefact in measured if artefact][:2]
        if len(both) < 2:
            return None
        first, second = (stored_picture(self.store, scores, "edges").convert("L") for scores in both)
        edges = self._small(ArtefactId("edge_map", content=content), "picture")
        near = edges.resize(first.size).filter(ImageFilter.GaussianBlur(NEAR))
        weight = np.asarray(near.convert("L"), np.float64)
        return most_different(np.asarray(first) * weight, np.asarray(second.resize(first.size)) * weight)


def _coloured(depth: Image.Image, edges: Image.Image) -> list[Image.Image]:
    return [depth_in_colour(depth), edges_in_colour(edges)]


def sheet_assets(recipes: tuple[Recipe, ...]) -> list[dg.AssetsDefinition]:
    """The assets ``contact_sheet/content``, ``contact_sheet/style`` and ``contact_sheet/grid``."""
    deps = [ArtefactId(asset, recipe.name).asset_key for recipe in recipes for asset in SHOWN]

    def sheets_by(
        asset: ArtefactId,
        partitions: dg.PartitionsDefinition[str],
        rule: Callable[[Lineage, str], Artefact],
        show: Callable[[Sheets, str], Drawing],
        description: str,
    ) -> dg.AssetsDefinition:
        @dg.asset(
            key=asset.asset_key,
            partitions_def=partitions,
            deps=deps,
            group_name="contact_sheets",
            kinds={"image"},
            description=description,
            metadata={"file": asset.path, **SHEET},
        )
        def sheet(
            context: dg.AssetExecutionContext,
            config: Remake,
            project: dg.ResourceParam[Project],
            listener: dg.ResourceParam[Listener],
        ) -> Results:
            lineage = Lineage(project)
            sheets = Sheets(lineage)

            def make(key: str) -> Made:
                return Made(_drawn(lineage, listener, rule(lineage, key), lambda: show(sheets, key), config.force))

            return each(context, make)

        return sheet

    @dg.asset(
        key=WHOLE.asset_key,
        deps=deps,
        group_name="contact_sheets",
        kinds={"image"},
        description="Every content in every style by every recipe on one sheet, with scores.",
        metadata={"file": WHOLE.path, **SHEET},
    )
    def grid_sheet(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage = Lineage(project)
        context.add_asset_metadata(
            _drawn(lineage, listener, lineage.grid_sheet(), Sheets(lineage).of_grid, config.force)
        )

    return [
        sheets_by(
            ArtefactId("contact_sheet/content"),
            CONTENT,
            Lineage.content_sheet,
            Sheets.of_content,
            "One content in every style: a row for each recipe.",
        ),
        sheets_by(
            ArtefactId("contact_sheet/style"),
            STYLE,
            Lineage.style_sheet,
            Sheets.of_style,
            "Every content in one style: a column for each recipe.",
        ),
        grid_sheet,
    ]


def _drawn(
    lineage: Lineage, listener: Listener, wanted: Artefact, show: Callable[[], Drawing], force: bool
) -> Metadata:
    """What a sheet's event shows, once the sheet is up to date; drawn if it isn't."""
    if not keep_or_copy(lineage, wanted, force=force):
        _write_sheet(lineage.project.store, wanted, show())
        listener.made(wanted.id)
    return _shown(lineage.project.store, wanted)


def _write_sheet(store: Store, wanted: Artefact, drawing: Drawing) -> None:
    """Put a sheet into the store: its pages first, because the picture says that all is there."""
    # Close-ups and maps have room on the sheet of one content or style.
    picture = compact_sheet(*drawing) if wanted.id == WHOLE else contact_sheet(*drawing)
    put(store, wanted, partial(image_io.encode_png, picture), {"pages": compact_pages(*drawing)})


def _shown(store: Store, sheet: Artefact) -> Metadata:
    return {
        "preview": preview(stored_picture(store, sheet.id)),
        "path": dg.MetadataValue.path(store.locate(sheet.path)),
        "pages": dg.MetadataValue.path(store.locate(sheet.beside["pages"])),
        "fingerprint": sheet.fingerprint,
    }
