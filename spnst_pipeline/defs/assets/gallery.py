"""The gallery: pages to look at everything made, and how the recipes compare."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from itertools import groupby, product
from pathlib import Path, PurePosixPath
from typing import Any

import dagster as dg
import pandas as pd
from PIL import Image

from spnst_core.gallery import description as shown
from spnst_core.gallery import runtime
from spnst_core.gallery.folder import GalleryFiles, render
from spnst_core.gallery.painting import BrowserPainter, Painting
from spnst_core.imaging import io as image_io
from spnst_core.metrics.registry import METRICS
from spnst_core.painters.export import to_onnx
from spnst_core.painters.network import SMALLEST_SIDE
from spnst_core.painters.painter import Painter
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_core.report import plots
from spnst_core.report.colour_maps import depth_in_colour, edges_in_colour
from spnst_core.report.region_tints import tinted, tints
from spnst_pipeline.artefacts import provenance
from spnst_pipeline.artefacts.fingerprints import HEAD, VERSIONS, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import LIST, digests, listed, take, written_list
from spnst_pipeline.defs.assets.tables import read_comparison, read_table
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.headline import details, headline
from spnst_pipeline.defs.previews import dimensions, stored_picture
from spnst_pipeline.defs.regions import painted_regions, region_names
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.places import is_remote
from spnst_pipeline.storage.store import Store

GALLERY = ArtefactId("gallery")

IN_COLOUR = {"depth": depth_in_colour, "edges": edges_in_colour}
"""How the gallery's copies of maps are coloured: as on the contact sheets."""


def gallery_asset(recipes: tuple[Recipe, ...], experiments: tuple[Experiment, ...]) -> dg.AssetsDefinition:
    """The asset ``gallery``."""
    shows = [
        ArtefactId("comparison"),
        ArtefactId("contact_sheet/content"),
        ArtefactId("contact_sheet/style"),
        ArtefactId("contact_sheet/grid"),
        *(ArtefactId("pastiche", recipe.name) for recipe in recipes),
        *(ArtefactId("experiment", experiment=experiment.name) for experiment in experiments),
    ]

    @dg.asset(
        name="gallery",
        deps=[asset.asset_key for asset in shows],
        group_name="gallery",
        kinds={"html"},
        description="Pages with the whole grid, every cell by itself, and the comparison of recipes. They open from "
        "disk.",
        metadata={"file": GALLERY.path, "format": "HTML, with links to the other artefacts of the store"},
    )
    def gallery(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project), project.store
        wanted = lineage.gallery()
        if not keep_or_copy(lineage, wanted, force=config.force):
            _write(store, render(described(lineage, wanted.fingerprint), painting(lineage)))
            listener.made(wanted.id)
        context.add_asset_metadata({**where_to_open(project), "fingerprint": wanted.fingerprint})

    return gallery


def _write(store: Store, files: GalleryFiles) -> None:
    """Bring the gallery's folder up to date. Small copies that are there and sound aren't made again."""
    folder, list_of_files = PurePosixPath(GALLERY.folder), GALLERY.beside[LIST]
    present, right = store.entries(GALLERY.folder), listed(store, GALLERY)
    found = digests(store, present)
    names = {entry.name: str(PurePosixPath(entry.name).relative_to(folder)) for entry in present}
    sound = (path for path in names if path in right and found.get(path, right[path]) == right[path])
    kept = {names[path]: right[path] for path in sound}
    written: dict[str, str] = {}
    for name, make in files.versioned.items():
        if name in kept:
            written[name] = kept[name]
        else:
            data = make()
            store.write(str(folder / name), data)
            written[name] = sha256(data).hexdigest()
    written |= {name: sha256(data).hexdigest() for name, data in files.pages.items()}
    store.write(list_of_files, written_list(written))
    for name, data in files.pages.items():
        store.write(str(folder / name), data)
    for name in files.stale(names.values()):
        if str(folder / name) != list_of_files:
            store.remove(str(folder / name))


def where_to_open(project: Project) -> dict[str, dg.MetadataValue[Any]]:
    """Where the gallery opens: the address in the settings as a link, and the file's absolute path or address."""
    location = project.store.locate(GALLERY.path)
    path = dg.MetadataValue.path(location if is_remote(project.settings.out) else Path(location).absolute())
    url = project.settings.gallery_url
    return {"open": dg.MetadataValue.url(url), "path": path} if url else {"path": path}


