"""The simulation of many workers: exact where chance has no part, and no cell forgotten where it has."""

import sys

import numpy as np
import pytest

from benchmarks.fleet import MEASURED, MOST, enough, in_turn, main, runs_of, shards_of, simulate
from spnst_pipeline.planning.rectangles import Rectangle


def outcome(runs, workers, startup=10.0, lost=0.0):
    return simulate(runs, workers, startup, lost, np.random.default_rng(0))


def test_a_run_takes_its_rows_times_its_columns():
    assert runs_of([Rectangle(1, 2, 0, 3)], np.array([9.0, 2.0, 3.0])) == [[8.0, 12.0]]


def test_one_worker_takes_all_runs_and_as_many_start_ups():
    assert outcome([[1.0, 2.0], [3.0]], 1) == (26.0, 0.0, 2)


def test_workers_take_the_next_run_when_they_are_free_and_the_last_is_alone():
    assert outcome([[10.0], [30.0], [40.0]], 2) == (70.0, 30.0, 3)


def test_a_worker_without_work_is_idle():
    assert outcome([[10.0]], 3) == (20.0, 20.0, 1)


def test_lost_runs_go_on_with_the_rows_that_are_left():
    runs = [[5.0] * 8] * 40
    without, some = outcome(runs, 4), outcome(runs, 4, lost=0.3)
    assert some.runs > without.runs == 40
    # A loss costs what was being painted, a start-up, and no more.
    assert without.seconds < some.seconds < without.seconds + (some.runs - 40) * (2 * 10.0 + 5.0 * 8)


@pytest.mark.benchmark
def test_smaller_runs_at_the_end_bring_many_workers_nearer_to_the_ideal(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fleet", "--cells", "2500", "--workers", "1", "16"])
    main()
    alone, sixteen = (numbers(line) for line in table(capsys)[2:4])
    assert alone[3] == alone[6] > 95  # of the ideal; one worker's runs aren't divided
    assert sixteen[6] > sixteen[3] + 3
    assert sixteen[7] < sixteen[4]


@pytest.mark.benchmark
def test_what_goes_to_the_database_is_by_cells_and_by_runs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fleet", "--cells", "400", "--workers", "2", "--lost", "0", "--shards", "2"])
    main()
    lines = table(capsys)
    row = numbers(lines[2])
    runs, events = row[8], row[9]
    assert events == pytest.approx(MEASURED["events"].cell * 400 + MEASURED["events"].run * 2 * runs, abs=1)
    totals = {cells[0]: cells[1] for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[5:])}
    assert totals["PutObject"] == "1,600"
    assert totals["GetObject, to plan once"] == "800"
    assert totals["GetObject, to look for the same pictures"] == f"{40 * int(runs):,}"


def test_a_grid_has_as_many_shards_as_keep_each_below_the_limit():
    assert enough(316) == 1
    count = enough(1000)
    largest = max(len(rows) for rows in shards_of(1000, count))
    assert largest * 1000 <= MOST < max(len(rows) for rows in shards_of(1000, count - 1)) * 1000
    assert sorted(row for rows in shards_of(1000, count) for row in rows) == list(range(1000))


def test_shards_take_turns_in_the_queue():
    assert in_turn([[[1.0], [2.0], [3.0]], [[4.0]]]) == [[1.0], [4.0], [2.0], [3.0]]


def numbers(line):
    return [float(cell.strip(" %").replace(",", "")) for cell in line.split("|")[1:-1]]


def table(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
