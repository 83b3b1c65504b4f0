"""Measured figures beside their targets: as a table, and as lines of JSON."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from rich import box
from rich.console import Console
from rich.table import Table

NO_GPU = "not measured: no GPU here"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        value: None where it wasn't measured; then ``note`` says why.
        must, strive: the required and the desired value; None where there is none.
        better: whether lower or higher values are better.
        form: format of the values.
        note: a remark of one line.
        details: everything behind the figure, for the JSON.
    """

    name: str
    value: float | None
    must: float | None = None
    strive: float | None = None
    better: Literal["higher", "lower"] = "higher"
    form: str = "{:.2f}"
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> Literal["strive for", "must", "missed", ""]:
        """The best target that it reaches; empty where it wasn't measured or has no target."""
        if self.value is None or (self.must is None and self.strive is None):
            return ""
        if self._meets(self.strive):
            return "strive for"
        return "must" if self._meets(self.must) else "missed"

    def _meets(self, goal: float | None) -> bool:
        if goal is None or self.value is None:
            return False
        return self.value >= goal if self.better == "higher" else self.value <= goal

    def written(self, value: float | None) -> str:
        """A value in the figure's format."""
        return "–" if value is None else self.form.format(value)


def table_of(figures: Iterable[Figure]) -> Table:
    """A Markdown table with one row for each figure."""
    table = Table(box=box.MARKDOWN)
    for column in ("figure", "measured", "must", "strive for", "reached", "note"):
        right = column in ("measured", "must", "strive for")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for figure in figures:
        values = (figure.written(value) for value in (figure.value, figure.must, figure.strive))
        table.add_row(figure.name, *values, figure.reached, figure.note)
    return table


def machine(device: torch.device) -> dict[str, Any]:
    """The machine on which the figures were measured."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def lines_of(figures: Iterable[Figure], measured_on: Mapping[str, Any]) -> list[str]:
    """JSON, one line for each figure."""
    return [
        json.dumps(
            {
                "figure": figure.name,
                "value": figure.value,
                "must": figure.must,
                "strive": figure.strive,
                "better": figure.better,
                "reached": figure.reached,
                "note": figure.note,
                "details": figure.details,
                "machine": measured_on,
            },
            ensure_ascii=False,
        )
        for figure in figures
    ]


def reported(tables: Iterable[Table], lines: Iterable[str], file: Path | None = None) -> None:
    """Tables to the screen; lines to the file, or to the screen where there is none."""
    console = Console(width=None if os.isatty(1) else 160)
    for table in tables:
        console.print(table)
    text = "".join(f"{line}\n" for line in lines)
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, "utf-8")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in names if line.startswith("model name")), platform.machine())
