"""``spnst painters``: train a painter for a style, list painters, and export one."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from spnst_pipeline.cli import options
from spnst_pipeline.cli.downloads import download_bars
from spnst_pipeline.cli.signals import INTERRUPTED
from spnst_pipeline.cli.tables import print_table
from spnst_pipeline.progress import on_terminal
from spnst_pipeline.wording import duration

if TYPE_CHECKING:
    from spnst_core.painters.course import Step
    from spnst_core.painters.training import Training

# Commands import the core themselves: PyTorch takes seconds, and --help should not.

app = typer.Typer(
    help="Train painters, which paint a style in one pass, list and export them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

MINUTES = 40.0
"""Budget of a training for which none is given."""


@app.command()
def train(
    style: Annotated[Path, typer.Argument(metavar="STYLE", help="picture whose strokes and colours are learnt")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=".safetensors file to write; default STYLE.safetensors in this folder",
        ),
    ] = None,
    contents: Annotated[
        str | None,
        typer.Option(
            metavar=options.PLACE,
            help="pictures to train on; default the contents of the settings and the sample contents",
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(metavar="N", help="long side in pixels of what it is to paint; its strokes are as large as there"),
    ] = 512,
    view: Annotated[int, typer.Option(metavar="N", help="side in pixels of the largest parts to train on")] = 256,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help=f"minutes to train; default {MINUTES:g} without --steps")
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="steps to take, at most")] = None,
    batch: Annotated[int, typer.Option(metavar="N", help="views in each step")] = 1,
    full: Annotated[
        bool, typer.Option("--full", help="the paper's network of 1.7 million weights, instead of 0.42 million")
    ] = False,
    warm: Annotated[Path | None, typer.Option("--from", metavar="PAINTER", help="painter to start from")] = None,
    recipe: options.Recipe = None,
    seed: Annotated[int, typer.Option(metavar="N", help="of the first weights and the views")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a painter that exists")] = False,
    profile: options.Profile = None,
    encoder: options.Encoder = None,
    edges: options.Edges = None,
    depth: options.Depth = None,
    device: options.Device = None,
) -> None:
    """Train a painter for a style.

    The painter is a small network that paints any content in that style in one pass: spnst paint --painter. A sheet
    beside it, FILE.validation.png, shows contents that it isn't trained on. When the training is stopped, it is kept in
    FILE.checkpoint, and the same command goes on from there.
    """
    started, console = time.monotonic(), Console(stderr=True)
    from spnst_core.errors import printable
    from spnst_core.optim.divergence import Diverged
    from spnst_core.painters.network import FULL, NARROW
    from spnst_core.painters.training import Plan
    from spnst_pipeline.cli.painter_files import SUFFIX
    from spnst_pipeline.cli.painter_training import PainterFiles, PainterTraining

    files = PainterFiles(output or Path(f"{style.stem}{SUFFIX}"))
    files.require_writable([style, *([warm] if warm else [])], overwrite)
    budget = MINUTES if minutes is None and steps is None else minutes
    plan = Plan(size, view, steps, budget, batch, FULL if full else NARROW, seed=seed)
    flags = {"profile": profile, "encoder": encoder, "edges": edges, "depth": depth, "device": device}
    wanted = PainterTraining.read(style, contents, recipe, plan, warm, **flags)
    for note in wanted.notes:
        typer.echo(note, err=True)
    with download_bars(console) as progress:
        wanted.fetch_models(progress)
    training = wanted.begin(files, lambda line: typer.echo(line, err=True))
    shown = _Shown(console)
    try:
        with shown.progress:
            painter = wanted.finish(training, files, shown.follow)
    except KeyboardInterrupt:
        kept = f"its state is in {printable(str(files.checkpoint))}, and the same command goes on from there"
        typer.echo(f"Stopped after step {training.steps:,}: {kept}." if training.steps else "Stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Diverged as error:
        typer.echo(f"spnst: {error}; its last sound state is in {printable(str(files.checkpoint))}", err=True)
        raise typer.Exit(1) from None
    ended = " (validation no longer improved)" if training.share < 1 else ""
    typer.echo(f"Trained in {duration(time.monotonic() - started)}, {painter.made['steps']:,} steps{ended}.")
    typer.echo(f"Painter: {printable(str(files.painter))}\nSheet: {printable(str(files.sheet))}")


@app.command("list")
def list_painters(
    places: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE|DIR...", help="painters and folders; default this folder")
    ] = None,
) -> None:
    """List painters.

    For every painter: recipe, size in pixels that its strokes were trained at, weights, steps, minutes of training,
    losses on contents that it wasn't trained on, and the file.
    """
    from spnst_core.errors import InputError, printable
    from spnst_pipeline.cli.painter_files import SUFFIX, read_painter

    rows = []
    for place in places or [Path()]:
        for file in sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]:
            try:
                painter = read_painter(file)
            except InputError:
                if place.is_dir():  # a folder may hold other files of tensors
                    continue
                raise
            made = painter.made
            losses = [f"{made['losses'][term]:.3f}" for term in ("style", "edge", "depth")]
            facts = (f"{painter.size}", f"{painter.weights:,}", f"{made['steps']:,}", f"{made['seconds'] / 60:.1f}")
            rows.append((made["recipe_name"], *facts, *losses, printable(str(file))))
    numbers = ("size", "weights", "steps", "minutes", "style", "edge", "depth")
    print_table(("recipe", *numbers, "file"), rows, numbers)


@app.command()
def export(
    painter: Annotated[Path, typer.Argument(metavar="FILE", help="painter to export")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help=".onnx file to write; default beside FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a file that exists")] = False,
) -> None:
    """Export a painter as ONNX.

    The file paints pictures of any size without PyTorch. It is checked against PyTorch before it is written. It needs
    the packages of the extra onnx: pip install 'spnst[onnx]'.
    """
    from spnst_core.errors import printable
    from spnst_core.painters.export import to_onnx
    from spnst_pipeline.cli.output_files import require_writable
    from spnst_pipeline.cli.painter_files import read_painter
    from spnst_pipeline.storage.places import Folder

    file = output or painter.with_suffix(".onnx")
    found = read_painter(painter)
    require_writable({"export": (file, (".onnx",))}, [painter], overwrite)
    data = to_onnx(found)
    Folder(file.parent).write(file.name, data)
    typer.echo(f"Exported: {printable(str(file))} ({len(data) / 1e6:.1f} MB)")


@app.command()
def page(
    painters: Annotated[list[Path], typer.Argument(metavar="FILE...", help="painters to offer")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="folder to write; it must be empty or not exist")
    ] = Path("page"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="write into a folder that isn't empty")] = False,
) -> None:
    """Make a page that paints in the browser.

    Its visitors choose a picture of their own, which stays in the browser. The folder opens from disk, and from any web
    server. It needs the packages of the extra onnx (pip install 'spnst[onnx]'), and ONNX Runtime Web, which npm fetches
    once.
    """
    from spnst_core.errors import InputError, printable
    from spnst_core.gallery import runtime
    from spnst_core.gallery.painting import BrowserPainter, Painting, painting_folder
    from spnst_core.painters.export import to_onnx
    from spnst_core.painters.network import SMALLEST_SIDE
    from spnst_pipeline.cli.painter_files import read_painter
    from spnst_pipeline.storage.places import Folder

    names = [file.stem for file in painters]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two painters are called {twice}: rename one of the files")
    read = [read_painter(file) for file in painters]
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: name a folder")
    if output.exists() and any(output.iterdir()) and not overwrite:
        raise InputError(f"{output} isn't empty: choose another folder, or give --overwrite to write into it")
    Folder(output).require_writable()
    found = runtime.find()
    offered = [
        BrowserPainter(file.stem, painter.recipe.name, partial(to_onnx, painter), str(painter.made))
        for file, painter in zip(painters, read, strict=True)
    ]
    versioned, pages = painting_folder(Painting(offered, lambda: found, SMALLEST_SIDE))
    made = {name: make() for name, make in versioned.items()}
    place = Folder(output)
    for name, data in {**made, **pages}.items():
        place.write(name, data)
    typer.echo(f"Page: {printable(str(output / 'index.html'))}")


@app.command("runtime")
def fetch_runtime(
    package: Annotated[
        Path | None, typer.Option("--from", metavar="FILE.tgz", help="a package that npm pack wrote elsewhere")
    ] = None,
) -> None:
    """Fetch ONNX Runtime Web, with which pages paint.

    npm fetches it (npm pack), as you have configured it; nothing is installed. It is kept with the weight files.
    """
    from spnst_core.gallery import runtime

    if package:
        runtime.take(package)
    else:
        runtime.find()
    typer.echo(f"{runtime.PACKAGE}  {runtime.folder()}")


class _Shown:
    """Progress of a training: a bar on a terminal, and a line for each validation elsewhere."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("training"), BarColumn(), TextColumn("{task.fields[told]}")
        self.progress = Progress(*columns, console=console, transient=True, disable=not on_terminal(console))
        self._console, self._began = console, time.monotonic()
        self._share: float | None = None
        self._task = self.progress.add_task("", total=1.0, told="")

    def follow(self, training: Training, step: Step) -> None:
        """Show one step."""
        share, elapsed = training.share, time.monotonic() - self._began
        self._share = share if self._share is None else self._share
        done = share - self._share
        left = f", {duration(elapsed * (1 - share) / done)} left" if done > 0 and elapsed > 2 else ""
        told = f"step {training.steps:,}{left} · loss {step.losses['total']:.3g}"
        self.progress.update(self._task, completed=share, told=told)
        if step.validation:
            losses = step.validation[0].losses
            terms = "  ".join(f"{k} {losses[k]:.3f}" for k in ("style", "edge", "depth", "total") if k in losses)
            line = f"step {training.steps:,}{left} · held-out contents: {terms}"
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)
