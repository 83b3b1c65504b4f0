"""Checkpoints: a batch that was stopped goes on to the same pastiches, and nothing that is kept can cost a cell."""

import shutil
from dataclasses import replace

import pytest
from small_project import Recorder

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import painting
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.rows import Landed, look_up
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store

pytestmark = pytest.mark.project

STYLES, STEPS = ("dots", "wave"), 5
LANDED = [Landed(ArtefactId("pastiche", "gatys", "cat", style), new=True) for style in STYLES]


class Stopping(Recorder):
    """Stops the batch in one of its steps, and hears what is noted."""

    def __init__(self, step=0, error=KeyboardInterrupt):
        super().__init__()
        self.stop, self.error, self.notes = step, error, []

    def step(self, iterate):
        super().step(iterate)
        if iterate.step == self.stop:
            raise self.error("stopped")

    def note(self, line):
        self.notes.append(line)


@pytest.fixture
def pastiches(made):
    """What the row looked like, painted in one go; it is gone now."""
    folder = made.out / "pastiche/gatys/cat"
    before = {style: (folder / f"{style}.png").read_bytes() for style in STYLES}
    shutil.rmtree(folder)
    return before


def project(made, **settings):
    return Project.open(made.settings(recipes=(str(made.root / "gatys.yaml"),), **settings))


def paint(place, recorder, styles=STYLES, asked=("pastiche",), **options):
    [recipe], chosen = place.recipes, Paint(**options)
    work = look_up(Lineage(place), chosen.applied_to(recipe), "cat", styles, chosen, asked)
    return list(painting.paint(work, recorder))


def stopped(place, step, **options):
    """Paint until a step in which the run is told to stop."""
    with pytest.raises(KeyboardInterrupt):
        paint(place, Stopping(step), **options)


def pixels(data):
    from spnst_core.imaging import io as image_io

    return image_io.decode(data).tobytes()


def painted(made):
    folder = made.out / "pastiche/gatys/cat"
    return {style: pixels((folder / f"{style}.png").read_bytes()) for style in STYLES}


def kept(made):
    return sorted(path.stem for path in (made.out / ".dagster/checkpoint").rglob("*.safetensors"))


@pytest.mark.parametrize("step", [1, 2, 4])
def test_a_batch_that_is_told_to_stop_goes_on_to_the_same_pixels(step, made, pastiches):
    stopped(project(made), step)
    assert kept(made) == list(STYLES)
    again = Stopping()
    assert paint(project(made), again) == LANDED
    assert again.steps == STEPS - step
    assert again.notes == [f"pastiche/gatys[cat|dots], pastiche/gatys[cat|wave] go on after step {step}"]
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}
    assert kept(made) == []


def test_every_so_often_a_batch_is_kept_whatever_ends_it(made, pastiches):
    """The second attempt fails as well, at a step that is the first after the checkpoint's."""
    place = project(made, checkpoint_seconds=1e-9)
    [error] = {landed.error.args for landed in paint(place, Stopping(3, RuntimeError)) if landed.error}
    assert error == ("stopped",)
    assert kept(made) == list(STYLES)
    again = Stopping()
    assert paint(place, again) == LANDED
    assert again.steps < 2 * STEPS
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}


def test_with_zero_seconds_nothing_is_kept_and_nothing_used(made, pastiches):
    stopped(project(made), 3)
    stopped(project(made, checkpoint_seconds=0), 4)
    again = Stopping()
    assert paint(project(made, checkpoint_seconds=0), again) == LANDED
    assert again.steps == STEPS


def test_cells_that_stand_at_different_steps_go_on_apart(made, pastiches):
    stopped(project(made), 2, styles=("dots",))
    stopped(project(made), 4, styles=("wave",))
    again = Stopping()
    assert set(paint(project(made), again)) == set(LANDED)
    assert [styles for _, _, styles in again.batches] == [("dots",), ("wave",)]
    assert again.steps == (STEPS - 2) + (STEPS - 4)
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}


