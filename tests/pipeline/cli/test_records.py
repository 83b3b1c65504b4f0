"""Dagster's records, really spoilt: each is one line that names the place and the way out, and nothing is lost."""

import sqlite3
from importlib import resources

import pytest
from instances import make_databases

from spnst_core.errors import InputError
from spnst_pipeline.cli import execution
from spnst_pipeline.cli.execution import open_home
from spnst_pipeline.cli.records import using
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.places import Unreachable

ANEW = "move that folder away, or name another folder with --home: new records are made"
SETTINGS = "mend it, or remove it, and the default settings are written anew"


@pytest.fixture
def home(tmp_path):
    """Sound records."""
    make_databases(tmp_path / "home")
    return tmp_path / "home"


def refusal(home):
    """What opening the records says, in one line, and of which kind it is."""
    with pytest.raises(InputError) as error:
        open_home(Settings.load(home=str(home))).dispose()
    assert "\n" not in str(error.value) and len(str(error.value)) < 600
    assert str(home) in str(error.value)
    return error.value


def overwrite(home):
    (home / "history/runs.db").write_bytes(bytes(range(256)) * 64)


def cut(home):
    with (home / "history/runs/index.db").open("r+b") as file:
        file.truncate(3000)


def open_twice(home):
    """What two processes leave that open new records at the same moment: both write the revision."""
    with sqlite3.connect(home / "history/runs/index.db") as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('567bc23fd1ac')")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (overwrite, "are damaged (file is not a database): "),
        (cut, "are damaged (database disk image is malformed): "),
        (open_twice, "were spoilt when two processes opened them for the first time: "),
    ],
)
def test_damaged_records_are_told_with_the_way_to_new_ones(home, spoil, said):
    spoil(home)
    told = refusal(home)
    assert f"records in {home} {said}{ANEW}" in str(told)
    assert not isinstance(told, Unreachable)


@pytest.mark.parametrize(
    "text",
    ["concurrency: {", "concurency: {}", "- 3", "telemetry: 7", "\x00"],
)
def test_settings_of_dagster_that_cannot_be_used_are_told(home, text):
    (home / "dagster.yaml").write_text(text)
    told = str(refusal(home))
    assert told.startswith(f"{home}/dagster.yaml can't be used as settings of Dagster (")
    assert told.endswith(SETTINGS)


def test_a_database_server_that_does_not_answer_is_told_without_its_password(home, monkeypatch, caplog):
    (home / "dagster.yaml").write_text(
        "storage:\n  postgres:\n    postgres_url: postgresql+psycopg2://me:secret@127.0.0.1:1/records\n"
    )
    monkeypatch.setenv("SPNST_PATIENCE", "0")
    told = refusal(home)
    assert isinstance(told, Unreachable)
    assert "port 1" in str(told) and "start it, or mend the settings" in str(told)
    assert "secret" not in str(told)
    assert caplog.messages == []


def test_settings_are_written_whole_or_not_at_all(home, monkeypatch):
    """The process ends in the middle of writing."""

    def broken_off(package):
        class Half:
            def __truediv__(self, name):
                return self

            def read_bytes(self):
                raise KeyboardInterrupt

        return Half()

    monkeypatch.setattr(execution.resources, "files", broken_off)
    (home / "dagster.yaml").unlink(missing_ok=True)
    with pytest.raises(KeyboardInterrupt):
        open_home(Settings.load(home=str(home)))
    assert not (home / "dagster.yaml").exists()
    monkeypatch.undo()
    open_home(Settings.load(home=str(home))).dispose()
    assert (home / "dagster.yaml").read_bytes() == (resources.files("spnst_pipeline") / "dagster.yaml").read_bytes()


def test_records_that_fill_up_while_they_are_used_are_told(home):
    """SQLite's own limit in place of the disk's; the error is the same."""

    def fill():
        with using(home), sqlite3.connect(home / "history/runs.db") as connection:
            connection.execute("CREATE TABLE filler (bytes BLOB)")
            connection.execute("PRAGMA max_page_count = 1")
            connection.execute("INSERT INTO filler VALUES (zeroblob(10000000))")

    with pytest.raises(InputError, match=r"can't be written \(database or disk is full\): make room on its disk"):
        fill()


def test_other_errors_pass(home):
    with pytest.raises(ZeroDivisionError), using(home):
        1 / 0  # noqa: B018
