"""The gallery: contact sheets of rows, columns and the whole grid, and a page to look at them all."""

from collections.abc import Callable

import dagster as dg
from PIL import Image

from spnst_core import gallery as page
from spnst_core import images
from spnst_core.recipes import Recipe
from spnst_core.sheets import TILE, Gap, Row, Tile, contact_sheet
from spnst_pipeline import layout
from spnst_pipeline.assets.evaluation import read_scores, read_table
from spnst_pipeline.comparison import compare
from spnst_pipeline.events import Made, Metadata, Result, each
from spnst_pipeline.lineage import Artefact, Lineage
from spnst_pipeline.options import Remake
from spnst_pipeline.partitions import CONTENT, STYLE
from spnst_pipeline.pictures import jpeg_uri, preview, small_pictures
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project

MOST_COLUMNS, MOST_CELLS = 30, 1500
"""What one sheet of the whole grid shows at most; the page shows all."""

THUMBNAIL_BYTES = 24_000
"""A header's picture inside the page: photographs may be large files, and the page must open fast."""

SHEET = {
    "format": "PNG, 8-bit sRGB, with the fingerprint as a text",
    "shape": f"a header and a cell of at most {TILE} px for each picture",
    "values": "0 to 255",
}
"""What the metadata of a contact sheet says of its file."""

SHORT = {"style_distance": "style", "edge_distance": "edge", "depth_distance": "depth", "ssim": "SSIM"}