def test_a_checkpoint_of_other_ingredients_is_left_with_a_notice(made, pastiches):
    stopped(project(made), 3)
    recipe = made.root / "gatys.yaml"
    recipe.write_text(recipe.read_text().replace("0.05", "0.06"))
    again = Stopping()
    assert paint(project(made), again) == LANDED
    assert again.steps == STEPS
    assert len(again.notes) == 2
    assert all("begins anew: its checkpoint is damaged or of other ingredients" in note for note in again.notes)
    assert kept(made) == []


def test_a_damaged_checkpoint_costs_nothing_but_its_steps(made, pastiches):
    stopped(project(made), 3)
    path = made.out / ".dagster/checkpoint/gatys/cat/dots.safetensors"
    path.write_bytes(path.read_bytes()[:-100])  # the head is whole
    again = Stopping()
    assert paint(project(made), again) == LANDED
    assert again.steps == STEPS
    assert any("begin anew: " in note and "was damaged or replaced" in note for note in again.notes)
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}


def test_where_memory_runs_out_a_checkpoint_is_kept_for_a_run_that_has_more(made, pastiches):
    """Beginning anew would need as much of it, and lose the steps."""
    stopped(project(made), 2)
    starved = Stopping(3, MemoryError)
    assert [(landed.artefact.style, type(landed.error)) for landed in paint(project(made), starved)] == [
        (style, MemoryError) for style in STYLES
    ]
    assert [styles for _, _, styles in starved.batches] == [STYLES, ("dots",), ("wave",)]
    assert all(note.endswith("after step 2") for note in starved.notes)
    again = Stopping()
    assert paint(project(made), again) == LANDED
    assert again.notes == ["pastiche/gatys[cat|dots], pastiche/gatys[cat|wave] go on after step 2"]
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}


def test_a_checkpoint_that_does_not_say_where_it_stands_is_left_with_a_notice(made, pastiches):
    stopped(project(made), 3)
    path = made.out / ".dagster/checkpoint/gatys/cat/dots.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"position"', b'"positiom"'))
    again = Stopping()
    assert paint(project(made), again) == LANDED
    assert any("dots] begins anew: its checkpoint is damaged" in note for note in again.notes)
    assert painted(made) == {style: pixels(data) for style, data in pastiches.items()}


def test_where_no_checkpoint_can_be_written_cells_are_painted_all_the_same(made, pastiches):
    place = project(made, checkpoint_seconds=1e-9)
    (made.out / ".dagster/checkpoint").write_text("a file where a folder should be")
    recorder = Stopping()
    assert paint(place, recorder) == LANDED
    assert recorder.steps == STEPS
    assert any(note.startswith("no checkpoint: ") for note in recorder.notes)


def test_a_film_goes_on_with_its_frames(made, pastiches):
    options = {"asked": ("pastiche", "timelapse"), "record_every": 1}
    path = made.out / "timelapse/gatys/cat/wave.mp4"
    paint(project(made), Stopping(), **options)
    whole = path.read_bytes()
    shutil.rmtree(made.out / "pastiche/gatys/cat")
    shutil.rmtree(made.out / "timelapse")
    stopped(project(made), 3, **options)
    again = Stopping()
    paint(project(made), again, **options)
    assert again.steps == STEPS - 3
    assert path.read_bytes() == whole


def test_a_cell_that_was_not_filmed_begins_anew_for_its_film(made, pastiches):
    stopped(project(made), 3)
    again = Stopping()
    paint(project(made), again, asked=("pastiche", "timelapse"))
    assert again.steps == STEPS


def test_they_lie_with_dagsters_records_and_never_in_the_store(made, tmp_path):
    place = project(made, home=str(tmp_path / "home"))
    assert replace(place).checkpoints.location == str(tmp_path / "home")
    assert isinstance(place.checkpoints, Store)
