"""``spnst doctor``: tell whether everything that a run needs is there and sound, and what to do where it isn't."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from spnst_pipeline.cli import options

# What examines is imported by the command itself: PyTorch takes seconds, and --help should not.

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


def doctor(
    out: Annotated[
        str | None, typer.Option(metavar=options.PLACE, help="the store to look at; default that of the settings")
    ] = None,
    home: options.Home = None,
    profile: options.Profile = None,
    device: options.Device = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object on each line of standard output")
    ] = False,
) -> None:
    """Check that a run can work.

    Looks at versions, devices, memory, threads, weight files, the store, Dagster's records, buckets and the encoder of
    films, and says what to do about each line that isn't ok. Nothing that it tries out stays behind. The exit status is
    1 if a line is an error.
    """
    from spnst_pipeline.cli.examination import examine

    console, errors = Console(highlight=False), 0
    for finding in examine({"out": out, "home": home, "profile": profile, "device": device}):
        errors += finding.status == "error"
        if as_json:
            typer.echo(json.dumps(asdict(finding)))
            continue
        head = Text.assemble((f"{finding.status:<9}", COLOURS[finding.status]), f"{finding.check:<10}", finding.found)
        console.print(head, soft_wrap=True)
        if finding.advice:
            console.print(Text(f"{'':<19}{finding.advice}"), soft_wrap=True)
    if errors:
        raise typer.Exit(1)
