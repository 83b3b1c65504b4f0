"""Cover: which rectangles of a grid to launch as runs so that all wanted cells are made at the least cost.

Dagster runs a rectangle of the grid: neighbouring rows times neighbouring columns. The grid is cut into bands of rows
(or of columns, if that is cheaper), each band into rectangles by a sweep along it, and where to cut is found by dynamic
programming over the bands.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RUN = 200
"""Cost of a run, in cells that are up to date: starting it and loading networks takes seconds, passing over such a
cell some hundredths of one."""

ROW = 4
"""Cost of a row in a run, in the same unit: its targets are loaded, and its cells are painted as one batch."""


SMALLEST = 8
"""By what a batch is divided for the smallest run that is made for the sake of other workers."""


class Rectangle(NamedTuple):
    """Rows ``top`` to ``bottom`` times columns ``left`` to ``right``, all inclusive."""

    top: int
    bottom: int
    left: int
    right: int


def cover(wanted: NDArray[np.bool_], batch: int, barred: NDArray[np.bool_] | None = None) -> list[Rectangle]:
    """Disjoint rectangles that hold every wanted cell, each at most ``batch`` of them, and no barred one.

    The cost of a rectangle is `RUN`, plus its rows times `ROW`, plus the cells in it that aren't wanted: those are
    held only where that saves runs. Every edge of a rectangle touches a wanted cell.

    Args:
        wanted: the grid, (rows, columns).
        batch: most wanted cells in a rectangle, at least 1.
        barred: cells that can't be made, of the same shape: a run that held one would fail. None: there are none.

    Returns:
        Rectangles from top to bottom, then from left to right.
    """
    if not wanted.any():
        return []
    if barred is None:
        barred = np.zeros_like(wanted)
    by_rows, row_cost = _banded(wanted, barred, batch, ROW, 0)
    by_columns, column_cost = _banded(wanted.T, barred.T, batch, 0, ROW)
    if row_cost <= column_cost:
        return sorted(by_rows)
    return sorted(Rectangle(left, right, top, bottom) for top, bottom, left, right in by_columns)


def tapered(rectangles: list[Rectangle], wanted: NDArray[np.bool_], batch: int, workers: int) -> list[Rectangle]:
    """The same cells in rectangles that get smaller towards the end, so that all workers finish at about the same time.

    Workers take the rectangles in their order. One is divided when it holds more than a worker's share of the cells
    that are left with it (guided self-scheduling: Polychronopoulos and Kuck, 1987), but not below a `SMALLEST`-th of a
    batch, for which starting a run would hardly pay.

    Args:
        rectangles: of `cover`.
        wanted: the grid, (rows, columns).
        batch: most wanted cells in a rectangle, as given to `cover`.
        workers: how many runs are at work at once, at least 1; of 1, nothing is divided.
    """
    if workers == 1:
        return rectangles
    least = math.ceil(batch / SMALLEST)
    left = sum(map(partial(_held, wanted), rectangles))
    divided: list[Rectangle] = []
    for rectangle in rectangles:
        pieces = _divided(rectangle, wanted, max(least, math.ceil(left / workers)))
        left -= sum(map(partial(_held, wanted), pieces))
        divided += pieces
    return divided


def _divided(rectangle: Rectangle, wanted: NDArray[np.bool_], most: int) -> list[Rectangle]:
    """A rectangle, halved until each piece holds at most so many wanted cells: between rows, else between columns."""
    top, bottom, left, right = rectangle
    if _held(wanted, rectangle) <= most or (top == bottom and left == right):
        return [rectangle]
    if top < bottom:
        middle = (top + bottom) // 2
        halves = (Rectangle(top, middle, left, right), Rectangle(middle + 1, bottom, left, right))
    else:
        middle = (left + right) // 2
        halves = (Rectangle(top, bottom, left, middle), Rectangle(top, bottom, middle + 1, right))
    return [piece for half in halves for piece in _divided(_trimmed(half, wanted), wanted, most)]


def _held(wanted: NDArray[np.bool_], rectangle: Rectangle) -> int:
    """How many wanted cells a rectangle holds."""
    return int(wanted[rectangle.top : rectangle.bottom + 1, rectangle.left : rectangle.right + 1].sum())


def _trimmed(rectangle: Rectangle, wanted: NDArray[np.bool_]) -> Rectangle:
    """A rectangle that holds a wanted cell, without the rows and columns at its edges that hold none."""
    inside = wanted[rectangle.top : rectangle.bottom + 1, rectangle.left : rectangle.right + 1]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return Rectangle(
        rectangle.top + int(rows[0]),
        rectangle.top + int(rows[-1]),
        rectangle.left + int(columns[0]),
        rectangle.left + int(columns[-1]),
    )


def _banded(
    wanted: NDArray[np.bool_], barred: NDArray[np.bool_], batch: int, across: int, along: int
) -> tuple[list[Rectangle], float]:
    """The cheapest cover by bands of rows, and its cost. A band's height costs ``across``, its width ``along``."""
    rows = len(wanted)
    tallest = min(rows, 4 * batch)
    cost = _sweep_costs(_above(wanted), _above(barred), tallest, batch, across, along)
    best = np.zeros(rows + 1)
    height = np.zeros(rows + 1, dtype=int)
    for bottom in range(1, rows + 1):
        heights = np.arange(1, min(bottom, tallest) + 1)
        costs = best[bottom - heights] + cost[bottom, heights]
        height[bottom] = heights[costs.argmin()]
        best[bottom] = costs.min()
    rectangles: list[Rectangle] = []
    bottom = rows
    while bottom:
        top = bottom - int(height[bottom])
        rectangles += _sweep(wanted[top:bottom], np.asarray(barred[top:bottom].any(axis=0)), top, batch, along)
        bottom = top
    return rectangles, float(best[rows])


