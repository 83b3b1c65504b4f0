"""The doctor: what is sound is told as ok, every harm as an error with its remedy, and nothing stays behind."""

import json
import sqlite3
from importlib import resources
from importlib.metadata import version

import pytest
import torch
from instances import make_databases

from spnst_core.models import weights
from spnst_core.models.manifest import entry
from spnst_pipeline.cli.examination import CHECKS, examine
from spnst_pipeline.cli.run_lock import run_lock
from spnst_pipeline.settings import Settings


def findings(check, **flags):
    return list(CHECKS[check](Settings.load(**{"profile": "embedded", **flags})))


def worst(check, **flags):
    """The one finding that isn't ok."""
    [found] = [finding for finding in findings(check, **flags) if finding.status != "ok"]
    return found


@pytest.fixture
def home(tmp_path):
    """Sound records of Dagster in the store ``tmp_path / "out"``."""
    home = tmp_path / "out/.dagster"
    make_databases(home)
    (home / "dagster.yaml").write_text((resources.files("spnst_pipeline") / "dagster.yaml").read_text("utf-8"))
    return home


def test_where_all_is_well_every_check_says_ok_and_leaves_nothing_behind(spnst, tmp_path):
    status, out, err = spnst("doctor", "--out", tmp_path / "new/store", "--profile", "embedded", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert {line["check"] for line in told} == set(CHECKS) - {"bucket"}
    assert [line for line in told if line["status"] == "error"] == []
    assert status == 0
    assert list(tmp_path.iterdir()) == []


def test_an_error_has_its_line_and_makes_the_exit_status_1_and_the_other_checks_go_on(spnst, tmp_path):
    (tmp_path / "file").write_text("x")
    status, out, _ = spnst("doctor", "--out", tmp_path / "file", "--profile", "embedded")
    assert status == 1
    lines = out.splitlines()
    [error] = [line for line in lines if line.startswith("error    store")]
    assert "is a file: choose another" in error
    assert lines[-1].startswith("ok       films")


def test_settings_that_cannot_be_used_are_an_error_and_the_defaults_are_looked_at(spnst, monkeypatch):
    monkeypatch.setenv("SPNST_SIZE", "8")
    status, out, _ = spnst("doctor")
    assert status == 1
    first, advice, *rest = out.splitlines()
    assert first.startswith("error    settings  setting size:")
    assert advice.strip() == "The lines below are for the default settings."
    assert rest[0].startswith("ok       versions")


def test_a_check_that_breaks_is_an_error_of_one_line(monkeypatch):
    def breaks(settings):
        raise OSError("a disk\nthat burns")

    monkeypatch.setitem(CHECKS, "memory", breaks)
    [found] = [f for f in examine({"profile": "embedded"}) if f.check == "memory"]
    assert (found.status, found.found) == ("error", "OSError: a disk that burns")


def test_a_package_that_is_too_old_or_missing_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(
        "spnst_pipeline.cli.examination.requires",
        lambda name: ["torch>=999", "nonesuch-package>=1", "numpy", "boto3>=999; extra == 's3'"],
    )
    told = [(found.found, found.advice) for found in findings("versions") if found.status == "error"]
    assert told == [
        (f"torch {version('torch')} is installed, but spnst needs >=999", "Run pip install 'torch>=999'."),
        ("nonesuch-package isn't installed", "Run pip install 'nonesuch-package>=1'."),
    ]


def test_a_device_that_is_not_there_is_an_error(spnst):
    status, out, _ = spnst("doctor", "--device", "tpu", "--profile", "embedded")
    assert status == 1
    assert 'error    device    no device "tpu" on this machine' in out


def test_more_threads_than_cpus_are_a_warning():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4096)
        assert worst("threads").advice.startswith("Set OMP_NUM_THREADS=")
    finally:
        torch.set_num_threads(before)


def test_weights_that_are_missing_are_a_warning_and_damaged_ones_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path))
    assert [found.status for found in findings("weights")] == ["ok"]
    missing = worst("weights", profile="vgg16")
    assert missing.status == "warning"
    assert "spnst models fetch hed_vgg16" in missing.advice
    (weights.folder() / entry("hed_vgg16").file).write_bytes(b"cut short")
    [error] = [found for found in examine({"profile": "vgg16"}) if found.check == "weights"]
    assert error.status == "error"
    assert "has 9 bytes, not 58,868,412: remove it and fetch it again" in error.found
    assert [(f.status, "has 9 bytes" in f.found) for f in findings("weights", profile="embedded")] == [
        ("warning", True),
        ("ok", False),
    ]


def test_a_folder_that_takes_no_file_is_an_error():
    """Its permissions don't say so: nothing can be written to /proc, not even by root."""
    [found] = [found for found in examine({"out": "/proc/self/task", "profile": "embedded"}) if found.check == "store"]
    assert found.status == "error"
    assert "because nothing can be written to /proc/self/task (" in found.found


def test_records_that_are_sound_are_opened_and_their_schema_is_told(home):
    [found] = findings("records", out=str(home.parent))
    assert found.status == "ok"
    assert "runs" in found.found
    assert "schedules" in found.found


@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_records_that_are_damaged_are_an_error_that_says_what_is_lost(home, name):
    (home / name).write_bytes(b"SQLite format 3\0" + b"spoilt" * 5000)
    found = worst("records", out=str(home.parent))
    assert found.status == "error"
    assert f"{home / name} is damaged" in found.found
    assert "paints nothing again" in found.advice


def test_records_of_another_version_of_dagster_are_an_error_with_the_command_that_migrates_them(home):
    with sqlite3.connect(home / "history/runs.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '567bc23fd1ac'")
    connection.close()
    found = worst("records", out=str(home.parent))
    assert "runs 567bc23fd1ac" in found.found
    assert found.advice.endswith(f"DAGSTER_HOME='{home}' dagster instance migrate.")


def test_records_in_use_are_left_alone_and_whoever_uses_them_is_named(home):
    with run_lock(home, print):
        [found] = findings("records", out=str(home.parent))
    assert found.status == "ok"
    assert "is in use by process " in found.found


def test_a_bucket_is_read_written_and_tried_for_conditions_and_left_as_it_was(s3):
    told = findings("bucket", out="s3://bucket/made")
    assert [found.status for found in told] == ["ok", "ok"]
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_a_bucket_that_ignores_conditions_is_a_warning(unconditional):
    assert "If-None-Match" in worst("bucket", out="s3://bucket/made").found


def test_a_bucket_that_does_not_exist_is_an_error(s3):
    [found] = [
        found for found in examine({"out": "s3://nonesuch/made", "profile": "embedded"}) if found.check == "bucket"
    ]
    assert found.status == "error"
    assert "there is no such bucket" in found.found
