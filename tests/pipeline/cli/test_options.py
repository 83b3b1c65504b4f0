"""Completion of options: the names that are repeated there are those that the core has."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from spnst_core.imaging.gamut import CHOICES
from spnst_core.models.precision import Precision
from spnst_core.models.profiles import PROFILES
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import RECIPES, Colour
from spnst_pipeline.cli import options


def test_the_names_are_those_of_the_core():
    assert tuple(PROFILES) == options.PROFILES
    assert get_args(Precision) == options.PRECISIONS
    assert CHOICES == options.GAMUTS
    assert get_args(Colour) == options.COLOURS
    assert sorted(options.EXPERIMENTS) == sorted(Experiment.names())
    assert options.recipes("") == sorted(RECIPES)


def test_recipes_are_completed_by_names_and_by_files(tmp_path):
    (tmp_path / "stroke.yaml").touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/own.yml").touch()
    assert options.recipes("st") == ["structure", "stroke.yaml"]
    assert options.recipes("mine/") == ["mine/own.yml"]
    assert options.recipes("nowhere/x") == []


@pytest.mark.parametrize(
    ("words", "completed"),
    [("run --profile p", ["pretrained"]), ("run --experiment s", ["seed_six", "sweep"]), ("paint --recipe go", [])],
)
def test_a_shell_completes_without_importing_the_core(words, completed):
    line = f"spnst {words}"
    asked = {"_SPNST_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    program = (
        "import sys; sys.argv = ['spnst']\n"
        "from spnst_pipeline.cli.start import main\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, **asked, "PYTHONPATH": str(Path(options.__file__).parents[2])}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert told.stdout.split() == completed
    assert "AssertionError" not in told.stderr
