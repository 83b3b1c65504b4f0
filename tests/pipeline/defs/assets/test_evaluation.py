"""Evaluation: a cell's scores as they stand in its file, its maps as the judges see them, and what its event shows."""

import json

import pytest
from PIL import Image

from spnst_core.metrics.registry import METRICS
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.stored_provenance import how_made
from spnst_pipeline.defs.assets.evaluation import read_scores

CELL = "cat|wave"


@pytest.fixture(scope="module")
def record(first_run):
    _, run = first_run
    lineage = Lineage(run.project)
    wanted = lineage.metrics(run.project.recipes[0], "cat", "wave")
    assert lineage.is_current(wanted)
    return read_scores(run.project.store, wanted)


def test_a_record_names_its_cell_and_how_the_pastiche_was_made(record, first_run):
    made = how_made(first_run[1].project.store, "pastiche/structure/cat/wave.png")
    assert (record["content"], record["style"], record["recipe"]) == ("cat", "wave", "structure")
    told = ("seconds", "steps", "device", "profile")
    assert [record[name] for name in told] == [made[name] for name in told]


def test_every_metric_is_scored_or_says_why_not(record):
    always = {metric.key for metric in METRICS.values() if not metric.judge}
    assert always <= record["scores"].keys() | record["missing"].keys()
    assert not record["scores"].keys() & record["missing"].keys()
    assert all(isinstance(reason, str) and reason for reason in record["missing"].values())


def test_gram_distances_are_given_for_every_layer(record, first_run):
    assert list(record["layers"]) == list(first_run[1].project.identity.layers.style_layers)
    assert all(distance > 0 for distance in record["layers"].values())


@pytest.mark.parametrize("seen", ["depth", "edges"])
def test_beside_the_scores_are_the_pastiches_maps(first_run, seen):
    place, _ = first_run
    pastiche = Image.open(place.out / "pastiche/structure/cat/wave.png")
    assert Image.open(place.out / f"metrics/structure/cat/wave.{seen}.png").size == pastiche.size


@pytest.mark.project
def test_a_cell_is_scored_again_the_same_and_held_against_the_baseline(made):
    path = made.out / "metrics/structure/cat/wave.json"
    before = json.loads(path.read_text())
    path.unlink()
    launched = made.launch("metrics/structure", key=CELL)
    assert (launched.failed, launched.keys) == ([], ["metrics/structure/cat/wave.json"])
    assert json.loads(path.read_text()) == before
    shown = launched.told("metrics/structure", CELL)
    assert {name: shown[name] for name in before["scores"]} == pytest.approx(before["scores"])
    assert shown["preview"].startswith("![preview](data:image/")


@pytest.mark.project
def test_a_cell_that_is_not_painted_is_named_with_what_to_do(made):
    (made.out / "pastiche/structure/cat/wave.png").unlink()
    [line] = made.launch("metrics/structure", key=CELL).failed
    assert line.startswith(f"metrics/structure[{CELL}]: ")
    assert line.endswith(f"materialise pastiche/structure[{CELL}] first")
