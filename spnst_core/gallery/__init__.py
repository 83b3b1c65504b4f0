"""The gallery: one static page that shows a grid of pastiches. It opens from disk and needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True)
class Picture:
    """A picture on the page: ``thumbnail`` is what is shown, ``link`` the full file; both relative or ``data:``."""

    thumbnail: str
    link: str


@dataclass(frozen=True)
class Content:
    """A photograph with its maps: one row."""

    name: str
    photograph: Picture
    depth: Picture
    edges: Picture


@dataclass(frozen=True)
class Style:
    """A painting: one column."""

    name: str
    painting: Picture


@dataclass(frozen=True)
class Cell:
    """One pastiche with its scores by name, in the order in which they are shown."""

    link: str
    width: int
    height: int
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A small table of text: column headings, and rows whose first entry is their heading."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def render(
    *,
    title: str,
    notice: str,
    fingerprint: str,
    comparison: Table | None,
    recipes: Mapping[str, str],
    contents: Sequence[Content],
    styles: Sequence[Style],
    cells: Mapping[tuple[str, str, str], Cell],
    downloads: Mapping[str, str],
) -> str:
    """The page as HTML.

    Args:
        title: heading of the page.
        notice: a warning under the heading; may be empty.
        fingerprint: carried in the tag ``<meta name="spnst-fingerprint">``.
        comparison: mean scores, shown on top.
        recipes: description by name; the first is shown first.
        contents: the rows.
        styles: the columns.
        cells: pastiches by (recipe, content, style); what is missing is shown as a gap.
        downloads: links by label, shown at the foot.
    """
    environment = Environment(
        loader=PackageLoader("spnst_core.gallery", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=title,
        notice=notice,
        fingerprint=fingerprint,
        comparison=comparison,
        recipes=recipes,
        contents=contents,
        styles=styles,
        cells=cells,
        downloads=downloads,
    )
