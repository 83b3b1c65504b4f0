"""A Postgres server that stops while cells are painted: the run waits for it, or ends in one line and loses nothing."""

from pathlib import Path
from threading import Timer

import pytest
from postgres import connect
from small_project import CONTENTS, PAINTED, STYLES, Recorder, furnish
from sqlalchemy import NullPool, create_engine, text

from spnst_pipeline.cli.records import BrokenOff, using
from spnst_pipeline.storage import patience
from spnst_pipeline.storage.places import Unreachable

CONFIG = Path(__file__).parents[2] / "deploy/dagster.postgres.yaml"
CELLS = [f"pastiche/gatys/{content}/{style}.png" for content in CONTENTS for style in STYLES]


class Outage(Recorder):
    """Stops the server at the first step of the optimiser and, some seconds later, starts it again."""

    def __init__(self, server, seconds=None):
        super().__init__()
        self.server, self.seconds = server, seconds

    def step(self, iterate):
        super().step(iterate)
        if self.steps == 1:
            self.server.stop()
            if self.seconds is not None:
                Timer(self.seconds, self.server.start).start()


@pytest.fixture
def place(database, tmp_path, monkeypatch):
    """A project whose records are in a database of its own."""
    name = f"outage_{tmp_path.name}"
    connection = connect(database.variables)
    connection.autocommit = True
    connection.cursor().execute(f'CREATE DATABASE "{name}"')
    connection.close()
    for variable, value in {**database.variables, "DAGSTER_POSTGRES_DB": name}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(patience._Reminder, "last", -1e9)
    place = furnish(tmp_path / "project")
    home = place.settings().dagster_home
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(CONFIG.read_text())
    return place


def run(place, recorder=None):
    return place.run(recorder, phases=PAINTED, recipes=(str(place.root / "gatys.yaml"),))


@pytest.mark.slow(40)
def test_a_server_that_comes_back_is_waited_for(place, database, monkeypatch, caplog):
    monkeypatch.setenv("SPNST_PATIENCE", "60")
    done = run(place, Outage(database, seconds=3))
    assert done.failed == []
    assert sorted(key for key in done.recorder.keys if key in CELLS) == CELLS
    [line] = [line for line in caplog.messages if "trying again" in line]
    assert line.startswith("the database of Dagster's records doesn't answer (")
    assert line.endswith("): trying again for at most 60 seconds")
    assert run(place).recorder.keys == []


@pytest.fixture
def engine(database):
    """As Dagster has one: each query connects anew."""
    names = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
    given = {name: database.variables[f"DAGSTER_POSTGRES_{suffix}"] for name, suffix in names.items()}
    return create_engine("postgresql+psycopg2://", connect_args=given, poolclass=NullPool)


def test_a_connection_is_waited_for(engine, database, tmp_path, monkeypatch):
    monkeypatch.setenv("SPNST_PATIENCE", "60")
    database.stop()
    back = Timer(0.5, database.start)
    back.start()
    with using(tmp_path), engine.connect() as connection:
        assert connection.execute(text("SELECT 7")).scalar() == 7
    back.join()


def test_a_query_that_is_broken_off_is_told_as_such(engine, database, tmp_path):
    with engine.connect() as connection:
        database.stop()
        try:
            with pytest.raises(BrokenOff, match="broke off a query .*: run the same") as error, using(tmp_path):
                connection.execute(text("SELECT 1"))
        finally:
            database.start()
    assert "\n" not in str(error.value)


@pytest.mark.slow(40)
def test_a_server_that_stays_away_ends_the_run_in_one_line_and_the_next_goes_on(place, database, monkeypatch):
    monkeypatch.setenv("SPNST_PATIENCE", "1")
    broken = Outage(database)
    try:
        with pytest.raises(Unreachable) as error:
            run(place, broken)
    finally:
        database.start()
    assert "\n" not in str(error.value)
    assert "start it, or mend the settings" in str(error.value)
    kept = [key for key in CELLS if (place.out / key).exists()]
    assert kept
    again = run(place)
    assert again.failed == []
    assert sorted([*kept, *(key for key in again.recorder.keys if key in CELLS)]) == CELLS
