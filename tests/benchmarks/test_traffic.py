"""Counting what a cell writes: by kind, from Dagster's own records and from the requests that are made."""

import sqlite3

import pytest

from benchmarks import traffic


def records(home, run, rows):
    (home / "history/runs").mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(home / "history/runs" / f"{run}.db") as database:
        database.execute("CREATE TABLE event_logs (dagster_event_type TEXT, event TEXT)")
        database.executemany("INSERT INTO event_logs VALUES (?, ?)", rows)


def test_events_are_counted_by_kind_with_the_bytes_of_their_json(tmp_path):
    records(tmp_path, "one", [("ASSET_MATERIALIZATION", "é23"), (None, "12")])
    records(tmp_path, "two", [("ASSET_MATERIALIZATION", "1")])
    records(tmp_path, "another", [("RUN_START", "12345")])
    found = traffic.events(tmp_path, ["one", "two"])
    assert found == {"events": 3, "event bytes": 7, "  ASSET_MATERIALIZATION": 2, "  log line": 1}


@pytest.mark.benchmark
@pytest.mark.s3
@pytest.mark.slow(25)
def test_a_cell_is_written_once_and_told_of_three_times(monkeypatch, capsys):
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")  # which puts back what the benchmark sets
    monkeypatch.setattr("sys.argv", ["traffic", "--size", "48", "--few", "2", "--more", "3"])
    traffic.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    found = {cells[0]: [float(x.replace(",", "")) for x in cells[1:]] for line in lines[2:] for cells in [split(line)]}
    assert found["PutObject"][0] == 4  # the pastiche, its scores, and what the judges see of its depth and its edges
    assert found["ASSET_MATERIALIZATION"][0] == 6  # when it lands, by Dagster, and with its own data version
    assert found["GetObject"][2] == 2  # the heads of the pastiche and of its scores


def split(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]
