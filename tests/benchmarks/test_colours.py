"""What the content's colours change, measured on one small pastiche."""

import sys

import pytest
from PIL import Image

from benchmarks import colours
from spnst_core import Recipe, Stage, samples

pytestmark = pytest.mark.benchmark


@pytest.mark.heavy
def test_the_command_tells_colours_lightness_and_structure_before_and_after(tmp_path, monkeypatch, capsys):
    quick = Recipe(name="structure", size=48, stages=[Stage(steps=2)])
    monkeypatch.setattr(Recipe, "load", lambda name: quick.model_copy(update={"name": name}))
    pictures = {"content": samples.contents()["coffee"], "style": samples.styles(64)["nocturne"]}
    for kind, image in pictures.items():
        (tmp_path / kind).mkdir()
        small = image.resize((64, 48), Image.Resampling.LANCZOS)
        small.save(tmp_path / kind / "one.png")
    options = ["--profile", "embedded", "--size", "48"]
    options += [part for kind in (*pictures, "out") for part in (f"--{kind}", str(tmp_path / kind))]
    monkeypatch.setattr(sys, "argv", ["colours", *options])
    colours.main()
    header, cell, mean = (line.split() for line in capsys.readouterr().out.splitlines()[-3:])
    assert " ".join(header) == "a*b* a*b* after L* moved edge_error edge_error after depth_error depth_error after"
    assert cell[:3] == ["one", "x", "one"]
    assert cell[3:] == mean[1:]
    before, after, moved, edges, edges_after, *_ = (float(value) for value in mean[1:])
    assert after < 2 < before
    assert 0 < moved < 10
    assert edges_after == pytest.approx(edges, abs=0.02)  # luma stays, and the judges see nothing else
