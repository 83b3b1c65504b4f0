"""A user's own maps of depth, edges and detail, from the file beside the content to pastiche and gallery."""

import numpy as np
import pytest
from small_project import PAINTED

from spnst_core import stylize
from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import DepthMap
from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.provenance import read_made
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

CAT = ArtefactId("depth_map", content="cat")
RAMP = np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(60, 80)


def paint(place):
    return place.run(phases=PAINTED, recipes=(str(place.root / "structure.yaml"),))


def fingerprints(place):
    lineage = Lineage(Project.open(place.settings()), ahead=True)
    recipe = lineage.project.recipes[0]
    rules = (lineage.content_image, lineage.depth_map, lineage.edge_map)
    found = {(rule.__name__, content): rule(content).fingerprint for rule in rules for content in ("boat", "cat")}
    return found | {("pastiche", c): lineage.pastiche(recipe, c, "wave").fingerprint for c in ("boat", "cat")}


def test_a_map_takes_the_networks_place_and_one_that_cannot_be_used_costs_its_content_alone(made):
    depth = DepthMap.from_bytes(take(Project.open(made.settings()).store, CAT))
    inverted = 1 - depth.maps[48][0, 0].numpy()
    np.save(made.root / "contents/cat.depth.npy", inverted)
    np.save(made.root / "contents/boat.edges.npy", np.full((60, 80), 0.5))
    run = paint(made)
    [failed] = run.failed
    assert failed.startswith("edge_map/boat") or "edge_map" in failed
    assert "boat.edges.npy is 0.5 everywhere" in failed
    assert sorted(run.recorder.keys) == [
        "depth_map/cat.safetensors",
        "pastiche/structure/cat/dots.png",
        "pastiche/structure/cat/wave.png",
    ]
    [note] = run.recorder.notes
    assert "contents/cat.depth.npy runs against what the network sees" in note
    found = DepthMap.from_bytes(take(run.project.store, CAT))
    assert np.array_equal(found.given[48][0, 0].numpy(), inverted)
    assert found.agreement < -0.9
    carried = metadata(CAT.path, take(run.project.store, CAT))
    assert float(carried["agreement"]) == pytest.approx(found.agreement, abs=1e-4)
    painted = take(run.project.store, ArtefactId("pastiche", "structure", "cat", "wave"))
    assert read_made(image_io.png_text(painted))["own_maps"] == ["depth"]


def test_a_map_counts_for_its_kind_and_what_is_made_of_it(fresh):
    before = fingerprints(fresh)
    np.save(fresh.root / "contents/cat.depth.npy", RAMP)
    after = fingerprints(fresh)
    assert {key for key in before if before[key] != after[key]} == {("depth_map", "cat"), ("pastiche", "cat")}
    np.save(fresh.root / "contents/cat.depth.npy", 2 * RAMP)
    assert fingerprints(fresh)["depth_map", "cat"] != after["depth_map", "cat"]
    (fresh.root / "contents/cat.depth.npy").unlink()
    assert fingerprints(fresh) == before


def pastiches(place):
    lineage = Lineage(Project.open(place.settings()), ahead=True)
    cells = [(recipe, content) for recipe in lineage.project.recipes for content in ("boat", "cat")]
    return {(r.name, content): lineage.pastiche(r, content, "wave").fingerprint for r, content in cells}


def test_a_detail_map_counts_for_pastiches_whose_recipe_holds_structure(fresh):
    before, painted = fingerprints(fresh), pastiches(fresh)
    np.save(fresh.root / "contents/cat.detail.npy", RAMP)
    after, repainted = fingerprints(fresh), pastiches(fresh)
    assert {key for key in before if before[key] != after[key]} == {("pastiche", "cat")}
    assert {key for key in painted if painted[key] != repainted[key]} == {("structure", "cat")}
    np.save(fresh.root / "contents/cat.detail.npy", RAMP**2)
    assert pastiches(fresh)["structure", "cat"] != repainted["structure", "cat"]
    (fresh.root / "contents/cat.detail.npy").unlink()
    assert pastiches(fresh) == painted


@pytest.mark.heavy
def test_a_detail_map_repaints_its_content_alone_and_one_that_cannot_be_used_costs_no_other(made):
    cell = ArtefactId("pastiche", "structure", "cat", "wave")
    before = image_io.read(take(Project.open(made.settings()).store, cell))
    np.save(made.root / "contents/cat.detail.npy", RAMP)
    np.save(made.root / "contents/boat.detail.npy", 0 * RAMP)
    run = paint(made)
    assert len(run.failed) == 2
    assert all("boat.detail.npy is 0 everywhere: a constant map says nothing of detail" in x for x in run.failed)
    assert sorted(run.recorder.keys) == ["pastiche/structure/cat/dots.png", "pastiche/structure/cat/wave.png"]
    painted = take(run.project.store, cell)
    assert read_made(image_io.png_text(painted))["own_maps"] == ["detail"]
    picture = made.root / "contents/cat.png", made.root / "styles/wave.png", run.project.recipes[0], run.project.models
    expected = stylize(*picture, detail_map=RAMP).pixels
    assert (image_io.read(painted) - expected).abs().max() < 0.01 < (before - expected).abs().max()


@pytest.mark.slow(15)
def test_the_launchpad_heeds_a_map_at_a_size_that_is_not_prepared_and_tells_of_it(made):
    np.save(made.root / "contents/cat.depth.npy", RAMP)
    found = made.launch("depth_map", key="cat")
    assert (found.failed, found.keys) == ([], ["depth_map/cat.safetensors"])
    assert -1 < found.told("depth_map", "cat")["agreement"] < 1
    found = made.launch("pastiche/structure", key="cat|wave", size=40)
    assert found.failed == []
    assert found.told("pastiche/structure", "cat|wave")["own_maps"] == ["depth"]
