"""``spnst paint``: one content in one style, or in several as one, written to a file, without store and Dagster."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from spnst_pipeline.cli import options
from spnst_pipeline.cli.downloads import download_bars
from spnst_pipeline.cli.signals import INTERRUPTED
from spnst_pipeline.progress import shown
from spnst_pipeline.wording import duration

# What paints is imported by the command itself: PyTorch takes seconds, and --help should not.


def paint(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="picture whose subject is kept")],
    style: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="STYLE...",
            help="picture whose strokes and colours are taken; several are blended into one style; none with --painter",
        ),
    ] = None,
    painter: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="painter to paint with in one pass, from spnst painters train"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=".png, .jpg or .tif file to write; default CONTENT_STYLE.png in this folder",
        ),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(metavar="8|16", help="bits of each channel; default 16 for .tif, 8 for the others")
    ] = None,
    dpi: Annotated[int | None, typer.Option(metavar="N", help="pixels to an inch of paper, told in the file")] = None,
    gamut: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="colour space of the file: srgb, display-p3, adobe-rgb, or content for that of the content's file",
            autocompletion=options.one_of(options.GAMUTS),
        ),
    ] = "srgb",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace files that exist")] = False,
    recipe: options.Recipe = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="long side of the pastiche in pixels; default the recipe's own")
    ] = None,
    upscale_from: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="smaller pastiche of CONTENT in STYLE to start from; the rest is refined"),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="W,W,...",
            help="weight of each of several styles, such as 0.7,0.3; default all the same; given several times, for "
            "each stage of the recipe",
        ),
    ] = None,
    structure: Annotated[
        float | None,
        typer.Option(metavar="0...1", help="amount of edges and depth to hold; 0.5 is the recipe's own"),
    ] = None,
    strokes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="small, medium, large or mixed strokes; default the recipe's own",
            autocompletion=options.one_of(options.STROKES),
        ),
    ] = None,
    colour: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="colours of the style, of the content, or of the style fitted to match the content's; default the "
            "recipe's own",
            autocompletion=options.one_of(options.COLOURS),
        ),
    ] = None,
    colour_strength: Annotated[
        float | None, typer.Option(metavar="0...1", help="how far the colours content or match go; default all the way")
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(metavar="0...1", help="how much of the style to take on, from 0, the content; default all of it"),
    ] = None,
    depth_map: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="depth of the content in place of the network's, larger = nearer: .npy, .png, .tif or .exr",
        ),
    ] = None,
    edge_map: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="edges of the content in place of the network's, 0 to 1: .npy, .png, .tif or .exr"
        ),
    ] = None,
    detail_map: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="where edges and depth count more, as a face's, 0 to 1 for most: .npy, .png or .tif"
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MASK",
            help="part of the content, white in the mask (.png, .tif, .exr or .npy) or by its depth, as in "
            "near=depth:0.6-1; the part named keep isn't painted",
        ),
    ] = None,
    region_style: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=STYLE", help="style of a region; default STYLE, as for what no mask covers"),
    ] = None,
    style_mask: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MASK", help="part of a region's style that it is painted in; default all of it"),
    ] = None,
    region_strokes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STROKES",
            help="small, medium, large or mixed strokes in a region: half, once or twice as large as in the rest, or "
            "all three",
        ),
    ] = None,
    keep_rest: Annotated[bool, typer.Option("--keep-rest", help="leave what no mask covers as it is")] = False,
    film: Annotated[
        Path | None, typer.Option(metavar="FILE.mp4", help="film of the optimisation to write as well")
    ] = None,
    profile: options.Profile = None,
    encoder: options.Encoder = None,
    edges: options.Edges = None,
    depth: options.Depth = None,
    device: options.Device = None,
) -> None:
    """Paint one content in one style, or in a blend of several.

    Writes the pastiche to a file, without a store. An existing file is kept unless --overwrite is given. The file tells
    how it was made. spnst recipes list shows the recipes. Recipe, size, networks and device can also be set in the
    environment (SPNST_SIZE, ...) or in spnst.yaml, as for the command run.

    With --painter FILE, a painter that was trained for a style paints it in one pass, in the size that its strokes were
    trained for unless --size is given. There is no STYLE then, and no other network is needed.
    """
    started, console = time.monotonic(), Console(stderr=True)
    if painter:
        given = {
            "STYLE": style,
            "--weights": weights,
            "--recipe": recipe,
            "--structure": structure,
            "--strokes": strokes,
            "--colour": colour,
            "--colour-strength": colour_strength,
            "--strength": strength,
            "--depth-map": depth_map,
            "--edge-map": edge_map,
            "--detail-map": detail_map,
            "--region": region,
            "--region-style": region_style,
            "--style-mask": style_mask,
            "--region-strokes": region_strokes,
            "--keep-rest": keep_rest or None,
            "--upscale-from": upscale_from,
            "--film": film,
            "--profile": profile,
            "--encoder": encoder,
            "--edges": edges,
            "--depth": depth,
        }
        _paint_by(painter, content, given, output, overwrite, bits, dpi, gamut, size, device)
        return
    if not style:
        raise typer.BadParameter("give a picture as STYLE, or a painter with --painter FILE", param_hint="STYLE")
    try:
        with shown(console) as listener:
            listener.phase("reading the pictures", 0)
            from spnst_core.errors import printable
            from spnst_core.imaging.encoding import FileFormat
            from spnst_pipeline.cli.regions import RegionOptions
            from spnst_pipeline.cli.single_pastiche import Changes, SinglePastiche

            flags = {"size": size, "profile": profile, "encoder": encoder, "edges": edges, "depth": depth}
            changes = Changes(structure, strokes, colour, colour_strength, strength)
            pastiche = SinglePastiche.read(
                content,
                style,
                weights or (),
                recipe,
                changes,
                {"depth": depth_map, "edges": edge_map, "detail": detail_map},
                RegionOptions(region or (), region_style or (), style_mask or (), region_strokes or (), keep_rest),
                upscale_from,
                device=device,
                **flags,
            )
            file = pastiche.require_writable(output, film, overwrite)
            form = FileFormat(file.suffix, bits, dpi, pastiche.gamut(gamut))
        with download_bars(console) as progress:
            pastiche.fetch_models(progress)
        with shown(console) as listener:
            pastiche.paint(listener, file, form, film)
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if pastiche.transparent and not form.holds_alpha:
        _tell_of_white(file)
    if pastiche.notice:
        typer.echo(pastiche.notice)
    typer.echo(f"Painted in {duration(time.monotonic() - started)}: {printable(str(file))}")
    if film:
        typer.echo(f"Film: {printable(str(film))}")


def _tell_of_white(file: Path) -> None:
    typer.echo(f"{file.suffix} files hold no transparency: what was transparent is white. .png and .tif keep it.")


def _paint_by(painter: Path, content: Path, given: Mapping[str, object], *arguments: Any) -> None:
    started = time.monotonic()
    from spnst_core.errors import printable
    from spnst_pipeline.cli.painter_pastiche import paint_by, refuse

    refuse(given)
    file, on_white = paint_by(painter, content, *arguments)
    if on_white:
        _tell_of_white(file)
    typer.echo(f"Painted in {duration(time.monotonic() - started)}: {printable(str(file))}")
