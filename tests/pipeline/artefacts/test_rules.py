"""Fingerprints as pure functions of what an artefact is made of.

The literals are those of every store there is: where one has to change, everything after it is made again, everywhere.
"""

from contextlib import contextmanager
from hashlib import sha256

import pytest
from distribution import installed, write

from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.artefacts import fingerprints, rules
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.rules import Artefact, Shown

BOLD = Recipe(name="bold", size=128, stages=(Stage(scale=0.5, steps=4), Stage(steps=2)))

CONTENT = rules.content_image("cat", sha256(b"cat").hexdigest())
STYLE = rules.style_image("wave", sha256(b"wave").hexdigest())
DEPTH = rules.depth_map("cat", (64, 128), content_image=CONTENT.fingerprint, networks="networks")
EDGES = rules.edge_map("cat", (64, 128), content_image=CONTENT.fingerprint, networks="networks")
GRAMS = rules.style_grams("wave", (StyleSize(64),), ("bank1",), style_image=STYLE.fingerprint, networks="networks")


def pastiche(recipe=BOLD, **changes):
    inputs = {
        "content_image": CONTENT.fingerprint,
        "depth_map": DEPTH.fingerprint,
        "edge_map": EDGES.fingerprint,
        "style_grams": GRAMS.fingerprint,
        "networks": "networks",
    }
    return rules.pastiche(recipe, "cat", "wave", **{**inputs, **changes})


def scores(**changes):
    inputs = {
        "pastiche": pastiche().fingerprint,
        "content_image": CONTENT.fingerprint,
        "style_image": STYLE.fingerprint,
        "style_grams": GRAMS.fingerprint,
        "networks": "networks",
        "judges": "judges",
    }
    return rules.metrics(BOLD, "cat", "wave", **{**inputs, **changes})


def shown(**changes):
    parts = {
        "contents": {"cat": (DEPTH.fingerprint, EDGES.fingerprint)},
        "styles": {"wave": STYLE.fingerprint},
        "pastiches": [pastiche()],
        "scores": [scores()],
        "blocked": [],
    }
    return Shown(**{**parts, **changes})


PASTICHE = pastiche()
TABLE = rules.metric_table([scores()])
COMPARISON = rules.comparison(metric_table=TABLE.fingerprint)
FILM = rules.timelapse(BOLD, "cat", "wave", pastiche=pastiche().fingerprint)
TRIAL = Experiment("trial", "", {"one": (BOLD,), "two": (BOLD,)})
EXPERIMENT = rules.experiment(TRIAL, [scores()], shown())


@pytest.mark.parametrize(
    ("artefact", "fingerprint"),
    [
        (CONTENT, "a6601cb6b9b38e9b54c6438f437fc068"),
        (STYLE, "a1e6afaa9415a24be75b31c0b3587ffa"),
        (DEPTH, "6a1b36c3e0786618f21c844fbc350c5d"),
        (EDGES, "20131f9cbc10d8be4809728a28c8752e"),
        (GRAMS, "cadc65eb46f4ed4d98a4c7a8f2f14df8"),
        (pastiche(), "37923d2a7660f96731cdb685fba0cd62"),
        (pastiche(BOLD.with_colour("content")), "ba976f60ae96b582346c2695c25d1b53"),
        (FILM, "f014704c841c0743838d9016dfbc7009"),
        (scores(), "e0bedb7e444cfc962d45bb5cc3452ed4"),
        (TABLE, "6237bf15d25c71da985e2785836e38f1"),
        (COMPARISON, "f4efdeec57956662fdaa46d398832db3"),
        (rules.content_sheet("cat", shown()), "57a4ff009f9df46aea9fa442611972dd"),
        (rules.style_sheet("wave", shown()), "57a4ff009f9df46aea9fa442611972dd"),
        (EXPERIMENT, "5b3ee206917ab212a954c876a0f2e058"),
        (
            rules.gallery(shown(), [EXPERIMENT], comparison=COMPARISON.fingerprint),
            "acc19075ad8815e30ebaf42749985193",
        ),
        (
            rules.grid_sheet(shown(pastiches=[], scores=[], blocked=[(pastiche(), "faded")])),
            "d79274e69b35d890ee99aab5917fc52f",
        ),
    ],
    ids=lambda value: str(value.id) if isinstance(value, Artefact) else value,
)
def test_fingerprints_are_those_of_every_store_there_is(artefact, fingerprint):
    assert artefact.fingerprint == fingerprint


@pytest.mark.parametrize("rule", [pastiche, scores])
def test_every_input_of_a_cell_counts(rule):
    inputs = {
        pastiche: ("content_image", "depth_map", "edge_map", "style_grams", "networks"),
        scores: ("pastiche", "content_image", "style_image", "style_grams", "networks", "judges"),
    }[rule]
    changed = {rule(**{name: "another"}).fingerprint for name in inputs}
    assert len(changed | {rule().fingerprint}) == len(inputs) + 1


@pytest.mark.parametrize("change", [{"seed": 1}, {"size": 96}, {"name": "other"}, {"flat": 0.0}, {"colour": "content"}])
def test_what_changes_a_pastiche_counts(change):
    assert pastiche(BOLD.model_copy(update=change)).fingerprint != pastiche().fingerprint


@pytest.mark.parametrize("change", [{"description": "other words"}, {"record_every": 3}])
def test_what_changes_no_pixel_of_a_pastiche_does_not_count(change):
    assert pastiche(BOLD.model_copy(update=change)) == pastiche()


