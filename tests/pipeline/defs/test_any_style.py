"""The recipe instant in a grid: pastiches of any style in one pass, with lineage, scores and blends as all others."""

import json

import numpy as np
import pytest
from PIL import Image

import spnst_core as sp
from spnst_core.painters import arbitrary
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.stylization import pastiche_assets
from spnst_pipeline.planning.plan import EVERYTHING, PREPARATION, drafting, painting
from spnst_pipeline.project import load_recipes

NAMES = ("instant", "refined")
PHASES = (*PREPARATION, painting)


@pytest.fixture
def place(fresh, magenta_weights, monkeypatch):
    monkeypatch.setenv("SPNST_WEIGHTS", str(magenta_weights))
    monkeypatch.setattr(checks, "CLOSE", 1e9)  # at 48 px, by the embedded encoder, nothing can be said of style
    return fresh


def run(place, phases=PHASES, **changes):
    return place.run(phases=phases, recipes=("instant",), **changes)


def pastiches(run):
    return sorted(key for key in run.recorder.keys if key.startswith("pastiche/"))


def test_pastiches_are_made_of_the_two_pictures_alone():
    asset = pastiche_assets(sp.Recipe.load("instant"))
    deps = asset.asset_deps[ArtefactId("pastiche", "instant").asset_key]
    assert {key.to_user_string() for key in deps} == {"content_image", "style_image"}


@pytest.mark.slow(9)
def test_cells_are_painted_scored_and_shown_as_those_of_other_recipes(place, picture):
    first = run(place, EVERYTHING)
    assert first.failed == []
    pastiche = Image.open(place.out / "pastiche/instant/cat/wave.png")
    expected = sp.stylize(place.root / "contents/cat.png", place.root / "styles/wave.png", "instant", size=48)
    assert pastiche.tobytes() == expected.image.tobytes()
    made = json.loads(pastiche.text["made"])
    assert (made["recipe"], made["profile"], made["steps"]) == ("instant", "magenta", 1)
    scores = json.loads((place.out / "metrics/instant/cat/wave.json").read_text())
    assert (scores["recipe"], scores["profile"]) == ("instant", "magenta")
    assert "instant" in (place.out / "gallery/index.html").read_text()
    assert run(place).recorder.keys == []

    picture(42).save(place.root / "styles/wave.png")
    assert pastiches(run(place)) == [f"pastiche/instant/{content}/wave.png" for content in ("boat", "cat")]

    content = Image.open(place.root / "contents/cat.png").convert("RGBA")
    content.paste((255, 0, 0, 0), (0, 0, 40, 60))
    content.save(place.root / "contents/cat.png")
    assert pastiches(run(place)) == [f"pastiche/instant/cat/{style}.png" for style in ("dots", "wave")]
    cut_out = Image.open(place.out / "pastiche/instant/cat/wave.png")
    expected = sp.stylize(place.root / "contents/cat.png", place.root / "styles/wave.png", "instant", size=48)
    assert (cut_out.mode, cut_out.tobytes()) == ("RGBA", expected.image.tobytes())


@pytest.mark.slow(9)
def test_other_weights_outdate_the_pastiches_and_blends_are_painted(place, monkeypatch):
    (place.root / "styles/blends.yaml").write_text("mixed: {dots: 1, wave: 3}\n")
    assert len(pastiches(run(place))) == 6
    made = json.loads(Image.open(place.out / "pastiche/instant/cat/mixed.png").text["made"])
    assert made["blend"] == [0.25, 0.75]
    monkeypatch.setattr(arbitrary, "identity", lambda: "other weights")
    assert len(pastiches(run(place))) == 6


REFINED = "init: {recipe: instant}\njitter: false\nstages: [{steps: 2}]\n"


@pytest.fixture
def refining(place):
    (place.root / "refined.yaml").write_text(REFINED)
    return lambda **changes: place.run(
        phases=(*PREPARATION, drafting, painting), recipes=(str(place.root / "refined.yaml"),), **changes
    )


@pytest.mark.slow(9)
def test_a_recipe_starts_from_the_pastiches_of_another(place, refining, monkeypatch):
    """They are painted before it; when they are outdated, so is what was made of them."""
    first = refining()
    assert first.failed == []
    drafts, refined = ([f"pastiche/{r}/{c}/{s}.png" for c in ("boat", "cat") for s in ("dots", "wave")] for r in NAMES)
    assert pastiches(first) == [*drafts, *refined]
    pastiche = Image.open(place.out / "pastiche/refined/cat/wave.png")
    content, style = (place.root / name for name in ("contents/cat.png", "styles/wave.png"))
    recipe, models = sp.Recipe.from_yaml(REFINED, "refined.yaml").with_size(48), sp.load_models("embedded", "cpu")
    start = place.out / "pastiche/instant/cat/wave.png"
    expected = sp.stylize(content, style, recipe, models, start=start)
    assert np.abs(np.asarray(pastiche, int) - np.asarray(expected.image, int)).max() <= 1
    assert json.loads(pastiche.text["made"])["draft"] == "instant"
    assert refining().recorder.keys == []
    monkeypatch.setattr(arbitrary, "identity", lambda: "other weights")
    assert pastiches(refining()) == [*drafts, *refined]


def test_a_refined_pastiche_is_made_of_its_draft():
    recipe = sp.Recipe.from_yaml(REFINED, "refined.yaml")
    deps = pastiche_assets(recipe).asset_deps[ArtefactId("pastiche", "refined").asset_key]
    assert ArtefactId("pastiche", "instant").asset_key in deps


def test_recipes_that_start_from_each_other_are_refused(place):
    for name, other in (("a", "b"), ("b", "a")):
        (place.root / f"{name}.yaml").write_text(f"init: {{recipe: {other}}}\nstages: [{{steps: 1}}]\n")
    recipes = tuple(str(place.root / f"{name}.yaml") for name in ("a", "b"))
    with pytest.raises(sp.InputError, match="recipe a starts from pastiches of b, which itself starts from those of a"):
        load_recipes(place.settings(recipes=recipes))
