"""How the time of a step grows with the number of cells, the size of the picture and the number of threads.

    python -m benchmarks.scaling [--networks embedded|published] [--most 64] [--largest 2048] [--threads 1 2]
                                 [--device cpu|cuda] [--json FILE]

It measures 1, 2, 4, … cells at 256 px, then one cell at 128, 256, … px, each in the full-size stage of `structure`.
Each number of threads gets a process of its own.
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
from benchmarks.timing import content_samples, library_steps, seconds_a_step, style_samples
from spnst_core import InputError
from spnst_core.models.profiles import find_device

SIZE = 256
"""Size of the pictures while the number of cells grows."""

STYLE = 256
"""Long side of the styles."""


def doubled(first: int, last: int) -> list[int]:
    """``first``, doubled again and again, up to ``last``."""
    found = []
    while first <= last:
        found.append(first)
        first *= 2
    return found


def points(most: int, largest: int) -> list[tuple[int, int]]:
    """Number of cells and size of every measurement, without repeats."""
    return list(
        dict.fromkeys([*((cells, SIZE) for cells in doubled(1, most)), *((1, size) for size in doubled(128, largest))])
    )


def measured(kind: str, device: str, most: int, largest: int, steps: int) -> Iterator[dict[str, Any]]:
    """Seconds per step and cell at every point, in this process."""
    with networks(kind, device) as load:
        models = load()
    content_picture, styles = next(iter(content_samples(1).values())), list(style_samples(6, STYLE).values())
    for cells, size in points(most, largest):
        chosen = [styles[k % len(styles)] for k in range(cells)]
        running = library_steps(content_picture, chosen, recipe_of(size, steps), models)
        yield {"cells": cells, "size": size, "seconds": seconds_a_step(running, models.device) / cells}


def in_process(threads: int, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """`measured` in a process of its own with that many threads."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--run", str(threads), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:  # noqa: S603 - this file
        assert child.stdout
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"the process with {threads} threads failed with code {child.returncode}")


def table_of(found: Sequence[dict[str, Any]]) -> Table:
    """A row for each size and number of cells; for each number of threads the seconds, absolute and over one cell's."""
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
    parser.add_argument("--networks", choices=KINDS, default="embedded", help="networks to measure with")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--most", type=int, default=64, help="largest number of cells")
    parser.add_argument("--largest", type=int, default=2048, help="largest size in pixels")
    parser.add_argument("--steps", type=int, default=3, help="steps of each measurement; the first isn't timed")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the JSON lines to this file, not to the screen"
    )
    parser.add_argument("--run", type=int, metavar="THREADS", help="measure in this process, with that many threads")
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
