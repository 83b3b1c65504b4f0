"""``spnst verify``: read everything in a store, and tell what isn't what was written."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from spnst_pipeline.cli.options import PLACE
from spnst_pipeline.wording import counted


def verify(
    out: Annotated[str, typer.Argument(metavar=PLACE, help="the store")],
) -> None:
    """Check every file of a store against its checksum.

    Every artefact carries the checksums of its files. Damage is noticed whenever an artefact is used; this command
    finds it in those that nobody uses. What is damaged is made again by the next run. Exit status: 0 all is sound, 1
    something isn't.
    """
    from spnst_core.errors import InputError
    from spnst_pipeline.artefacts.verification import artefacts
    from spnst_pipeline.artefacts.verification import verify as verified
    from spnst_pipeline.progress import on_terminal
    from spnst_pipeline.storage.store import Store

    store, console = Store.open(out), Console(stderr=True)
    found = artefacts(store)
    if not found:
        raise InputError(f"{store.location} holds no artefacts: name what a run was given as --out")
    files = damaged = unchecked = 0
    hidden, count = not on_terminal(console), len(found)
    for verdict in track(verified(store, found), "checking", count, console=console, transient=True, disable=hidden):
        files += verdict.files
        damaged += bool(verdict.wrong)
        unchecked += not verdict.checked
        for path, reason in verdict.wrong.items():
            typer.echo(f"{verdict.artefact}: {store.locate(path)}: {reason}")
    if unchecked:
        typer.echo(f"{unchecked} of {len(found)} artefacts carry no checksum: an earlier version made them.")
    if damaged:
        typer.echo(f"{damaged} of {len(found)} artefacts aren't what was written: the next run makes them again.")
        raise typer.Exit(1)
    typer.echo(f"{counted(len(found), 'artefact')}, {counted(files, 'file')}: all are what was written.")
