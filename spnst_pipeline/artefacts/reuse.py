"""Reuse: artefacts that needn't be made, because they are up to date or can be copied.

An artefact can be copied if the same was made of the same pictures under other names: a file was renamed, or is there
twice. Artefacts that show a name are never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact

NAMELESS = frozenset({"depth_map", "edge_map", "style_grams", "painter", "pastiche", "timelapse"})
"""Assets whose artefacts show neither their content's name nor their style's."""


def keep_or_copy(lineage: Lineage, wanted: Artefact, *, force: bool = False) -> bool:
    """Keep an artefact that is up to date, or else copy it from under other names.

    Args:
        lineage: what is up to date.
        wanted: the artefact as it should be.
        force: do neither, because it is to be made again.

    Returns:
        Whether it was kept or copied; if not, it must be made.
    """
    return not force and (lineage.is_current(wanted) or _copy(lineage, wanted))


def _copy(lineage: Lineage, wanted: Artefact) -> bool:
    for twin in _twins(lineage.index, wanted):
        if lineage.index.holds(twin):
            store = lineage.project.store
            for what, path in wanted.beside.items():
                store.copy(twin.beside[what], path)
            store.copy(twin.path, wanted.path)  # last: it carries the fingerprint, which says that all files are there
            return True
    return False


def _twins(index: Index, wanted: Artefact) -> Iterator[Artefact]:
    """The same artefact, as it would have been made of the same pictures under other names."""
    if wanted.id.asset not in NAMELESS:
        return
    contents, styles = _content_names(index, wanted.id.content), _style_names(index, wanted.id.style)
    for content, style in product(contents, styles):
        twin = replace(wanted.id, content=content, style=style)
        if twin != wanted.id:
            yield replace(wanted, id=twin)


def _content_names(index: Index, content: str | None) -> list[str | None]:
    """Names under which the store holds the same decoded content; none: it isn't made of one."""
    if content is None:
        return [None]
    return [picture.content for picture in index.alike(ArtefactId("content_image", content=content))]


def _style_names(index: Index, style: str | None) -> list[str | None]:
    """As `_content_names`, for styles."""
    if style is None:
        return [None]
    return [picture.style for picture in index.alike(ArtefactId("style_image", style=style))]