def described(lineage: Lineage, fingerprint: str) -> shown.Gallery:
    """What the gallery shows, with links relative to where it lies in the store."""
    project = lineage.project
    table, comparison = read_table(project.store), read_comparison(project.store)
    contents, styles = lineage.contents(), lineage.styles()
    found = dict(_cells(lineage, table, contents, styles))
    return shown.Gallery(
        title="Pastiches",
        fingerprint=fingerprint,
        contents=[_content(lineage, content) for content in contents],
        styles=[
            shown.Style(style, _picture(lineage, lineage.style_image(style)), project.styles.blend_of(style))
            for style in styles
        ],
        recipes=[shown.RecipeInfo(recipe.name, recipe.description) for recipe in project.recipes],
        cells={key: cell for key, cell in found.items() if isinstance(cell, shown.Cell)},
        gaps={key: reason for key, reason in found.items() if isinstance(reason, str)},
        metrics=[
            shown.MetricInfo(m.key, m.label, m.better, m.kind == "seen", m.unit, m.description)
            for m in METRICS.values()
            if m.key in table and table[m.key].notna().any()
        ],
        notice=project.identity.notice,
        tables=[headline(table, comparison), *details(comparison)],
        plots=[*_plots(table), *_frontiers(lineage)],
        downloads={
            "metric table (CSV)": _link(ArtefactId("metric_table").beside["csv"]),
            "metric table (Parquet)": _link(ArtefactId("metric_table").path),
            "comparison (CSV)": _link(ArtefactId("comparison").beside["csv"]),
            "comparison (LaTeX)": _link(ArtefactId("comparison").beside["latex"]),
            "contact sheet of the grid (PNG)": _link(ArtefactId("contact_sheet/grid").path),
            "contact sheet of the grid (PDF)": _link(ArtefactId("contact_sheet/grid").beside["pages"]),
        },
    )


def painting(lineage: Lineage) -> Painting | None:
    """What the gallery's page that paints offers; None if there is nothing to offer, or it isn't asked for."""
    painters = [
        BrowserPainter(
            artefact.id.style or "",
            artefact.id.recipe or "",
            partial(_onnx, lineage.project, artefact),
            artefact.fingerprint,
            _picture(lineage, lineage.style_image(artefact.id.style or "")),
        )
        for artefact in lineage.shown_painters()
    ]
    return Painting(painters, runtime.find, SMALLEST_SIDE) if painters else None


def _onnx(project: Project, painter: Artefact) -> bytes:
    return to_onnx(Painter.from_bytes(take(project.store, painter.id), painter.path))


def _cells(
    lineage: Lineage, table: pd.DataFrame, contents: list[str], styles: list[str]
) -> Iterator[tuple[shown.Key, shown.Cell | str]]:
    """Every cell that is there, and why one isn't, where there is more to say than that it wasn't made."""
    project = lineage.project
    rows = {(row["recipe"], row["content"], row["style"]): row for row in table.to_dict("records")}
    size = cache(lambda content: dimensions(project.store, ArtefactId("content_image", content=content).path))
    regions = cache(partial(_regions, lineage))
    for recipe, content, style in product(project.recipes, contents, styles):
        key = (recipe.name, content, style)
        made = lineage.current(lineage.pastiche, recipe, content, style)
        if made and (reason := lineage.blocked(made)):
            yield key, f"blocked: {reason}"
        elif made:
            width, height = size(content)
            height, width = image_io.fit(height, width, recipe.size)
            row = rows.get(key)
            scores = ArtefactId("metrics", *key)
            depth, edges = (
                _map(project, scores, what, made.fingerprint, width, height, coloured) if row else None
                for what, coloured in IN_COLOUR.items()
            )
            film = lineage.current(lineage.timelapse, recipe, content, style)
            yield (
                key,
                shown.Cell(
                    picture=_stored(project, made.id, "", made.fingerprint, width, height),
                    depth=depth,
                    edges=edges,
                    scores={m.key: row[m.key] for m in METRICS.values() if pd.notna(row.get(m.key))} if row else {},
                    missing=_reasons(str(row["missing"])) if row else {},
                    details=partial(_details, project, made.path),
                    details_version=f"{made.fingerprint} {VERSIONS['gallery']}",
                    video=_link(film.path) if film else None,
                    regions=regions(recipe, content),
                ),
            )


def _reasons(line: str) -> dict[str, str]:
    """What the table's column ``missing`` says, by metric."""
    return {metric: reason for part in line.split("; ") if ": " in part for metric, reason in [part.split(": ", 1)]}


