"""Downloads: bars on a terminal while weight files are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from spnst_pipeline.progress import on_terminal

if TYPE_CHECKING:
    from spnst_core.models.weights import Progress


@contextmanager
def download_bars(console: Console) -> Iterator[Progress]:
    """One bar for each file that is being downloaded; gone at the end, and absent in a log."""
    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not on_terminal(console),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total, visible=done != total)

        yield show
