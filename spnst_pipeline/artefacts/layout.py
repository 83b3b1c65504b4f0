"""Where every artefact lies in the store."""

from typing import NamedTuple


def content_image(content: str) -> str:
    """The decoded photograph."""
    return f"content_image/{content}.png"


def style_image(style: str) -> str:
    """The decoded painting."""
    return f"style_image/{style}.png"


def depth_map(content: str) -> str:
    """Depth targets at every size."""
    return f"depth_map/{content}.safetensors"


def depth_picture(content: str) -> str:
    """Depth as a picture, bright = near."""
    return f"depth_map/{content}.png"


def edge_map(content: str) -> str:
    """Edge targets at every size."""
    return f"edge_map/{content}.safetensors"


def edge_picture(content: str) -> str:
    """Edges as a picture, bright on black."""
    return f"edge_map/{content}.png"


def style_grams(style: str) -> str:
    """Style targets at every size."""
    return f"style_grams/{style}.safetensors"


def pastiche(recipe: str, content: str, style: str) -> str:
    """The finished picture of one cell."""
    return f"pastiche/{recipe}/{content}/{style}.png"


def timelapse(recipe: str, content: str, style: str) -> str:
    """The film of how one cell was painted."""
    return f"timelapse/{recipe}/{content}/{style}.mp4"


def metrics(recipe: str, content: str, style: str) -> str:
    """The scores of one cell."""
    return f"metrics/{recipe}/{content}/{style}.json"


def pastiche_depth(recipe: str, content: str, style: str) -> str:
    """Depth of the finished picture, bright = near."""
    return f"metrics/{recipe}/{content}/{style}.depth.png"


def pastiche_edges(recipe: str, content: str, style: str) -> str:
    """Edges of the finished picture, bright on black."""
    return f"metrics/{recipe}/{content}/{style}.edges.png"


METRIC_TABLE = "metric_table/metrics.parquet"
METRIC_TABLE_CSV = "metric_table/metrics.csv"
COMPARISON = "comparison/comparison.parquet"
COMPARISON_CSV = "comparison/comparison.csv"


class ExperimentFiles(NamedTuple):
    """What is kept of an experiment."""

    table: str
    table_csv: str
    comparison: str
    frontier: str
    sheet: str
    pages: str


def experiment(name: str) -> ExperimentFiles:
    """Metric table as Parquet and CSV, comparison, frontier, sheet and its pages."""
    files = ("metrics.parquet", "metrics.csv", "comparison.csv", "frontier.png", "grid.png", "grid.pdf")
    return ExperimentFiles(*(f"experiment/{name}/{file}" for file in files))


def content_sheet(content: str) -> str:
    """One photograph in every style."""
    return f"contact_sheet/content/{content}.png"


def style_sheet(style: str) -> str:
    """Every photograph in one style."""
    return f"contact_sheet/style/{style}.png"


def pages(sheet: str) -> str:
    """A contact sheet in pages, to print."""
    return f"{sheet.removesuffix('.png')}.pdf"


GRID_SHEET = "contact_sheet/grid.png"
GALLERY = "gallery/index.html"
