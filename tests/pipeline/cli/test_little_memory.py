"""Memory that really runs out: it is told in one line, costs one cell, and the next run, with memory, goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import limited_runs
import pytest
from PIL import Image
from small_project import PAINTED, Workplace, draw

pytestmark = [pytest.mark.project, pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")]

LITTLE = 400
"""Megabytes, of which a cell of `limited_runs.SIZE` by as many pixels takes at least 600, and a strip at most 100."""

WHAT_TO_DO = ": choose a smaller size, or run again where more memory is free"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, limited_runs.__file__, str(LITTLE), *map(str, arguments)]
    return subprocess.run(command, env=here, capture_output=True, text=True, check=False)


@pytest.fixture
def place(tmp_path):
    for folder in ("contents", "styles"):
        (tmp_path / folder).mkdir()
    draw(1, limited_runs.SIZE, limited_runs.SIZE).save(tmp_path / "contents/square.png")
    draw(2, limited_runs.SIZE, 48).save(tmp_path / "contents/strip.png")
    for name in ("dots", "wave"):
        draw(len(name), 48, 48).save(tmp_path / f"styles/{name}.png")
    (tmp_path / "quick.yaml").write_text("weights: {tv: 0.05}\nflat: 0\nstages: [{steps: 2}]\n")
    return Workplace(tmp_path)


@pytest.mark.slow(40)
def test_cells_that_do_not_fit_are_told_and_all_others_are_painted(place):
    answer = run(place.root)
    assert answer.returncode == 0, answer.stderr
    failed = json.loads(answer.stdout.splitlines()[-1])
    assert [line.partition(": ")[0] for line in failed] == [f"pastiche/quick[square|{s}]" for s in ("dots", "wave")]
    assert all(": memory ran out" in line and line.endswith(WHAT_TO_DO) for line in failed)
    strips = [f"pastiche/quick/strip/{style}.png" for style in ("dots", "wave")]
    before = {path: Image.open(place.out / path).tobytes() for path in strips}

    again = place.run(phases=PAINTED, size=limited_runs.SIZE, recipes=(str(place.root / "quick.yaml"),))
    assert again.failed == []
    assert again.recorder.keys == [f"pastiche/quick/square/{style}.png" for style in ("dots", "wave")]
    assert {path: Image.open(place.out / path).tobytes() for path in strips} == before


@pytest.mark.slow(12)
def test_one_picture_that_does_not_fit_ends_in_one_line(place):
    file = place.root / "pastiche.png"
    pictures = (place.root / "contents/square.png", place.root / "styles/dots.png")
    size = ("--profile", "embedded", "--device", "cpu", "--size", limited_runs.SIZE, "--output", file)
    answer = run("paint", *pictures, "--recipe", place.root / "quick.yaml", *size)
    assert answer.returncode == 1
    *_, line = answer.stderr.splitlines()
    assert line.startswith("spnst: memory ran out")
    assert line.endswith(WHAT_TO_DO)
    assert "Traceback" not in answer.stderr
    assert not file.exists()
