"""The gallery as a folder of static files that opens from disk, with no server and no network access.

Pages are small and written each time. Copies of pictures and the details of cells carry their version in their name,
so that only what changed is made again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

from spnst_core.gallery.copies import THUMBNAIL, VIEW, Files, copy, href, mark, stem
from spnst_core.gallery.description import Cell, Details, Gallery, Plot, RegionMap, StoredPicture
from spnst_core.gallery.pages import as_json, environment, script
from spnst_core.gallery.painting import Painting, painting_page

INDEX = "index.html"
PAGES = (INDEX, "cell.html")
STATIC = ("gallery.css", "page.js", "index.js", "cell.js", "slider.js", "panes.js", "losses.js")

HISTORY_POINTS = 160
"""Most points of a loss curve, more than a screen can resolve."""

NOT_MADE, NOT_MEASURED, NOT_FINITE = "not made", "not measured", "the result wasn't a finite number"


@dataclass(frozen=True)
class GalleryFiles:
    """The files of a gallery, by path.

    Attributes:
        versioned: how to make each file whose name contains its version; such a file is up to date if it exists.
        pages: the other files, ``index.html`` last. They refer to the versioned files and must be written after them.
    """

    versioned: Mapping[str, Callable[[], bytes]]
    pages: Mapping[str, bytes]

    def stale(self, present: Iterable[str]) -> list[str]:
        """Those of the present paths that no longer belong to any picture or cell."""
        return sorted(path for path in present if path not in self.versioned and path not in self.pages)

    def write(self, directory: Path) -> list[str]:
        """Bring the gallery's folder on disk up to date; returns the paths of the versioned files that were made.

        Files that no longer belong to the gallery are removed.
        """
        present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
        made = [path for path in self.versioned if path not in present]
        for path in made:
            _write(directory / path, self.versioned[path]())
        for path, data in self.pages.items():
            _write(directory / path, data)
        for path in self.stale(present):
            (directory / path).unlink()
        return made


def render(gallery: Gallery, painting: Painting | None = None) -> GalleryFiles:
    """The files of a gallery, with a page that paints if there are painters for it.

    Raises:
        ValueError: a cell or gap whose recipe, content or style the gallery doesn't have, two of one kind with the
            same name, or a history whose columns differ in length (when that cell's details are made).
    """
    _check(gallery)
    versioned: Files = {}
    data = _data(versioned, gallery)
    plots = [_plot(versioned, plot) for plot in gallery.plots]
    templates = environment()
    downloads = {label: href(path) for label, path in gallery.downloads.items()}
    source = resources.files("spnst_core.gallery")
    made, page = painting_page(painting, gallery.title) if painting else ({}, {})
    versioned |= made
    pages = {
        **page,
        **{name: (source / name).read_bytes() for name in STATIC},
        "data.js": script("window.gallery", data),
        **{
            name: templates.get_template(name)
            .render(gallery=gallery, plots=plots, downloads=downloads, painting=painting)
            .encode()
            for name in reversed(PAGES)
        },
    }
    return GalleryFiles(versioned, pages)


def _check(gallery: Gallery) -> None:
    names = {
        "recipe": [recipe.name for recipe in gallery.recipes],
        "content": [content.name for content in gallery.contents],
        "style": [style.name for style in gallery.styles],
        "metric": [metric.key for metric in gallery.metrics],
        "plot": [plot.name for plot in gallery.plots],
    }
    for kind, found in names.items():
        twice = next((name for name in found if found.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the gallery has two of the {kind} {twice!r}")
    for key in [*gallery.cells, *gallery.gaps]:
        for kind, name in zip(names, key, strict=False):
            if name not in names[kind]:
                raise ValueError(f"the cell {key!r} is of the {kind} {name!r}, which the gallery doesn't have")


def _data(files: Files, gallery: Gallery) -> dict[str, Any]:
    """The data for the pages' scripts; recipes, contents and styles are identified by their index in the lists."""
    grid = product(enumerate(gallery.recipes), enumerate(gallery.contents), enumerate(gallery.styles))
    places = {(r.name, c.name, s.name): [nr, nc, ns] for (nr, r), (nc, c), (ns, s) in grid}
    return {
        "sides": {"thumbnail": THUMBNAIL, "view": VIEW},
        "recipes": [{"name": recipe.name, "description": recipe.description} for recipe in gallery.recipes],
        "contents": [
            {
                "name": content.name,
                "picture": _picture(files, content.picture, stem("content", content.name)),
                "depth": _picture(files, content.depth, stem("depth", content.name)),
                "edges": _picture(files, content.edges, stem("edges", content.name)),
            }
            for content in gallery.contents
        ],
        "styles": [
            {
                "name": style.name,
                "picture": _picture(files, style.picture, stem("style", style.name)),
                **({"note": style.note} if style.note else {}),
            }
            for style in gallery.styles
        ],
        "metrics": [vars(metric) for metric in gallery.metrics],
        "cells": [
            {
                "at": place,
                "picture": _picture(files, cell.picture, stem("pastiche", *key)),
                "depth": _picture(files, cell.depth, stem("pastiche_depth", *key), thumbnail=False),
                "edges": _picture(files, cell.edges, stem("pastiche_edges", *key), thumbnail=False),
                **_scores(cell, gallery),
                "video": href(cell.video) if cell.video else None,
                "details": _details(files, cell, stem(*key)),
                **_regions(files, cell.regions, stem("regions", *key[:2])),
            }
            for key, place in places.items()
            if (cell := gallery.cells.get(key))
        ],
        "gaps": [
            {"at": place, "reason": gallery.gaps.get(key, NOT_MADE)}
            for key, place in places.items()
            if key not in gallery.cells
        ],
    }


def _picture(files: Files, picture: StoredPicture | None, place: str, thumbnail: bool = True) -> dict[str, Any] | None:
    if picture is None:
        return None
    view = copy(files, picture, place, VIEW)
    return {
        "thumbnail": copy(files, picture, place, THUMBNAIL) if thumbnail else view,
        "view": view,
        "original": view if picture.original is None else href(picture.original),
        "width": picture.width,
        "height": picture.height,
    }


def _regions(files: Files, regions: RegionMap | None, place: str) -> dict[str, Any]:
    """The map of regions that a cell has, which it shares with those of its content by the same recipe."""
    if regions is None:
        return {}
    picture = _picture(files, regions.picture, place, thumbnail=False)
    return {"regions": {"picture": picture, "tints": dict(regions.tints)}}


def _scores(cell: Cell, gallery: Gallery) -> dict[str, Any]:
    """Values in the order of the metrics, None where there is none; and the reasons by the metric's index."""
    values = [cell.scores.get(metric.key) for metric in gallery.metrics]
    reasons = {
        place: cell.missing.get(metric.key, NOT_MEASURED if value is None else NOT_FINITE)
        for place, (metric, value) in enumerate(zip(gallery.metrics, values, strict=True))
        if _number(value) is None
    }
    return {"scores": [_number(value) for value in values], "missing": reasons}


def _number(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def _details(files: Files, cell: Cell, place: str) -> str:
    """Register how to make a cell's details, a script that registers them under its own address."""
    path = f"details/{place}.{mark(cell.details_version)}.js"

    def make() -> bytes:
        details = cell.details()
        found = {"provenance": dict(details.provenance), "history": _thinned(details)}
        return script(f"(window.details ??= {{}})[{as_json(href(path))}]", found)

    files[path] = make
    return href(path)


def _thinned(details: Details) -> dict[str, Sequence[float | None]]:
    """The history at no more than HISTORY_POINTS evenly spaced steps, including the first and the last."""
    lengths = {len(column) for column in details.history.values()}
    if len(lengths) > 1:
        raise ValueError(f"the columns of a history differ in length: {sorted(lengths)}")
    length = max(lengths, default=0)
    points = min(length, HISTORY_POINTS)
    chosen = [round(point * (length - 1) / max(1, points - 1)) for point in range(points)]
    return {name: [_number(column[index]) for index in chosen] for name, column in details.history.items()}


def _plot(files: Files, plot: Plot) -> dict[str, Any]:
    def address(image: bytes) -> str:
        kind = "png" if image.startswith(b"\x89PNG") else "svg"
        path = f"plots/{stem(plot.name)}.{mark(image.hex())}.{kind}"
        files[path] = lambda: image
        return href(path)

    return {
        "light": address(plot.image),
        "dark": address(plot.dark) if plot.dark else None,
        "alt": plot.alt,
        "caption": plot.caption,
    }


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