class Sheets:
    """Draws contact sheets of whatever is up to date."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.store, self.recipes = lineage.project.store, lineage.project.recipes
        self._small = small_pictures(self.store)
        self._notice = lineage.project.identity.notice

    def of_content(self, content: str) -> Image.Image:
        """One photograph: a column for each style, a row for each recipe."""
        return self._grid(content, [content], self.lineage.styles(), self._notice)

    def of_style(self, style: str) -> Image.Image:
        """One painting: a row for each photograph, a column for each recipe."""
        painting = self._small(layout.style_image(style))
        columns = [Tile(painting, recipe.name) for recipe in self.recipes]
        rows = [Row(self._headers(c), [self._cell(r, c, style) for r in self.recipes]) for c in self.lineage.contents()]
        return contact_sheet(style, columns, rows, self._notice)

    def of_grid(self) -> Image.Image:
        """Everything, or the first rows and columns of a very large grid."""
        contents, styles = self.lineage.contents(), self.lineage.styles()
        columns = styles[:MOST_COLUMNS]
        rows = contents[: max(1, MOST_CELLS // (len(columns) * len(self.recipes) or 1))]
        if len(rows) * len(columns) == len(contents) * len(styles):
            return self._grid("The whole grid", rows, columns, self._notice)
        part = f"{len(rows)} of {len(contents)} photographs and {len(columns)} of {len(styles)} styles"
        return self._grid("The beginning of the grid", rows, columns, f"{part} {self._notice}".strip())

    def _grid(self, title: str, contents: list[str], styles: list[str], subtitle: str) -> Image.Image:
        columns = [Tile(self._small(layout.style_image(style)), style) for style in styles]
        rows = [
            Row(self._headers(content), [self._cell(recipe, content, style) for style in styles])
            for content in contents
            for recipe in self.recipes
        ]
        return contact_sheet(title, columns, rows, subtitle)

    def _headers(self, content: str) -> list[Tile]:
        keys = (layout.content_image(content), layout.depth_picture(content), layout.edge_picture(content))
        captions = (content, "depth", "edges")
        return [Tile(self._small(key), caption) for key, caption in zip(keys, captions, strict=True)]

    def _cell(self, recipe: Recipe, content: str, style: str) -> Tile | Gap:
        made = self.lineage.current(self.lineage.pastiche, recipe, content, style)
        if not made:
            return Gap("not made", recipe.name)
        if reason := self.lineage.blocked(made):
            return Gap(f"blocked: {reason}", recipe.name)
        scores = short_scores(self.lineage, recipe, content, style)
        line = "  ".join(f"{name} {value:.2f}" for name, value in scores.items())
        return Tile(images.decode(self.store.read(made.key), made.key), f"{recipe.name}\n{line}")


def short_scores(lineage: Lineage, recipe: Recipe, content: str, style: str) -> dict[str, float]:
    """A cell's scores by their short names; none while they aren't up to date."""
    made = lineage.current(lineage.metrics, recipe, content, style)
    scores = read_scores(lineage.project.store, made) if made else {}
    return {short: scores[name] for name, short in SHORT.items() if name in scores}


def sheet_assets(recipes: tuple[Recipe, ...]) -> list[dg.AssetsDefinition]:
    """The assets ``contact_sheet/content``, ``contact_sheet/style`` and ``contact_sheet/grid``."""
    deps = [dg.AssetKey([kind, recipe.name]) for recipe in recipes for kind in ("pastiche", "metrics")]

    def sheets_by(
        name: str,
        partitions: dg.PartitionsDefinition[str],
        rule: Callable[[Lineage, str], Artefact],
        draw: Callable[[Sheets, str], Image.Image],
        file: str,
        description: str,
    ) -> dg.AssetsDefinition:
        @dg.asset(
            key=["contact_sheet", name],
            partitions_def=partitions,
            deps=deps,
            group_name="gallery",
            kinds={"image"},
            description=description,
            metadata={"file": file, **SHEET},
        )
        def sheet(
            context: dg.AssetExecutionContext,
            config: Remake,
            project: dg.ResourceParam[Project],
            listener: dg.ResourceParam[Listener],
        ) -> Result:
            lineage = Lineage(project, force=config.force)
            sheets = Sheets(lineage)
            return each(
                context, lambda key: Made(_draw(lineage, listener, rule(lineage, key), lambda: draw(sheets, key)))
            )

        return sheet

    @dg.asset(
        key=["contact_sheet", "grid"],
        deps=deps,
        group_name="gallery",
        kinds={"image"},
        description="Every photograph in every style by every recipe on one sheet, with scores.",
        metadata={"file": layout.GRID_SHEET, **SHEET},
    )
    def grid_sheet(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage = Lineage(project, force=config.force)
        metadata = _draw(lineage, listener, lineage.grid_sheet(), Sheets(lineage).of_grid)
        context.add_asset_metadata(metadata)

    return [
        sheets_by(
            "content",
            CONTENT,
            Lineage.content_sheet,
            Sheets.of_content,
            layout.content_sheet("<content>"),
            "One photograph in every style: a row for each recipe.",
        ),
        sheets_by(
            "style",
            STYLE,
            Lineage.style_sheet,
            Sheets.of_style,
            layout.style_sheet("<style>"),
            "Every photograph in one style: a column for each recipe.",
        ),
        grid_sheet,
    ]


def _draw(lineage: Lineage, listener: Listener, wanted: Artefact, draw: Callable[[], Image.Image]) -> Metadata:
    store = lineage.project.store
    if not lineage.reuse(wanted):
        store.write(wanted.key, images.encode_png(draw(), wanted.stamp))
        listener.made(wanted.key)
    return {
        "preview": preview(images.decode(store.read(wanted.key), wanted.key)),
        "path": dg.MetadataValue.path(store.locate(wanted.key)),
        "fingerprint": wanted.fingerprint,
    }


def gallery_asset(recipes: tuple[Recipe, ...]) -> dg.AssetsDefinition:
    """The asset ``gallery``."""
    sheets = [dg.AssetKey(["contact_sheet", name]) for name in ("content", "style", "grid")]
    cells = [dg.AssetKey(["pastiche", recipe.name]) for recipe in recipes]

    @dg.asset(
        deps=["metric_table", *sheets, *cells],
        group_name="gallery",
        kinds={"html"},
        description="One page with the comparison of recipes and the whole grid. It opens from disk.",
        metadata={"file": layout.GALLERY, "format": "HTML, with links to the other artefacts of the store"},
    )
    def gallery(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project, force=config.force), project.store
        wanted = lineage.gallery()
        if not lineage.reuse(wanted):
            store.write(wanted.key, render(lineage, wanted.fingerprint).encode())
            listener.made(wanted.key)
        context.add_asset_metadata(
            {"path": dg.MetadataValue.path(store.locate(wanted.key)), "fingerprint": wanted.fingerprint}
        )

    return gallery


def render(lineage: Lineage, fingerprint: str) -> str:
    """The gallery's page, with links relative to where it lies in the store."""
    project, store = lineage.project, lineage.project.store
    small = small_pictures(store)

    def picture(key: str) -> page.Picture:
        return page.Picture(jpeg_uri(small(key), THUMBNAIL_BYTES), f"../{key}")

    contents, styles = lineage.contents(), lineage.styles()
    cells: dict[tuple[str, str, str], page.Cell] = {}
    for recipe in project.recipes:
        for content in contents:
            for style in styles:
                made = lineage.current(lineage.pastiche, recipe, content, style)
                if made and not lineage.blocked(made):
                    photograph = small(layout.content_image(content))
                    height, width = images.fit(photograph.height, photograph.width, recipe.size)
                    scores = short_scores(lineage, recipe, content, style)
                    cells[recipe.name, content, style] = page.Cell(f"../{made.key}", width, height, scores)
    return page.render(
        title="Pastiches",
        notice=project.identity.notice,
        fingerprint=fingerprint,
        comparison=compare(read_table(store)),
        recipes={recipe.name: recipe.description for recipe in project.recipes},
        contents=[
            page.Content(
                content,
                picture(layout.content_image(content)),
                picture(layout.depth_picture(content)),
                picture(layout.edge_picture(content)),
            )
            for content in contents
        ],
        styles=[page.Style(style, picture(layout.style_image(style))) for style in styles],
        cells=cells,
        downloads={
            "metric table (CSV)": f"../{layout.METRIC_TABLE_CSV}",
            "metric table (Parquet)": f"../{layout.METRIC_TABLE}",
            "contact sheet of the grid": f"../{layout.GRID_SHEET}",
        },
    )
