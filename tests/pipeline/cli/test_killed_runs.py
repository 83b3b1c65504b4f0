"""Runs that are killed at twenty random moments, of any phase: nothing is lost, spoilt or left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import killed_runs
import pytest
from PIL import Image
from small_project import STYLES, Workplace
from typer.testing import CliRunner

from spnst_pipeline.cli.main import app

pytestmark = [pytest.mark.project, pytest.mark.slow(200)]

KILLS = 20
NAMES = ("whole", "killed")
CELLS = [f"pastiche/structure/cat/{style}.png" for style in STYLES]


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, killed_runs.__file__, str(folder), str(KILLS), "1"]
    answer = subprocess.run(command, env=here, capture_output=True, text=True, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    return folder, json.loads(answer.stdout.splitlines()[-1])


def test_as_many_runs_were_killed_some_of_them_within_a_cell(survived):
    assert survived[1]["killed"] == KILLS
    assert survived[1]["checkpoints"] > 0


def test_every_pastiche_has_the_pixels_of_a_run_that_was_never_killed(survived):
    whole, killed = ({c: Image.open(survived[0] / name / "out" / c).tobytes() for c in CELLS} for name in NAMES)
    assert killed == whole


def test_the_same_files_are_there_and_all_are_sound(survived):
    whole, killed = (files(survived[0] / name / "out") for name in NAMES)
    assert {path for path in killed if not path.endswith(".part")} == whole
    answer = CliRunner().invoke(app, ["verify", str(survived[0] / "killed/out")])
    assert answer.exit_code == 0, answer.stdout


def test_dagster_was_told_of_every_cell(survived):
    with Workplace(survived[0] / "killed").instance() as instance:
        made = instance.get_materialized_partitions(dg.AssetKey(["pastiche", "structure"]))
    assert len(made) == len(CELLS)


def test_no_checkpoint_is_left_behind(survived):
    assert list((survived[0] / "killed/out/.dagster/checkpoint").rglob("*.safetensors")) == []


def files(out: Path) -> set[str]:
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    return {path for path in found if not path.startswith((".dagster/", "gallery/"))}
