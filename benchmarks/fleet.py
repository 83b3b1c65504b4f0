"""How long many workers take for a large grid, against the ideal, by simulation of discrete events.

The runs are the planner's own rectangles. Every run starts up, paints row by row, and may lose its machine at any
moment; what it hasn't painted then is the next run. A cell takes time in proportion to its pixels:
the contents are of the usual proportions, with the same long side. A grid beyond what an asset of Dagster holds is
divided among shards by the pipeline's own hash, and each plans its runs by itself. Nothing is painted, and no GPU,
Dagster or store is involved: what goes to Dagster's database and to S3 is computed from `MEASURED` and `REQUIRED`.

    python -m benchmarks.fleet [--cells 100000] [--seconds 18] [--startup 15] [--lost 0.01] [--batch 64]
                               [--workers 1 2 4 ...] [--shards N]
"""

import argparse
import math
from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spnst_pipeline.artefacts.fingerprints import HEAD
from spnst_pipeline.planning.rectangles import Rectangle, cover, tapered
from spnst_pipeline.shard import Shard

PROPORTIONS = (1, 3 / 4, 2 / 3, 9 / 16)
"""Short side over long side of contents."""

MOST = 100_000
"""Partitions of an asset that Dagster recommends at most."""


class Traffic(NamedTuple):
    """What goes to Dagster's database and to S3, on average.

    Attributes:
        cell: for a cell, painted and scored.
        run: for a Dagster run, beside its cells.
        planned: for a cell that is there, each time that painting and scoring are planned.
        picture: for each content and each style of the grid, in every run that paints: it looks for a picture that is
            the same under another name.
    """

    cell: float
    run: float
    planned: float = 0.0
    picture: float = 0.0


MEASURED = {
    "events": Traffic(cell=10, run=15.5),
    "event bytes": Traffic(cell=165_000, run=20_000),
}
"""What Dagster's records of real grids of the embedded profile hold, where one run paints a cell and another scores it.

Events were counted in runs of 12 cells, their bytes in those of four cells of 128 px.
"""

REQUIRED = {
    "PutObject": Traffic(cell=4, run=0),
    "GetObject": Traffic(cell=0, run=0, planned=2, picture=1),
    "bytes down": Traffic(cell=0, run=0, planned=HEAD, picture=HEAD),
}
"""What S3 is asked for at least, by the code and not measured; the bytes are at most so many.

A pastiche, its scores and two maps are put. To plan, the heads of a pastiche and of its scores are read.
"""

BYTES = ("event bytes", "bytes down")
"""What of it are bytes."""

Run = Sequence[float]
"""The seconds that each row of a run takes to paint."""


class Outcome(NamedTuple):
    """What became of a grid.

    Attributes:
        seconds: until the last cell was painted.
        alone: how long the last worker had work when no other had any.
        runs: how many were started, those after a loss included.
    """

    seconds: float
    alone: float
    runs: int


def runs_of(rectangles: Sequence[Rectangle], seconds: NDArray[np.float64]) -> list[Run]:
    """The runs of a full grid, in the planner's order, given the seconds that a cell of each row takes."""
    return [list(seconds[r.top : r.bottom + 1] * (r.right - r.left + 1)) for r in rectangles]


def simulate(runs: Sequence[Run], workers: int, startup: float, lost: float, rng: np.random.Generator) -> Outcome:
    """Let workers take the runs in their order, each the next one when it is free.

    Args:
        runs: what to paint.
        workers: how many there are.
        startup: seconds that a run takes until it paints.
        lost: probability that a run loses its machine, at a moment that is anywhere in it; another is there at once.
        rng: decides which.
    """
    waiting, free, started = deque(runs), [0.0] * workers, 0
    again: list[tuple[float, int, Run]] = []  # what lost runs have left, by the moment of the loss
    while waiting or again:
        now = heappop(free)
        if not waiting:
            now = max(now, again[0][0])
        while again and again[0][0] <= now:
            waiting.appendleft(heappop(again)[2])
        run, started = waiting.popleft(), started + 1
        ends = startup + np.cumsum(run)
        end = now + float(ends[-1])
        if rng.random() < lost:
            moment = rng.random() * float(ends[-1])
            end = now + moment
            heappush(again, (end, started, run[int((ends <= moment).sum()) :]))
        heappush(free, end)
    ends_of_workers = sorted(free)
    alone = ends_of_workers[-1] - ends_of_workers[-2] if workers > 1 else 0.0
    return Outcome(ends_of_workers[-1], alone, started)


