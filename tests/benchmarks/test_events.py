"""Counting events in Dagster's records: by run and by kind, with the bytes of their JSON."""

import sqlite3

import pytest

from benchmarks.events import Written, main, written


def record(home, run, rows):
    (home / "history/runs").mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(home / "history/runs" / f"{run}.db") as database:
        database.execute("CREATE TABLE event_logs (dagster_event_type, asset_key, partition, event)")
        database.executemany("INSERT INTO event_logs VALUES (?, ?, ?, ?)", rows)


def test_events_are_counted_by_run_and_kind_with_the_bytes_of_their_json(tmp_path):
    cell = ("ASSET_MATERIALIZATION", '["pastiche", "gatys"]', "cat|wave")
    record(tmp_path, "one", [("RUN_START", None, None, "12"), (*cell, "é23"), (*cell, "é"), (None, None, None, "1")])
    record(tmp_path, "two", [("RUN_START", None, None, "12345")])  # it made nothing
    record(tmp_path, "index", [(*cell, "é23")])  # Dagster's index holds them once more
    kinds = {"RUN_START": 1, "ASSET_MATERIALIZATION": 2, "log line": 1}
    assert list(written(tmp_path)) == [Written(('["pastiche", "gatys"]',), 1, kinds, 2 + 4 + 2 + 1)]


def test_a_folder_without_records_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["events", str(tmp_path)])
    with pytest.raises(SystemExit, match="has no records of runs in SQLite: name a DAGSTER_HOME"):
        main()
