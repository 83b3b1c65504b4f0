"""What is measured when scaling is, that it is measured in a process with its own threads, and how it is shown."""

import json
import sys
from io import StringIO

import pytest
from rich.console import Console

from benchmarks import scaling

pytestmark = pytest.mark.benchmark


def test_cells_and_sizes_are_doubled_and_nothing_is_measured_twice():
    assert scaling.points(4, 512) == [(1, 256), (2, 256), (4, 256), (1, 128), (1, 512)]
    assert len(scaling.points(64, 2048)) == 7 + 4


@pytest.mark.slow(15)
def test_every_thread_count_is_measured_in_a_process(tmp_path):
    file = tmp_path / "scaling.jsonl"
    scaling.main(["--most", "0", "--largest", "128", "--threads", "1", "--steps", "2", "--json", str(file)])
    [line] = [json.loads(line) for line in file.read_text().splitlines()]
    assert (line["threads"], line["cells"], line["size"]) == (1, 1, 128) and line["seconds"] > 0


def test_a_process_that_fails_is_told_of(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(RuntimeError, match="with 2 threads failed with code 1"):
        list(scaling.in_process(2, []))


def test_times_stand_beside_those_of_one_cell():
    rows = [
        {"threads": threads, "size": 256, "cells": cells, "seconds": seconds}
        for threads, cells, seconds in ((1, 1, 0.4), (1, 2, 0.3), (2, 1, 0.2), (2, 2, 0.1))
    ]
    console = Console(width=120, file=StringIO())
    console.print(scaling.table_of(rows))
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in console.file.getvalue().splitlines()]
    assert ["256", "2", "0.300", "0.75×", "0.100", "0.50×"] in shown
