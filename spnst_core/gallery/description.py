"""What a gallery shows, as plain data: pictures, the grid and its cells, scores, tables and plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

Key = tuple[str, str, str]
"""A cell: (recipe, content, style)."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture kept elsewhere, of which the gallery holds copies.

    Attributes:
        original: path of the full-size file, relative to the gallery's folder: ``../pastiche/gatys/cat/wave.png``.
            None: the gallery's copy is all that there is.
        version: a text that changes whenever the pixels do, such as a fingerprint.
        width: of the original, in pixels.
        height: of the original, in pixels.
        load: gives the original; called only for a copy that has to be written.
    """

    original: str | None
    version: str
    width: int
    height: int
    load: Callable[[], Image.Image]


@dataclass(frozen=True)
class Content:
    """A content with its maps: one row of the grid."""

    name: str
    picture: StoredPicture
    depth: StoredPicture | None = None
    edges: StoredPicture | None = None


@dataclass(frozen=True)
class Style:
    """A style: one column of the grid. ``note`` says what it is made of, if that is more than one picture."""

    name: str
    picture: StoredPicture
    note: str = ""


@dataclass(frozen=True)
class RecipeInfo:
    """A recipe's name and description."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class MetricInfo:
    """The meaning of a score.

    Attributes:
        key: its name in `Cell.scores`.
        label: its name on the pages.
        better: which way is better.
        seen: whether the optimiser minimised it, or a close relative; otherwise it is an independent judge.
        unit: named where the metric is explained; empty for none.
        description: one sentence.
    """

    key: str
    label: str
    better: Literal["lower", "higher"]
    seen: bool
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Details:
    """What only a cell's own page shows.

    Attributes:
        provenance: how the cell was made, in the order to show: fingerprint, weights, seconds, device and so on.
        history: columns of equal length: ``step``, ``stage``, then one for each term of the loss. May be empty.
    """

    provenance: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class RegionMap:
    """The regions of a content that a recipe painted apart.

    Attributes:
        picture: the content, with each of them in its tint.
        tints: their colours, as ``#rrggbb``, by name.
    """

    picture: StoredPicture
    tints: Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """One pastiche.

    Attributes:
        picture: the pastiche.
        depth: its depth map.
        edges: its edge map.
        scores: by the key of a `MetricInfo`. One that is absent or not finite is shown as missing.
        missing: why a score is missing, by the key of its metric.
        details: gives what its own page shows; called only if that has to be written.
        details_version: a text that changes whenever the details do.
        video: path of its film, relative to the gallery's folder.
        regions: of its content; None: it was painted in one style throughout.
    """

    picture: StoredPicture
    depth: StoredPicture | None = None
    edges: StoredPicture | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    details: Callable[[], Details] = Details
    details_version: str = ""
    video: str | None = None
    regions: RegionMap | None = None


@dataclass(frozen=True)
class Table:
    """A small table of text: column headings, and rows whose first entry is their heading."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Plot:
    """A drawing, as the bytes of an SVG or PNG file; ``dark`` is the same for a dark page.

    Without ``dark`` the drawing stands on a white card.
    """

    name: str
    image: bytes
    alt: str
    caption: str = ""
    dark: bytes | None = None


@dataclass(frozen=True)
class Gallery:
    """Everything a gallery shows.

    Attributes:
        title: heading.
        fingerprint: carried in the tag ``<meta name="spnst-fingerprint">`` of ``index.html``.
        contents: the rows of the grid.
        styles: the columns of the grid.
        recipes: the first two are shown at first.
        cells: by (recipe, content, style); what is absent is shown as a gap.
        gaps: why a cell is absent.
        metrics: in the order to show; the first is the one shown at first.
        summary: a sentence under the heading; may be empty.
        notice: a warning under the heading; may be empty.
        tables: comparisons of the recipes.
        plots: drawings of the comparison.
        downloads: paths relative to the gallery's folder, by label; linked at the foot.
    """

    title: str
    fingerprint: str
    contents: Sequence[Content]
    styles: Sequence[Style]
    recipes: Sequence[RecipeInfo]
    cells: Mapping[Key, Cell]
    gaps: Mapping[Key, str] = field(default_factory=dict)
    metrics: Sequence[MetricInfo] = ()
    summary: str = ""
    notice: str = ""
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    downloads: Mapping[str, str] = field(default_factory=dict)