def _content(lineage: Lineage, content: str) -> shown.Content:
    project = lineage.project
    picture = _picture(lineage, lineage.content_image(content))
    maps = (
        _map(project, made.id, "picture", made.fingerprint, picture.width, picture.height, coloured)
        for made, coloured in zip(
            (lineage.depth_map(content), lineage.edge_map(content)), IN_COLOUR.values(), strict=True
        )
    )
    return shown.Content(content, picture, *maps)


def _regions(lineage: Lineage, recipe: Recipe, content: str) -> shown.RegionMap | None:
    """The regions of a content that has pastiches by a recipe; None if they are of one style throughout."""
    project, names = lineage.project, region_names(lineage.project, recipe, content)
    if not names:
        return None
    picture, colours = lineage.content_image(content), tints(names)
    made_of = picture.fingerprint, lineage.depth_map(content, recipe).fingerprint, recipe.size, recipe.bands
    masks = [(name, file.size, file.modified) for name, file in project.contents.masks_of(content).items()]

    def load() -> Image.Image:
        return tinted(stored_picture(project.store, picture.id), painted_regions(project, recipe, content), colours)

    size = dimensions(project.store, picture.path)
    return shown.RegionMap(shown.StoredPicture(None, repr((*made_of, masks)), *size, load), colours)


def _picture(lineage: Lineage, artefact: Artefact) -> shown.StoredPicture:
    size = dimensions(lineage.project.store, artefact.path)
    return _stored(lineage.project, artefact.id, "", artefact.fingerprint, *size)


def _stored(
    project: Project, artefact: ArtefactId, what: str, version: str, width: int, height: int
) -> shown.StoredPicture:
    path = artefact.beside[what] if what else artefact.path
    return shown.StoredPicture(
        _link(path), version, width, height, partial(stored_picture, project.store, artefact, what)
    )


def _map(
    project: Project,
    artefact: ArtefactId,
    what: str,
    version: str,
    width: int,
    height: int,
    coloured: Callable[[Image.Image], Image.Image],
) -> shown.StoredPicture:
    """A depth or edge map, of which the gallery's copies are in colour."""
    grey = _stored(project, artefact, what, version, width, height)
    return replace(grey, version=f"{version} {coloured.__name__}", load=lambda: coloured(grey.load()))


def _link(path: str) -> str:
    """A link from the gallery's pages to another file of the store."""
    return f"../{path}"


def _details(project: Project, path: str) -> shown.Details:
    carried = metadata(path, project.store.read(path, HEAD))
    made = provenance.read_made(carried)
    history = provenance.read_history(carried)
    made.pop("losses")  # they are drawn
    told = {name.replace("_", " "): _told(value) for name, value in made.items()}
    return shown.Details(
        {**told, "fingerprint": carried["fingerprint"]}, {name: history[name].tolist() for name in history.columns}
    )


def _told(value: Any) -> str:
    """A value of the provenance in words; of the settings of each stage, every change."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {entry}" for name, entry in value.items())
    if isinstance(value, list) and not any(isinstance(entry, dict) for entry in value):
        return ", ".join(map(str, value))
    if isinstance(value, list):
        return "; then ".join(stage for stage, _ in groupby(map(_told, value)))
    return str(value)


def _frontiers(lineage: Lineage) -> Iterator[shown.Plot]:
    """Of every experiment that is there."""
    store = lineage.project.store
    for experiment in lineage.project.experiments:
        if lineage.current(lineage.experiment, experiment):
            drawing = take(store, ArtefactId("experiment", experiment=experiment.name), "frontier_svg")
            told = f"Mean edge error against mean patch distance in {experiment.name}, a line for each family"
            yield shown.Plot(f"experiment_{experiment.name}", drawing, told, experiment.description)


def _plots(table: pd.DataFrame) -> Iterator[shown.Plot]:
    """The trade-off of the recipes, and the spread of each independent metric."""
    if table[["patch_distance", "edge_error"]].notna().all(axis=1).any():
        yield shown.Plot(
            "frontier",
            plots.frontier(table, form="svg"),
            "Mean edge error against mean patch distance, a point for each recipe",
            "Style against structure: towards the lower left is better",
            plots.frontier(table, paper=plots.DARK, form="svg"),
        )
    for metric in METRICS.values():
        if metric.kind == "independent" and metric.key in table and table[metric.key].notna().any():
            yield shown.Plot(
                metric.key,
                plots.strips(table, [metric], form="svg"),
                f"One dot for each pastiche: {metric.label} by recipe, with means as bars",
                metric.description,
                plots.strips(table, [metric], plots.DARK, "svg"),
            )
