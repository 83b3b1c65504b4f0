"""The command line: ``spnst demo`` and ``spnst run``, and the commands of the modules beside this one."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spnst_pipeline.cli import models as models_command
from spnst_pipeline.cli import options
from spnst_pipeline.cli import painters as painters_command
from spnst_pipeline.cli import recipes as recipes_command
from spnst_pipeline.cli.doctor import doctor
from spnst_pipeline.cli.options import PICTURES, PLACE
from spnst_pipeline.cli.paint import paint
from spnst_pipeline.cli.signals import INTERRUPTED, terminating_as_interrupted
from spnst_pipeline.cli.telling import Brief, Ending, JsonLines, Teller, Words
from spnst_pipeline.cli.verify import verify

if TYPE_CHECKING:
    from PIL import Image

    from spnst_pipeline.project import Project
    from spnst_pipeline.settings import Settings

# Commands import what they need themselves: PyTorch and Dagster take seconds, and --help should not.

DEMO_SIZES = {"vgg16": 256, "embedded": 192}
"""Profiles that the demo can use, and the long side of its pastiches in pixels with each."""

DEMO_CONTENTS = 3
"""Number of contents in the demo."""

DEMO_STYLES = {"vgg16": 2, "embedded": 3}
"""Number of styles in the demo, which is to take minutes on two cores."""

app = typer.Typer(
    help="Neural style transfer that keeps the depth and edges of the content.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(models_command.app, name="models")
app.add_typer(recipes_command.app, name="recipes")
app.add_typer(painters_command.app, name="painters")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"spnst {version('spnst')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="print the version and exit", callback=_tell_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def demo(
    out: Annotated[str, typer.Option(metavar=PLACE, help="the store: folder or prefix of a bucket")] = "out/demo",
    profile: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="vgg16: networks of one download of 55 MB, by pip; embedded: networks of this package",
            autocompletion=options.one_of(list(DEMO_SIZES)),
        ),
    ] = "vgg16",
) -> None:
    """Paint the sample grid.

    Paints sample contents in sample styles with two recipes. It needs no GPU. The samples are written to OUT/samples
    or, if OUT is in a bucket, to the folder of Dagster's own records (see --home of the command run).
    """
    from spnst_core import samples
    from spnst_core.errors import InputError
    from spnst_pipeline.project import open_store
    from spnst_pipeline.settings import Settings
    from spnst_pipeline.storage.places import is_remote

    if profile not in DEMO_SIZES:
        raise InputError(f'the demo has no profile "{profile}": it has {" and ".join(DEMO_SIZES)}')
    open_store(out)  # a place that can't be used is told before a sample is written
    settings = Settings.load(out=out, recipes=("structure", "gatys"), profile=profile, size=DEMO_SIZES[profile])
    folder = (settings.dagster_home if is_remote(out) else Path(out).expanduser()) / "samples"
    if not (folder / "content").exists():
        _write_samples(folder / "content", samples.contents(), DEMO_CONTENTS)
    if not (folder / "style").exists():
        _write_samples(folder / "style", samples.styles(), DEMO_STYLES[profile])
    pictures = {"content": str(folder / "content"), "style": str(folder / "style")}
    _bring_up_to_date(settings.model_copy(update=pictures), Words())


@app.command()
def run(
    content: Annotated[
        str | None,
        typer.Option(
            metavar=PICTURES, help="the contents: folder, archive, table of paths and addresses, or prefix of a bucket"
        ),
    ] = None,
    style: Annotated[str | None, typer.Option(metavar=PICTURES, help="the styles, likewise")] = None,
    subfolders: Annotated[
        bool | None, typer.Option("--subfolders", help="take the pictures in folders below as well", show_default=False)
    ] = None,
    out: Annotated[str | None, typer.Option(metavar=PLACE, help="the store: folder or prefix of a bucket")] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE.yaml",
            help="recipe to paint with; can be given several times",
            autocompletion=options.recipes,
        ),
    ] = None,
    experiment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="group of recipes to compare: seed_six, ablation, sweep",
            autocompletion=options.one_of(options.EXPERIMENTS),
        ),
    ] = None,
    profile: options.Profile = None,
    encoder: options.Encoder = None,
    edges: options.Edges = None,
    depth: options.Depth = None,
    size: Annotated[int | None, typer.Option(metavar="N", help="long side of a pastiche in pixels")] = None,
    record_every: Annotated[
        int | None,
        typer.Option(metavar="N", help="film the optimisation of every cell, one frame every N steps; 0: no films"),
    ] = None,
    gamut: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="colour space of the pastiches' files: srgb, display-p3, adobe-rgb, or content for that of each "
            "content's file",
            autocompletion=options.one_of(options.GAMUTS),
        ),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(metavar="8|16", help="bits of each channel of the pastiches' files")
    ] = None,
    device: options.Device = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="number format of the networks: auto, float32 or bfloat16",
            autocompletion=options.one_of(options.PRECISIONS),
        ),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="where cells are painted: local, or ray for a Ray cluster; default local",
            autocompletion=options.one_of(options.POOLS),
        ),
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="the Ray cluster: auto, HOST:PORT or ray://HOST:PORT; default auto"),
    ] = None,
    home: options.Home = None,
    force: Annotated[bool, typer.Option("--force", help="make everything again, including what is up to date")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only tell what would be made, and how long painting would take")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="tell nothing but errors and one line at the end")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="tell events instead, one JSON object on each line of standard output")
    ] = False,
) -> None:
    """Paint every content in every style.

    Only what is missing or out of date is made. Options that aren't given are read from the environment
    (SPNST_CONTENT, ...) or from spnst.yaml.
    """
    from spnst_core.errors import InputError
    from spnst_pipeline.settings import Settings

    if quiet and as_json:
        raise InputError("--quiet and --json exclude each other: leave one of them out")
    teller = Brief() if quiet else JsonLines() if as_json else Words()
    settings = Settings.load(
        content=content,
        style=style,
        subfolders=subfolders,
        out=out,
        recipes=tuple(recipe) if recipe else None,
        experiments=tuple(experiment) if experiment else None,
        profile=profile,
        encoder=encoder,
        edges=edges,
        depth=depth,
        size=size,
        record_every=record_every,
        gamut=gamut,
        bits=bits,
        device=device,
        precision=precision,
        pool=pool,
        ray_address=ray_address,
        home=home,
    )
    if dry_run:
        _tell_plan(settings, teller, force)
    else:
        _bring_up_to_date(settings, teller, force)


app.command()(paint)
app.command()(doctor)
app.command()(verify)


def main() -> None:
    """Run the command line.

    Exit status: 0 everything is made, if perhaps not fit to be shown, 1 something failed, 2 input that can't be used,
    130 interrupted, 143 terminated.
    """
    with terminating_as_interrupted() as status:
        try:
            app()
        except SystemExit as left:
            sys.exit(status() if left.code == INTERRUPTED else left.code)
        except Exception as error:
            from spnst_core.compute.memory import ran_out, shortage
            from spnst_core.errors import InputError
            from spnst_pipeline.storage.places import Unreachable

            if isinstance(error, InputError):
                typer.echo(f"spnst: {error}", err=True)
                sys.exit(1 if isinstance(error, Unreachable) else 2)
            if ran_out(error):
                typer.echo(f"spnst: {shortage(error)}", err=True)
                sys.exit(1)
            raise


def _bring_up_to_date(settings: Settings, teller: Teller, force: bool = False) -> None:
    from spnst_core.gallery import runtime
    from spnst_core.models.profiles import fetch_models
    from spnst_core.painters import arbitrary, export
    from spnst_pipeline.cli.execution import make_home
    from spnst_pipeline.cli.run_lock import run_lock
    from spnst_pipeline.defs.pool import require_pool
    from spnst_pipeline.planning.grid import checked
    from spnst_pipeline.project import Project

    started = time.monotonic()
    project = Project.open(settings)
    require_pool(settings)
    with teller.downloading() as progress:
        fetch_models(project.settings.profile, **project.overrides, progress=progress)
        if any(recipe.engine == "arbitrary" for recipe in project.every_recipe):
            arbitrary.fetch(progress)
    if settings.painting_page:
        export.require_packages()
        runtime.find()
    project = checked(project)
    make_home(settings)
    with run_lock(settings.dagster_home, teller.note) as waited:
        _make_everything(checked(Project.open(settings)) if waited else project, teller, force, started)


def _make_everything(project: Project, teller: Teller, force: bool, started: float) -> None:
    from spnst_pipeline.cli.execution import Execution, open_home

    teller.began(project)
    project.store.sweep()
    with open_home(project.settings) as instance:
        try:
            with teller.listening() as listener:
                execution = Execution(project, instance, listener)
                execution.bring_up_to_date(force)
        except KeyboardInterrupt:
            teller.stopped()
            raise typer.Exit(INTERRUPTED) from None
    seconds, changed = time.monotonic() - started, bool(execution.runs)
    made = listener.painted, listener.recorded
    teller.ended(project, Ending(*made, changed, seconds, execution.blocked(), execution.failed))
    if execution.failed:
        raise typer.Exit(1)


def _tell_plan(settings: Settings, teller: Teller, force: bool) -> None:
    from spnst_pipeline.planning.forecast import forecast
    from spnst_pipeline.planning.grid import checked
    from spnst_pipeline.project import Project

    project = checked(Project.open(settings, dry=True))
    teller.planned(project, forecast(project, force))


def _write_samples(folder: Path, pictures: Mapping[str, Image.Image], count: int) -> None:
    """That many of the samples as files; the folder appears only when it is whole."""
    from spnst_core.imaging.io import encode_png

    part = folder.with_name(f".{folder.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    for name, picture in list(pictures.items())[:count]:
        (part / f"{name}.png").write_bytes(encode_png(picture))
    part.rename(folder)


if __name__ == "__main__":
    main()