@pytest.fixture
def tint(tmp_path):
    """Installs a version of a package that adds the loss term ``tint``, in place of the version before."""

    @contextmanager
    def version(number):
        points = {"spnst.loss_terms": {"tint": "hues:Tint"}}
        with installed(write(tmp_path / number, "hues", number, "Tint = None", points)):
            yield

    return version


def test_the_version_of_a_package_counts_where_a_stage_weighs_its_loss_term(tint):
    found = []
    for number in ("1.0", "1.1"):
        with tint(number):
            tinted = BOLD.with_weights({"tint": 2})
            late = BOLD.model_copy(update={"stages": (BOLD.stages[0], Stage(steps=2, weights=tinted.weights))})
            found += [pastiche(tinted).fingerprint, pastiche(late).fingerprint]
            assert pastiche(tinted).fingerprint == found[-2], "it is the same when asked again"
    assert len(set(found)) == 4


def test_it_does_not_count_in_recipes_that_do_without_the_term(tint):
    for number in ("1.0", "1.1"):
        with tint(number):
            assert pastiche() == PASTICHE
    unweighed = []
    for number in ("2.0", "2.1"):
        with tint(number):
            unweighed.append(pastiche(BOLD.with_weights({"tint": 0})))
    assert unweighed[0] == unweighed[1]


def test_names_sizes_and_layers_do_not_count():
    bigger = rules.depth_map("cat", (64, 128, 256), content_image=CONTENT.fingerprint, networks="networks")
    renamed = rules.depth_map("lion", (64, 128), content_image=CONTENT.fingerprint, networks="networks")
    assert DEPTH.fingerprint == bigger.fingerprint == renamed.fingerprint
    assert DEPTH.stamp["sizes"] != bigger.stamp["sizes"]
    assert DEPTH.id != renamed.id


@pytest.mark.parametrize(
    "change",
    [
        {"contents": {"cat": ("another", EDGES.fingerprint)}},
        {"contents": {"cat": (DEPTH.fingerprint, "another")}},
        {"contents": {"lion": (DEPTH.fingerprint, EDGES.fingerprint)}},
        {"styles": {"wave": "another"}},
        {"pastiches": []},
        {"scores": [scores(judges="others")]},
        {"blocked": [(pastiche(), "faded")]},
    ],
)
def test_everything_that_is_shown_counts(change):
    assert shown(**change).fingerprint != shown().fingerprint


def test_an_artefact_tells_where_it_lies_and_what_its_file_must_carry():
    assert (GRAMS.id, GRAMS.path) == (ArtefactId("style_grams", style="wave"), "style_grams/wave.safetensors")
    assert GRAMS.stamp == {"fingerprint": GRAMS.fingerprint, "sizes": "64-long", "layers": "bank1"}
    assert "record_every" not in FILM.stamp
    often = rules.timelapse(BOLD.model_copy(update={"record_every": 4}), "cat", "wave", pastiche="p")
    assert often.stamp["record_every"] == "4"
    assert DEPTH.beside == {"picture": "depth_map/cat.png"}


FAST = Recipe(name="fast", engine="feedforward", size=128, stages=(Stage(steps=1),))


def painter(recipe=FAST, **changes):
    return rules.painter(recipe, "wave", **{"style_image": STYLE.fingerprint, "networks": "networks", **changes})


def test_a_painter_is_outdated_by_its_style_its_networks_and_its_recipe_alone():
    changed = [
        painter(style_image="another"),
        painter(networks="another"),
        painter(FAST.with_weights({"edge": 3})),
        painter(FAST.model_copy(update={"training_steps": 5})),
    ]
    assert len({each.fingerprint for each in (*changed, painter())}) == 5


def test_a_painters_code_version_counts(monkeypatch):
    earlier = painter().fingerprint
    monkeypatch.setitem(fingerprints.VERSIONS, "painter", 99)
    assert painter().fingerprint != earlier


def test_painters_are_shared_by_sizes_that_are_trained_alike():
    assert painter(FAST.with_size(1024)) == painter(FAST.with_size(512)) != painter(FAST.with_size(256))


def test_a_pastiche_by_a_painter_is_made_of_it_the_content_and_the_recipe():
    given = {"content_image": CONTENT.fingerprint, "painter": painter().fingerprint}
    found = [
        rules.pastiche_by(FAST, "cat", "wave", **given),
        rules.pastiche_by(FAST, "cat", "wave", **{**given, "painter": "another"}),
        rules.pastiche_by(FAST, "cat", "wave", **{**given, "content_image": "another"}),
        rules.pastiche_by(FAST.with_size(256), "cat", "wave", **given),
    ]
    assert len({each.fingerprint for each in found}) == 4


def test_a_draft_is_among_what_a_pastiche_is_made_of():
    found = [pastiche(), pastiche(draft="one"), pastiche(draft="another"), pastiche(regions="one")]
    assert len({each.fingerprint for each in found}) == 4


def test_regions_are_told_by_their_masks_and_those_in_a_part_of_a_style_by_a_version_as_well():
    assert rules.regions({}) == ""
    assert (
        rules.regions({"sky": ("content", ""), "keep": ("cup", "")})
        == '[["keep", ["cup", ""]], ["sky", ["content", ""]]]'
    )
    assert rules.regions({"sky": ("content", "style")}) == '2 [["sky", ["content", "style"]]]'


def test_a_detail_map_is_among_what_a_pastiche_is_made_of():
    found = [pastiche(), pastiche(detail="one"), pastiche(detail="another"), pastiche(draft="one")]
    assert len({each.fingerprint for each in found}) == 4
