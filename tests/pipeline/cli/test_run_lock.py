"""The lock of a store: a second run waits for the first and says so, and a killed process holds nothing."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from spnst_pipeline.cli.execution import make_home, open_home
from spnst_pipeline.cli.run_lock import HOLDER, holder, run_lock
from spnst_pipeline.settings import Settings

HOLD = """
import sys, time
from pathlib import Path
from spnst_pipeline.cli.run_lock import run_lock
with run_lock(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_whoever_is_alone_waits_for_nobody(tmp_path):
    lines = []
    for _ in range(2):
        with run_lock(tmp_path, lines.append) as waited:
            assert not waited
    assert lines == []
    assert not (tmp_path / HOLDER).exists()


def test_a_second_run_says_for_whom_it_waits_and_goes_on_when_that_ends(tmp_path, other):
    lines = []

    def told(line):
        lines.append(line)
        threading.Timer(0.3, other.kill).start()

    with run_lock(tmp_path, told) as waited:
        assert waited
    [line] = lines
    assert line.startswith(f"Waiting for process {other.pid} on ")
    assert line.endswith("which works on the same store. Ctrl-C leaves.")


def test_a_holder_of_whom_nothing_is_known_is_another_run(tmp_path, other):
    (tmp_path / HOLDER).write_text("{")
    lines = []

    def told(line):
        lines.append(line)
        other.kill()

    with run_lock(tmp_path, told):
        pass
    assert lines[0].startswith("Waiting for another spnst run, ")


def open_each(homes, together):
    """What ``spnst run`` does before it plans, on each of the homes, at the same moment as others."""
    for home in homes:
        settings = Settings.load(home=str(home))
        together.wait(60)
        make_home(settings)
        with run_lock(home, lambda line: None):
            open_home(settings).dispose()


@pytest.mark.heavy
def test_ten_of_ten_first_openings_by_two_processes_at_once_are_sound(tmp_path):
    """Dagster by itself spoils one in five: both write the revision of the new databases."""
    homes, forking = [tmp_path / str(number) for number in range(10)], multiprocessing.get_context("fork")
    together = forking.Barrier(2)
    processes = [forking.Process(target=open_each, args=(homes, together)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    for home in homes:
        for database in ("runs.db", "runs/index.db", "../schedules/schedules.db"):
            with closing(sqlite3.connect(home / "history" / database)) as connection:
                assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_an_error_frees_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, print):
        1 / 0  # noqa: B018
    with run_lock(tmp_path, print) as waited:
        assert not waited


def test_whether_somebody_works_on_a_store_can_be_asked(tmp_path):
    assert holder(tmp_path) == ""
    with run_lock(tmp_path, print):
        assert holder(tmp_path).startswith(f"process {os.getpid()} on ")
    assert holder(tmp_path) == ""
