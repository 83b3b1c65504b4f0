"""Options that several commands have."""

from typing import Annotated

import typer

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
