"""How long many workers take for a large grid, against the ideal, by simulation of discrete events.

The runs are the planner's own rectangles. Every run starts up, paints row by row, and may lose its machine at any
moment; what it hasn't painted then is the next run. A cell takes time in proportion to its pixels:
the contents are of the usual proportions, with the same long side. Nothing is painted, and no GPU, Dagster or store is
involved.

    python -m benchmarks.fleet [--cells 100000] [--seconds 18] [--startup 15] [--lost 0.01] [--batch 64]
                               [--workers 1 2 4 ...]
"""

import argparse
import math
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spnst_pipeline.planning.rectangles import Rectangle, cover, tapered

PROPORTIONS = (1, 3 / 4, 2 / 3, 9 / 16)
"""Short side over long side of contents."""

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


def main() -> None:
    """Simulate, and print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=100_000, help="about how many, in a square grid")
    parser.add_argument("--seconds", type=float, default=18.0, help="that a cell of a square content takes")
    parser.add_argument("--startup", type=float, default=15.0, help="seconds from a run's start to its first step")
    parser.add_argument("--lost", type=float, default=0.01, help="probability that a run loses its machine")
    parser.add_argument("--batch", type=int, default=64, help="largest number of cells in a run")
    parser.add_argument("--workers", type=int, nargs="+", default=[2**power for power in range(9)])
    args = parser.parse_args()

    side = math.isqrt(args.cells)
    rng = np.random.default_rng(0)
    seconds = args.seconds * rng.choice(PROPORTIONS, side)
    wanted = np.ones((side, side), bool)
    rectangles = cover(wanted, args.batch)
    print(
        f"{side} × {side} cells, {args.seconds:g} s a cell, start-up {args.startup:g} s, {args.lost:.1%} of runs lost"
    )
    print("| workers | ideal, h | whole batches, h | of ideal | alone, s | tapered, h | of ideal | alone, s | runs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for workers in args.workers:
        ideal = float(seconds.sum()) * side / workers
        whole, small = (
            simulate(runs_of(planned, seconds), workers, args.startup, args.lost, np.random.default_rng(1))
            for planned in (rectangles, tapered(rectangles, wanted, args.batch, workers))
        )
        print(
            f"| {workers} | {ideal / 3600:.2f} | {whole.seconds / 3600:.2f} | {ideal / whole.seconds:.1%} | "
            f"{whole.alone:.0f} | {small.seconds / 3600:.2f} | {ideal / small.seconds:.1%} | {small.alone:.0f} | "
            f"{small.runs} |"
        )


if __name__ == "__main__":
    main()
