"""Rectangles hold every wanted cell once, few others, and are few."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spnst_pipeline.planning.rectangles import ROW, RUN, SMALLEST, Rectangle, cover, tapered

REPEATABLE = settings(max_examples=75, deadline=None, derandomize=True)

GRIDS = arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.booleans())


def counted(rectangles, shape):
    """How many rectangles hold each cell."""
    held = np.zeros(shape, int)
    for r in rectangles:
        held[r.top : r.bottom + 1, r.left : r.right + 1] += 1
    return held


def inside(wanted, r):
    return wanted[r.top : r.bottom + 1, r.left : r.right + 1]


def cost(rectangles, wanted):
    """Runs, rows, and cells that are up to date, in the unit of the latter."""
    return sum(RUN + ROW * len(inside(wanted, r)) + (~inside(wanted, r)).sum() for r in rectangles)


@REPEATABLE
@given(GRIDS, st.integers(1, 80))
def test_every_wanted_cell_is_held_once_and_no_rectangle_holds_more_than_a_batch(wanted, batch):
    rectangles = cover(wanted, batch)
    held = counted(rectangles, wanted.shape)
    assert (held[wanted] == 1).all()
    assert held.max(initial=0) <= 1
    for r in rectangles:
        cells = inside(wanted, r)
        assert cells.sum() <= batch
        assert cells[0].any() and cells[-1].any() and cells[:, 0].any() and cells[:, -1].any()


@REPEATABLE
@given(GRIDS, st.integers(1, 80), st.integers(0, 2**32 - 1))
@pytest.mark.heavy
def test_no_rectangle_holds_a_barred_cell(wanted, batch, seed):
    barred = ~wanted & (np.random.default_rng(seed).random(wanted.shape) < 0.2)
    rectangles = cover(wanted, batch, barred)
    held = counted(rectangles, wanted.shape)
    assert (held[wanted] == 1).all()
    assert (held[barred] == 0).all()
    assert all(inside(wanted, r).sum() <= batch for r in rectangles)


@REPEATABLE
@given(GRIDS, st.integers(1, 80))
def test_it_costs_no_more_than_filling_runs_along_each_row(wanted, batch):
    alone = [
        Rectangle(row, row, int(run[0]), int(run[-1]))
        for row, cells in enumerate(wanted)
        for run in np.split(np.flatnonzero(cells), range(batch, int(cells.sum()), batch))
        if len(run)
    ]
    assert cost(cover(wanted, batch), wanted) <= cost(alone, wanted)


@pytest.mark.parametrize("done", [0.0, 0.3, 0.7])
def test_a_grid_of_ten_thousand_needs_hardly_more_runs_than_batches(done):
    wanted = np.random.default_rng(1).random((100, 100)) >= done
    batches = math.ceil(wanted.sum() / 64)
    assert len(cover(wanted, 64)) <= batches * 1.1


def test_a_new_column_is_launched_and_nothing_else():
    wanted = np.zeros((100, 30), bool)
    wanted[:, 7] = True
    rectangles = cover(wanted, 64)
    assert len(rectangles) == 2
    assert (counted(rectangles, wanted.shape).astype(bool) == wanted).all()


def test_a_new_row_and_a_new_column_are_launched_and_nothing_else():
    wanted = np.zeros((100, 100), bool)
    wanted[99], wanted[:, 99] = True, True
    rectangles = cover(wanted, 64)
    assert len(rectangles) == math.ceil(199 / 64)
    assert (counted(rectangles, wanted.shape).astype(bool) == wanted).all()


def test_cells_that_are_up_to_date_are_held_where_that_saves_runs_at_less_than_their_cost():
    near, far = np.zeros((60, 30), bool), np.zeros((60, 30), bool)
    near[[3, 5]] = True
    far[[3, 50]] = True
    assert cover(near, 64) == [Rectangle(3, 5, 0, 29)]
    assert cover(far, 64) == [Rectangle(3, 3, 0, 29), Rectangle(50, 50, 0, 29)]


def test_nothing_wanted_is_nothing_launched():
    assert cover(np.zeros((5, 4), bool), 64) == []
    assert cover(np.zeros((0, 4), bool), 64) == []


def test_a_column_of_partitions_is_cut_into_batches():
    rectangles = cover(np.ones((10, 1), bool), 4)
    assert len(rectangles) == 3
    assert (counted(rectangles, (10, 1)) == 1).all()


@REPEATABLE
@given(GRIDS, st.integers(1, 80), st.integers(1, 64), st.integers(0, 2**32 - 1))
@pytest.mark.heavy
def test_tapered_rectangles_hold_the_same_cells_and_are_no_larger(wanted, batch, workers, seed):
    barred = ~wanted & (np.random.default_rng(seed).random(wanted.shape) < 0.2)
    whole = cover(wanted, batch, barred)
    rectangles = tapered(whole, wanted, batch, workers)
    held = counted(rectangles, wanted.shape)
    assert (held <= counted(whole, wanted.shape)).all()
    assert (held[wanted] == 1).all()
    for r in rectangles:
        cells = inside(wanted, r)
        assert cells[0].any() and cells[-1].any() and cells[:, 0].any() and cells[:, -1].any()


def test_they_get_smaller_towards_the_end_and_the_first_stay_whole():
    wanted = np.ones((40, 40), bool)
    whole = cover(wanted, 64)
    sizes = [int(inside(wanted, r).sum()) for r in tapered(whole, wanted, 64, 4)]
    assert sum(sizes) == 1600
    assert sizes[:8] == [int(inside(wanted, r).sum()) for r in whole[:8]]
    assert max(sizes[-4:]) <= 64 / 4
    assert max(int(inside(wanted, r).sum()) for r in tapered(whole, wanted, 64, 300)) <= 64 / SMALLEST
    assert tapered(whole, wanted, 64, 1) == whole


def test_a_small_grid_is_shared_among_the_workers():
    wanted = np.ones((6, 6), bool)
    assert len(cover(wanted, 64)) == 1
    assert [int(inside(wanted, r).sum()) for r in tapered(cover(wanted, 64), wanted, 64, 2)] == [18, 18]