def _above(cells: NDArray[np.bool_]) -> NDArray[np.int32]:
    """How many cells lie above each row, (rows + 1, columns)."""
    return np.vstack([np.zeros_like(cells[:1], dtype=np.int32), np.cumsum(cells, axis=0, dtype=np.int32)])


def _sweep_costs(
    above: NDArray[np.int32], barred_above: NDArray[np.int32], tallest: int, batch: int, across: int, along: int
) -> NDArray[np.float64]:
    """What `_sweep` would cost for the band of each height that ends at each row, (rows + 1, tallest + 1).

    Args:
        above, barred_above: wanted and barred cells above each row, (rows + 1, columns).
    """
    bottoms = np.arange(len(above))[:, None]
    heights = np.arange(tallest + 1)[None, :]
    tops = np.maximum(bottoms - heights, 0)
    held = np.zeros(tops.shape, dtype=np.int32)  # wanted cells in the rectangle that is open
    gap = np.zeros(tops.shape, dtype=np.int32)  # columns since its last wanted cell
    wall = np.zeros(tops.shape, dtype=bool)  # a barred cell in one of those columns
    cost = np.zeros(tops.shape)
    for column, barred in zip(above.T, barred_above.T, strict=True):
        here = column[bottoms] - column[tops]
        some = here > 0
        bars = barred[bottoms] > barred[tops]
        opens = some & ((held == 0) | (held + here > batch) | wall | _too_wide(gap, heights, along))
        widens = some & ~opens
        cost += np.where(opens, RUN + across * heights + heights + along, 0)
        cost += np.where(widens, (gap + 1) * (heights + along), 0)
        cost[(here > batch) | (some & bars)] = np.inf
        held = np.where(opens, here, held + here)
        gap = np.where(some, 0, gap + 1)
        wall = (wall | bars) & ~some
    return cost


def _sweep(band: NDArray[np.bool_], barred: NDArray[np.bool_], top: int, batch: int, along: int) -> list[Rectangle]:
    """The band's rectangles: columns are added until the batch is full, a gap is dearer than another run, or barred.

    Args:
        barred: which columns of the band hold a barred cell; those that hold a wanted one as well aren't swept.
    """
    groups: list[list[int]] = []
    held = 0
    counts = band.sum(axis=0)
    for column in np.flatnonzero(counts).tolist():
        here = int(counts[column])
        last = groups[-1][-1] if groups else column
        near = not _too_wide(column - last - 1, len(band), along) and not barred[last:column].any()
        if groups and held + here <= batch and near:
            groups[-1].append(column)
            held += here
        else:
            groups.append([column])
            held = here
    rectangles = []
    for group in groups:
        left, right = group[0], group[-1]
        filled = np.flatnonzero(band[:, left : right + 1].any(axis=1))
        rectangles.append(Rectangle(top + int(filled[0]), top + int(filled[-1]), left, right))
    return rectangles


def _too_wide(gap: NDArray[np.int32] | int, height: NDArray[np.int64] | int, along: int) -> NDArray[np.bool_] | bool:
    """Whether passing over a gap of so many columns costs more than another run."""
    return gap * (height + along) > RUN
