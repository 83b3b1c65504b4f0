"""How a step's time grows with the number of cells, with the size of the picture, and with the number of threads.

    python -m benchmarks.scaling [--networks embedded|published] [--most 64] [--largest 2048] [--threads 1 2]
                                 [--device cpu|cuda] [--json FILE]

Cells 1, 2, 4, … at 256 px, then sizes 128, 256, … of one cell, each at one full-size stage of `structure`. Each number
of threads has a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.table import Table

from benchmarks.figures import machine, reported
from benchmarks.networks import KINDS, networks
from benchmarks.tiling import recipe_of
from benchmarks.timing import library_steps, paintings, photographs, seconds_a_step
from spnst_core import InputError
from spnst_core.models.profiles import find_device

SIZE = 256
"""Size of the pictures while the number of cells grows."""

STYLE = 256
"""Long side of the styles."""


def doubled(first: int, last: int) -> list[int]:
    """A number and its doubles, up to the last."""
    found = []
    while first <= last:
        found.append(first)
        first *= 2
    return found


def points(most: int, largest: int) -> list[tuple[int, int]]:
    """Cells and size of every measurement, each once."""
    return list(
        dict.fromkeys([*((cells, SIZE) for cells in doubled(1, most)), *((1, size) for size in doubled(128, largest))])
    )


def measured(kind: str, device: str, most: int, largest: int, steps: int) -> Iterator[dict[str, Any]]:
    """Seconds per step and cell at every point, in this process."""
    with networks(kind, device) as load:
        models = load()
    photograph, styles = next(iter(photographs(1).values())), list(paintings(6, STYLE).values())
    for cells, size in points(most, largest):
        chosen = [styles[k % len(styles)] for k in range(cells)]
        running = library_steps(photograph, chosen, recipe_of(size, steps), models)
        yield {"cells": cells, "size": size, "seconds": seconds_a_step(running, models.device) / cells}


def in_process(threads: int, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """`measured` in a process of its own with that many threads."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--run", str(threads), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"the process with {threads} threads failed with code {child.returncode}")


def table_of(found: Sequence[dict[str, Any]]) -> Table:
    """Cells and sizes in rows; for each number of threads the seconds, and how many times a single cell's at 256 px."""
    threads = list(dict.fromkeys(row["threads"] for row in found))
    table = Table(box=box.MARKDOWN)
    for column in ("size", "cells", *(text for n in threads for text in (f"s a step a cell, {n} thr.", "of one cell"))):
        table.add_column(column, justify="right")
    seconds = {(row["threads"], row["size"], row["cells"]): row["seconds"] for row in found}
    for size, cells in dict.fromkeys((row["size"], row["cells"]) for row in found):
        shown = []
        for n in threads:
            value, one = seconds[n, size, cells], seconds.get((n, SIZE, 1))
            shown += [f"{value:.3f}", f"{value / one:.2f}×" if one else ""]
        table.add_row(str(size), str(cells), *shown)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with each number of threads, or with ``--run`` in this process and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", choices=KINDS, default="embedded")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--most", type=int, default=64, help="cells")
    parser.add_argument("--largest", type=int, default=2048, help="size")
    parser.add_argument("--steps", type=int, default=3, help="of each measurement; the first isn't timed")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every line to this file, not to the screen")
    parser.add_argument("--run", type=int, metavar="THREADS", help="measure in this process, with so many threads")
    given = parser.parse_args(arguments)
    torch.set_flush_denormal(True)
    try:
        device = find_device(given.device)
        if given.run:
            torch.set_num_threads(given.run)
            for row in measured(given.networks, given.device, given.most, given.largest, given.steps):
                print(json.dumps(row), flush=True)
            return
    except InputError as error:
        sys.exit(str(error))
    passed = [f"--{name}={getattr(given, name)}" for name in ("networks", "device", "most", "largest", "steps")]
    found = []
    for threads in given.threads:
        for row in in_process(threads, passed):
            found.append({"networks": given.networks, "threads": threads, **row})
            print(
                f"{threads} thr., {row['size']} px, {row['cells']} cells: {row['seconds']:.3f} s a step a cell",
                flush=True,
            )
    where = {key: value for key, value in machine(device).items() if key != "threads"}
    reported([table_of(found)], [json.dumps({**row, "machine": where}) for row in found], given.json)


if __name__ == "__main__":
    main()
