"""``spnst detail``: make a detail map of a content, to paint with or to edit first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from spnst_pipeline.cli import options
from spnst_pipeline.cli.downloads import download_bars

NETWORKS = ("hed_vgg16", "hed", "hed_controlnet")
"""The networks with side outputs at several scales."""


def detail(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="the picture")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="the map; default CONTENT with .detail.png as its suffix"),
    ] = None,
    edges: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"the HED to look with: {', '.join(NETWORKS)}"),
    ] = NETWORKS[0],
    device: options.Device = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a file that exists")] = False,
) -> None:
    """Make a detail map of a content.

    The map is white where only the fine scales of HED see edges, as in a face or in writing. It is a picture in grey
    of at most 512 px: edit it if you like. A grid takes it from beside the content, and spnst paint by --detail-map.
    """
    from spnst_core.errors import InputError, printable
    from spnst_core.imaging import io as image_io
    from spnst_core.models import weights
    from spnst_core.models.fine_detail import fine_detail
    from spnst_core.models.hed import SideOutputs
    from spnst_core.models.networks import create, weight_files
    from spnst_core.models.profiles import find_device
    from spnst_pipeline.cli.output_files import require_writable
    from spnst_pipeline.storage.places import Folder

    if edges not in NETWORKS:
        raise InputError(f'"{edges}" has no fine scales to look at: choose {", ".join(NETWORKS)}')
    target = find_device(device or "auto")
    picture = image_io.read(content)
    output = output or content.with_suffix(".detail.png")
    require_writable({"detail map": (output, (".png",))}, [content], overwrite)
    with download_bars(Console(stderr=True)) as progress:
        for file in weight_files("edges", edges):
            weights.find(file, progress=progress)
    network = create("edges", edges).to(target)
    assert isinstance(network, SideOutputs)
    found = fine_detail(network, picture.to(target))
    if found.max() - found.min() < 1 / 255:
        raise InputError(f"{printable(str(content))} has no fine detail that {edges} sees: paint a map by hand")
    Folder(output.parent).write(
        output.name, image_io.encode_png(image_io.to_image(found.expand(1, 3, -1, -1)).convert("L"))
    )
    typer.echo(f"Detail map: {printable(str(output))}")
