"""``spnst verify``, and what the next run makes of a store whose files were damaged behind its back."""

import os
import shutil

import pytest
from PIL import Image
from small_project import PAINTED
from typer.testing import CliRunner

from spnst_pipeline.cli.main import app

pytestmark = pytest.mark.project

CELL = "pastiche/gatys/cat/dots.png"


def verify(out):
    answer = CliRunner().invoke(app, ["verify", str(out)])
    return answer.exit_code, answer.stdout.splitlines()


def flip(file):
    """Change a bit at two thirds of a file, and leave size and time as they were."""
    status, place = file.stat(), file.stat().st_size * 2 // 3
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def swap(one, two):
    one.rename(one.with_name("moved"))
    two.rename(one)
    one.with_name("moved").rename(two)


def test_a_store_that_nobody_touched_is_sound(first_run):
    code, lines = verify(first_run[0].out)
    assert (code, len(lines)) == (0, 1)
    assert lines[0].endswith("all are what was written.")


def test_damage_is_told_by_file_and_made_again_by_the_next_run_and_nothing_else_is(made):
    out = made.out
    before = {path: Image.open(out / path).tobytes() for path in (CELL, "pastiche/gatys/boat/wave.png")}
    flip(out / CELL)
    cut(out / "style_image/wave.png")
    flip(out / "depth_map/cat.safetensors")
    cut(out / "edge_map/boat.png")
    swap(out / "metrics/gatys/cat/dots.depth.png", out / "metrics/gatys/boat/wave.depth.png")
    flip(out / "metric_table/metrics.csv")
    cut(out / "contact_sheet/style/dots.pdf")
    flip(out / "gallery/data.js")

    code, lines = verify(out)
    assert code == 1
    assert lines[-1].endswith("aren't what was written: the next run makes them again.")
    told = {line.split(": ")[0] for line in lines[:-1]}
    assert told == {
        "pastiche/gatys[cat|dots]",
        "style_image[wave]",
        "depth_map[cat]",
        "edge_map[boat]",
        "metrics/gatys[cat|dots]",
        "metrics/gatys[boat|wave]",
        "metric_table",
        "contact_sheet/style[dots]",
        "gallery",
    }

    run = made.run()
    assert run.failed == []
    assert sorted(run.recorder.keys) == [
        "contact_sheet/style/dots.png",
        "depth_map/cat.safetensors",
        "edge_map/boat.safetensors",
        "gallery/index.html",
        "metric_table/metrics.parquet",
        "metrics/gatys/boat/wave.json",
        "metrics/gatys/cat/dots.json",
        CELL,
        "style_image/wave.png",
    ]
    assert f"pastiche/gatys[cat|dots] is made again, because {out / CELL} was damaged or replaced" in run.recorder.notes
    assert verify(out)[0] == 0
    assert {path: Image.open(out / path).tobytes() for path in before} == before


def test_damage_that_shows_in_use_costs_the_cells_that_use_it_and_the_next_run_mends_it(made):
    assert made.run(phases=PAINTED).recorder.keys == []  # every file is known by size and time
    shutil.rmtree(made.out / "pastiche/gatys")
    flip(made.out / "style_image/wave.png")
    run = made.run(phases=PAINTED)
    assert [line.split(": ")[0] for line in run.failed] == ["pastiche/gatys[boat|wave]", "pastiche/gatys[cat|wave]"]
    assert all("style_image/wave.png was damaged or replaced" in line for line in run.failed)
    assert len(list(made.out.glob("pastiche/gatys/*/*.png"))) == 4  # only what their events were to show is missing
    again = made.run(phases=PAINTED)
    assert (again.failed, again.recorder.keys) == ([], ["style_image/wave.png"])


def test_a_place_without_artefacts_is_told(tmp_path):
    answer = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert answer.exit_code != 0
    assert "holds no artefacts" in str(answer.exception)
