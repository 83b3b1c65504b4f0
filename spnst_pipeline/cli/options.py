"""Options that several commands have, and what a shell completes for them.

Nothing here imports the core, because PyTorch takes seconds and a shell waits. The names of what is built in are
repeated for that reason, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

PLACE = "DIR|s3://BUCKET/PREFIX|gs://…|az://…"
PICTURES = "DIR|.zip|.tar|.csv|.parquet|s3://BUCKET/PREFIX|gs://…|az://…"

PROFILES = ("vgg16", "pretrained", "embedded")
EXPERIMENTS = ("seed_six", "ablation", "sweep")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
POOLS = ("local", "ray")
STROKES = ("small", "medium", "large", "mixed")
COLOURS = ("style", "content", "match")
GAMUTS = ("srgb", "display-p3", "adobe-rgb", "content")


def one_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """A completion by the names that begin with what was typed."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """A completion by recipes: those of this package and of others, and YAML files."""
    package = find_spec("spnst_core")  # found, not imported
    assert package is not None
    assert package.origin is not None
    builtin = [file.stem for file in Path(package.origin).parent.glob("recipes/builtin/*.yaml")]
    added = [point.name for point in entry_points(group="spnst.recipes")]
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    files = [str(file) for file in folder.glob("*.y*ml")] if folder.is_dir() else []
    return [name for name in (*sorted(builtin), *sorted(added), *sorted(files)) if name.startswith(incomplete)]


Recipe = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.yaml", help="recipe, by its name or file; default structure", autocompletion=recipes
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="networks: vgg16, pretrained or embedded; default vgg16", autocompletion=one_of(PROFILES)
    ),
]
Encoder = Annotated[
    str | None, typer.Option(metavar="NAME", help="encoder instead of the profile's: embedded, vgg19, vgg16")
]
Edges = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="edge detector instead of the profile's: embedded, hed, hed_controlnet, hed_vgg16"
    ),
]
Depth = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="depth network instead of the profile's: embedded, midas_v21_small, ..."),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="auto, cpu, cuda or mps; default auto", autocompletion=one_of(DEVICES)),
]
Home = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="folder of Dagster's own records; default OUT/.dagster, or ~/.local/share/spnst/BUCKET/PREFIX for s3://",
    ),
]
