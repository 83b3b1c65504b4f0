"""Dagster's records in Postgres: the small project is really run, and its runs and events are rows."""

import os
from pathlib import Path

import dagster as dg
import pytest
from postgres import connect
from small_project import CONTENTS, PAINTED, STYLES, furnish

pytestmark = pytest.mark.slow(18)

CONFIG = Path(__file__).parents[2] / "deploy/dagster.postgres.yaml"


@pytest.fixture(scope="module")
def place(database, tmp_path_factory):
    os.environ.update(database.variables)
    place = furnish(tmp_path_factory.mktemp("postgres") / "project")
    home = place.settings().dagster_home
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(CONFIG.read_text())
    yield place
    for name in database.variables:
        del os.environ[name]


@pytest.fixture(scope="module")
def run(place):
    run = place.run(recipes=(str(place.root / "gatys.yaml"),), phases=PAINTED)
    assert run.failed == []
    return run


@pytest.fixture
def query(run, database):
    connection = connect(database.variables)

    def rows(text):
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    yield rows
    connection.close()


def test_every_run_is_a_row(run, query):
    assert sorted(query("SELECT run_id, status FROM runs")) == sorted((id_, "SUCCESS") for id_ in run.runs)


def test_every_cell_has_an_event(query):
    text = "SELECT DISTINCT asset_key, partition FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    cells = {(key, partition) for key, partition in query(text) if key.startswith('["pastiche"')}
    assert cells == {('["pastiche", "gatys"]', f"{c}|{s}") for c in CONTENTS for s in STYLES}


def test_partitions_are_rows(query):
    rows = query("SELECT partitions_def_name, partition FROM dynamic_partitions")
    assert sorted(rows) == sorted([*(("content", c) for c in CONTENTS), *(("style", s) for s in STYLES)])


def test_nothing_is_kept_in_files_beside_it(run, place):
    assert list(place.settings().dagster_home.rglob("*.db")) == []


def test_another_process_finds_everything_up_to_date(run, place):
    again = place.run(recipes=(str(place.root / "gatys.yaml"),), phases=PAINTED)
    assert (again.recorder.keys, again.runs) == ([], [])
    with dg.DagsterInstance.from_config(str(place.settings().dagster_home)) as instance:
        assert instance.get_runs_count() == len(run.runs)
