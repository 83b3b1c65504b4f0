"""Painters side by side: the rival's content weight, the album, and the whole command on two small pictures."""

import math
import sys

import pandas as pd
import pytest
from PIL import Image

from benchmarks import peers
from benchmarks.painters import ByRecipe, painted, pictures
from benchmarks.peers import CLOSE, HIGHEST, weight_for
from spnst_core import InputError, Recipe, Stage, load_models, samples
from spnst_core.recipes.experiments import Experiment

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize(
    "distance",
    [lambda w: 0.2 + 0.1 * math.log(w), lambda w: 0.2 * w**0.4, lambda w: 0.5 - 0.3 / w, lambda w: 0.2 + 0.001 * w**2],
)
@pytest.mark.parametrize("weight", [1.5, 4.0, 12.0])
def test_it_is_found_in_a_few_steps_whatever_the_curve(distance, weight):
    asked = []

    def watched(w):
        asked.append(w)
        return distance(w)

    found = weight_for(watched, distance(weight))
    assert found == pytest.approx(weight, rel=CLOSE)
    assert len(asked) == len(set(asked)) <= 12


def test_a_goal_that_is_met_already_needs_no_more_weight():
    assert weight_for(lambda w: 0.2 * w, 0.19) == 1.0


def test_a_goal_out_of_reach_is_told():
    with pytest.raises(ValueError, match=rf"even with a content weight of {HIGHEST:g}"):
        weight_for(lambda w: 0.2 + 0.1 * math.log(w) / math.log(HIGHEST), 0.4)


@pytest.fixture
def folders(tmp_path):
    """A folder with two contents and one with a style, 64 px wide."""
    for kind, found in (("content", samples.contents()), ("style", samples.styles(64))):
        (tmp_path / kind).mkdir()
        for name in list(found)[: 2 if kind == "content" else 1]:
            image = found[name].copy()
            image.thumbnail((64, 64))
            image.save(tmp_path / kind / f"{name}.png")
    return tmp_path / "content", tmp_path / "style"


def test_the_album_keeps_what_was_painted_until_the_recipe_changes(tmp_path, folders):
    content, style = pictures(folders[0])[0], pictures(folders[1])[0]
    recipe = Recipe(name="quick", size=48, stages=[Stage(steps=1)])
    painter = ByRecipe("quick", recipe, load_models("embedded", "cpu"))
    [(file, seconds)] = painted(painter, [(content, style)], tmp_path / "out").values()
    assert max(Image.open(file).size) == 48
    assert seconds > 0
    before = file.stat().st_mtime_ns
    assert list(painted(painter, [(content, style)], tmp_path / "out").values()) == [(file, seconds)]
    assert file.stat().st_mtime_ns == before
    other = ByRecipe("quick", recipe.with_weights({"content": 2}), painter.models)
    [(changed, _)] = painted(other, [(content, style)], tmp_path / "out").values()
    assert changed != file


def test_an_experiments_recipes_are_compared_one_by_one():
    assert peers.counterparts(Experiment.load("seed_six")) == [
        (f"{stroke}_preserve", f"{stroke}_nopreserve") for stroke in ("smallstroke", "mixedstroke", "largestroke")
    ]
    with pytest.raises(InputError, match="ablation doesn't compare two families"):
        peers.counterparts(Experiment.load("ablation"))


def test_each_pair_is_compared_by_every_measure(capsys):
    rows = [
        {"recipe": recipe, "content": content, "style": "wave", "seconds": 1.0, **dict.fromkeys(peers.MEASURED, value)}
        for recipe, value in (("kept", 0.2), ("lost", 0.4), ("other", 0.3))
        for content in ("cat", "boat")
    ]
    peers.printed(pd.DataFrame(rows), [("kept", "lost")])
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("kept ") and "%" in line]
    assert [(line[1], line[2], line[3], line[-1]) for line in shown] == [
        ("lost", metric, "-50.0%", "100%") for metric in peers.MEASURED
    ]


def test_pictures_that_would_share_a_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures in"):
        pictures(tmp_path)
    for suffix in ("png", "jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"same.{suffix}")
    with pytest.raises(InputError, match="differ in nothing but their suffix"):
        pictures(tmp_path)


@pytest.mark.slow(20)
def test_the_command_paints_compares_and_draws(tmp_path, folders, monkeypatch, capsys):
    quick = Recipe(name="structure", size=48, stages=[Stage(steps=1)], weights={"edge": 1, "depth": 1})
    # One step for each recipe: what is tested is the way from pictures to figures.
    monkeypatch.setattr(Recipe, "load", lambda name: quick.model_copy(update={"name": name}))
    options = ["--profile", "embedded", "--size", "48", "--weight", "2", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["peers", "--content", str(folders[0]), "--style", str(folders[1]), *options])
    peers.main()
    table = pd.read_csv(tmp_path / "out/peers.csv")
    assert set(table["recipe"]) == {"structure", "gatys", "gatys_2.00", "magenta"}
    assert len(table) == 8
    assert table[["edge_error", "depth_error", "patch_distance"]].notna().all(axis=None)
    assert "structure             magenta                 edge_error" in capsys.readouterr().out
    for name in ("frontier.png", "sheet.png"):
        assert Image.open(tmp_path / "out" / name).width > 300