def shards_of(side: int, count: int) -> list[NDArray[np.intp]]:
    """The rows of a square grid that are in each of some shards, by contents that are named by their numbers."""
    held = np.array([Shard(1, count).having(f"content-{row:04d}").number for row in range(side)])
    return [np.flatnonzero(held == number) for number in range(1, count + 1)]


def enough(side: int) -> int:
    """The fewest shards of which none has more cells of a square grid than `MOST`."""
    count = math.ceil(side * side / MOST)
    while max(map(len, shards_of(side, count))) * side > MOST:
        count += 1
    return count


def in_turn(shards: Sequence[Sequence[Run]]) -> list[Run]:
    """The runs of all shards as Dagster's queue takes them: the first of each, then the second, and so on."""
    return [run for turn in zip_longest(*shards) for run in turn if run is not None]


def totals(cells: int, runs: int) -> Iterator[tuple[str, str]]:
    """What a grid sends to Dagster's database and to S3, each with its amount.

    Args:
        cells: how many there are.
        runs: in how many Dagster runs they are painted.
    """
    known = {**MEASURED, **REQUIRED}
    for name, each in known.items():
        if each.cell:
            yield name, _written(name, amount(each, cells, runs))
        if each.picture:
            yield f"{name}, to look for the same pictures", _written(name, each.picture * runs * 2 * math.isqrt(cells))
    for name, each in known.items():
        if each.planned:
            yield f"{name}, to plan once", _written(name, each.planned * cells)


def amount(each: Traffic, cells: int, runs: int) -> float:
    """How much of one kind a grid takes, given in how many runs it is painted; scoring takes as many again."""
    return each.cell * cells + each.run * 2 * runs


def _written(name: str, amount: float) -> str:
    return f"{amount / 1e9:,.1f} GB" if name in BYTES else f"{amount:,.0f}"


def main() -> None:
    """Simulate, and print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=100_000, help="about how many, in a square grid")
    parser.add_argument("--seconds", type=float, default=18.0, help="that a cell of a square content takes")
    parser.add_argument("--startup", type=float, default=15.0, help="seconds from a run's start to its first step")
    parser.add_argument("--lost", type=float, default=0.01, help="probability that a run loses its machine")
    parser.add_argument("--batch", type=int, default=64, help="largest number of cells in a run")
    parser.add_argument("--workers", type=int, nargs="+", default=[2**power for power in range(9)])
    parser.add_argument("--shards", type=int, help=f"by default as few as have at most {MOST:,} cells each")
    args = parser.parse_args()

    side = math.isqrt(args.cells)
    rng = np.random.default_rng(0)
    seconds = args.seconds * rng.choice(PROPORTIONS, side)
    rows = shards_of(side, args.shards or enough(side))
    wanted = [np.ones((len(own), side), bool) for own in rows]
    covers = [cover(cells, args.batch) for cells in wanted]
    print(
        f"{side} × {side} cells, {args.seconds:g} s a cell, start-up {args.startup:g} s, {args.lost:.1%} of runs lost; "
        f"{len(rows)} shard(s), the largest of {max(map(len, rows)) * side:,} cells"
    )
    print(
        "| workers | ideal, h | whole batches, h | of ideal | alone, s | tapered, h | of ideal | alone, s | runs "
        "| events | GB of events | events a second |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    started = 0
    for workers in args.workers:
        ideal = float(seconds.sum()) * side / workers
        divided = [tapered(one, cells, args.batch, workers) for one, cells in zip(covers, wanted, strict=True)]
        whole, small = (
            simulate(
                in_turn([runs_of(one, seconds[own]) for one, own in zip(planned, rows, strict=True)]),
                workers,
                args.startup,
                args.lost,
                np.random.default_rng(1),
            )
            for planned in (covers, divided)
        )
        count, size = (amount(MEASURED[name], side**2, small.runs) for name in ("events", "event bytes"))
        print(
            f"| {workers} | {ideal / 3600:.2f} | {whole.seconds / 3600:.2f} | {ideal / whole.seconds:.1%} | "
            f"{whole.alone:.0f} | {small.seconds / 3600:.2f} | {ideal / small.seconds:.1%} | {small.alone:.0f} | "
            f"{small.runs} | {count:,.0f} | {size / 1e9:.1f} | {count / small.seconds:.1f} |"
        )
        started = small.runs
    print(f"\nTo Dagster's database and to S3, with {args.workers[-1]} workers:\n\n| what | amount |\n|---|---|")
    for name, written in totals(side**2, started):
        print(f"| {name} | {written} |")


if __name__ == "__main__":
    main()
