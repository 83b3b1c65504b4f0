"""Films of a batch while it is painted: each cell's own frames, and what one that fails costs the others."""

import tempfile
from io import BytesIO

import av
import numpy as np
import pytest
import torch
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_core.report.film import FPS, STEPS_PER_FRAME, read_facts, read_metadata
from spnst_pipeline.artefacts import rules
from spnst_pipeline.defs.films import Films

STEPS = 5
RECIPE = Recipe(name="quick", size=64, stages=(Stage(steps=STEPS),))
BATCH = ("dots", "wave")
CONTENT = torch.zeros(1, 3, 48, 64)
PASTICHE = Image.new("RGB", (64, 48))


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder in which films are written until they are finished."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def films(*styles, recipe=RECIPE):
    wanted = {style: rules.timelapse(recipe, "cat", style, pastiche=f"fingerprint of {style}") for style in styles}
    return Films(CONTENT, recipe, BATCH, wanted)


def steps(*brightness):
    """The iterates of a batch with one cell of each brightness."""
    image = torch.stack([torch.full((3, 48, 64), value) for value in brightness])
    losses = {"total": torch.ones(len(brightness))}
    for step in range(1, STEPS + 1):
        yield Iterate(0, 1, step, STEPS, tuple(range(len(brightness))), losses, image)


def first_frame(data):
    with av.open(BytesIO(data)) as container:
        return np.asarray(next(container.decode(video=0)).to_image())


def test_each_film_shows_its_own_cell_and_carries_its_own_fingerprint(scratch):
    with films(*BATCH) as recorded:
        for iterate in steps(0.25, 0.75):
            recorded.follow(iterate)
        found = {style: recorded.finished(style, PASTICHE) for style in BATCH}
    for style, brightness in zip(BATCH, (0.25, 0.75), strict=True):
        frame = first_frame(found[style])
        assert frame[10:200, -200:-10].mean() / 255 == pytest.approx(
            brightness, abs=0.02
        )  # the pastiche is at the right
        expected = rules.timelapse(RECIPE, "cat", style, pastiche=f"fingerprint of {style}")
        assert read_metadata(found[style]).items() >= expected.stamp.items()


@pytest.mark.parametrize(("every", "frames"), [(0, 4), (1, 5), (3, 3)])
def test_frames_are_those_of_the_interval_with_the_first_and_the_last_step(every, frames, scratch):
    recipe = RECIPE.model_copy(update={"record_every": every})
    with films("wave", recipe=recipe) as recorded:
        for iterate in steps(0.5, 0.5):
            recorded.follow(iterate)
        data = recorded.finished("wave", PASTICHE)
    assert read_facts(data).frames == frames + FPS  # a second of the finished pastiche
    assert read_metadata(data)[rules.EVERY] == str(every or STEPS_PER_FRAME)


def test_a_film_that_fails_on_the_way_stops_alone(scratch):
    with films(*BATCH) as recorded:
        for iterate in steps(0.5):  # there is no picture of the second cell, but it is said to have taken the step
            recorded.follow(Iterate(0, 1, iterate.step, STEPS, (0, 1), iterate.losses, iterate.image))
        assert read_facts(recorded.finished("dots", PASTICHE)).frames == 4 + FPS
        with pytest.raises(IndexError):
            recorded.finished("wave", PASTICHE)


def test_films_that_cannot_be_begun_say_so_at_the_end_and_disturb_no_step(scratch):
    scratch.rmdir()
    with films(*BATCH) as recorded:
        for iterate in steps(0.5, 0.5):
            recorded.follow(iterate)
        for style in BATCH:
            with pytest.raises(FileNotFoundError, match="scratch"):
                recorded.finished(style, PASTICHE)


def test_nothing_is_left_of_films_whose_batch_fails(scratch):
    def painted():
        with films(*BATCH) as recorded:
            recorded.follow(next(steps(0.5, 0.5)))
            assert len(list(scratch.iterdir())) == 2
            raise InputError("out of memory")

    with pytest.raises(InputError, match="out of memory"):
        painted()
    assert list(scratch.iterdir()) == []
