"""Painting a row of the grid: what is painted, what stays, and what a cell that fails costs the others."""

import shutil
from traceback import walk_tb

import numpy as np
import pytest
import torch
from PIL import Image
from small_project import Recorder

import spnst_core
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.artefacts.stored_provenance import how_made
from spnst_pipeline.defs import painting
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.rows import Landed, look_up
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

STYLES = ("dots", "wave")


class Failing(Recorder):
    """Stops every batch that holds a style, or one of several cells, in the middle."""

    def __init__(self, style=None):
        super().__init__()
        self.style = style

    def step(self, iterate):
        super().step(iterate)
        *_, (_, _, styles) = self.batches
        if iterate.step == 3 and (self.style in styles if self.style else len(styles) > 1):
            raise RuntimeError("the device is lost")


@pytest.fixture
def project(made):
    return Project.open(made.settings(recipes=(str(made.root / "gatys.yaml"),)))


@pytest.fixture
def unpainted(made, project):
    shutil.rmtree(made.out / "pastiche/gatys")
    return project


def paint(project, recorder, content="cat", asked=("pastiche",), **options):
    [recipe], chosen = project.recipes, Paint(**options)
    lineage = Lineage(project)
    work = look_up(lineage, chosen.applied_to(recipe), content, STYLES, chosen, asked)
    return list(painting.paint(work, recorder))


def landed(style, asset="pastiche", new=False):
    return Landed(ArtefactId(asset, "gatys", "cat", style), new)


def test_what_is_up_to_date_is_told_and_not_painted(project):
    recorder = Recorder()
    assert paint(project, recorder) == [landed("dots"), landed("wave")]
    assert recorder.batches == []


def test_missing_cells_of_a_row_share_a_batch(unpainted):
    recorder = Recorder()
    assert paint(unpainted, recorder) == [landed(style, new=True) for style in STYLES]
    assert recorder.batches == [("gatys", "cat", STYLES)]
    made = how_made(unpainted.store, "pastiche/gatys/cat/wave.png")
    assert (made["batch"], made["steps"], made["profile"], made["device"]) == (2, 5, "embedded", "cpu")
    assert made["batch_seconds"] == pytest.approx(2 * made["seconds"], abs=0.002)
    assert set(made["losses"]) == {"content", "style", "tv"}  # the terms that the recipe gives weight to
    assert [set(weights) for weights in made["loss_weights"]] == [{"content", "style", "tv"}] * 2
    assert (made["size"], made["seed"]) == ("48 × 36", 0)
    assert made["network_weights"] == unpainted.identity.fingerprint
    assert made["versions"] == {"spnst": spnst_core.__version__, "torch": torch.__version__}
    assert "overridden" not in made


@pytest.mark.parametrize("colour", ["content", "match"])
def test_colours_are_what_the_library_gives_each_cell_of_a_batch(made, unpainted, colour):
    recorder, [recipe] = Recorder(), unpainted.recipes
    assert paint(unpainted, recorder, colour=colour) == [landed(style, new=True) for style in STYLES]
    assert recorder.batches == [("gatys", "cat", STYLES)]
    for style in STYLES:
        path = f"pastiche/gatys/cat/{style}.png"
        pictures = (made.root / "contents/cat.png", made.root / f"styles/{style}.png")
        alone = spnst_core.stylize(*pictures, recipe.with_colour(colour), unpainted.models)
        found = Image.open(made.out / path)
        assert np.abs(np.subtract(found, alone.image, dtype=int)).max() <= 1
        told = how_made(unpainted.store, path)
        assert (told["colour"], told["colour_strength"]) == (colour, 1)


def test_a_batch_that_fails_is_painted_cell_by_cell(unpainted):
    recorder = Failing()
    assert paint(unpainted, recorder) == [landed(style, new=True) for style in STYLES]
    assert [styles for _, _, styles in recorder.batches] == [STYLES, ("dots",), ("wave",)]


def test_a_cell_that_fails_by_itself_is_told_and_costs_no_other(unpainted):
    good, bad = paint(unpainted, Failing("wave"))
    assert good == landed("dots", new=True)
    assert (bad.artefact, bad.new, str(bad.error)) == (landed("wave").artefact, False, "the device is lost")
    assert unpainted.store.list("pastiche/gatys/cat") == ["pastiche/gatys/cat/dots.png"]


def test_a_cell_that_failed_holds_no_memory_while_the_next_is_painted(unpainted):
    """Its error is still at hand then, with the traceback that goes to the log."""
    failed, *_ = (one for one in paint(unpainted, Failing("wave")) if one.error)
    frames = [frame for frame, _ in walk_tb(failed.error.__traceback__)]
    assert len(frames) > 1
    held = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, torch.Tensor)]
    assert held == []


def test_a_pastiche_that_cannot_be_written_is_told_and_costs_no_other_cell(made, unpainted):
    (made.out / "pastiche/gatys/cat/dots.png").mkdir(parents=True)
    bad, good = paint(unpainted, Recorder())
    assert "pastiche/gatys/cat/dots.png" in str(bad.error)
    assert good == landed("wave", new=True)


def test_a_film_is_recorded_while_its_cell_is_painted_once_more_and_the_pastiche_stays(project):
    before = project.store.read("pastiche/gatys/cat/wave.png")
    recorder = Recorder()
    assert paint(project, recorder, asked=("timelapse",)) == [
        landed("dots"),
        landed("wave"),
        landed("dots", "timelapse", new=True),
        landed("wave", "timelapse", new=True),
    ]
    assert project.store.read("pastiche/gatys/cat/wave.png") == before


def test_at_another_size_targets_are_computed_for_the_occasion(project):
    recorder = Recorder()
    assert [one.error for one in paint(project, recorder, size=40)] == [None, None]
    path = project.store.locate("pastiche/gatys/cat/wave.png")
    assert Image.open(path).size == (40, 30)
    assert how_made(project.store, "pastiche/gatys/cat/wave.png")["overridden"] == {"size": 40}
    kept = [f"edge_map/{content}.{end}" for content in ("boat", "cat") for end in ("png", "safetensors")]
    assert project.store.list("edge_map") == kept


def test_every_cell_of_a_content_that_was_never_decoded_names_it(project):
    found = paint(project, Recorder(), content="bird")
    assert [one.artefact.style for one in found] == list(STYLES)
    for one in found:
        assert isinstance(one.error, NotMade)
        assert "materialise content_image[bird] first" in str(one.error)
