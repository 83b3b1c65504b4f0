"""The course of a training: validations on the way and at the end, checkpoints, and which contents are held out."""

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.painters.course import FEW, course, resume, split, to_checkpoint, warning_of_few
from spnst_core.painters.sheet import validation_sheet
from spnst_core.painters.training import Plan, Training
from spnst_core.recipes.recipe import Stage, Weights

QUICK = Recipe(name="quick", jitter=False, weights=Weights(content=0.3), stages=(Stage(steps=1),))


@pytest.fixture
def begin(sample_contents, sample_styles, models):
    trained, held_out = split(sample_contents)

    def begin(**plan):
        contents = list(trained.values()), list(held_out.values())
        return Training(sample_styles["nocturne"], *contents, QUICK, models, Plan(**{"size": 64, "steps": 5, **plan}))

    return begin


@pytest.mark.heavy
def test_a_course_validates_on_its_way_and_at_its_end(begin, sample_styles):
    training = begin(validate_every=2)
    steps = list(course(training))
    assert [bool(step.validation) for step in steps] == [False, True, False, True, True]
    record, pastiches = steps[-1].validation
    assert record.step == 5
    sheet = validation_sheet(training, sample_styles["nocturne"], pastiches)
    assert sheet.height > 2 * 256
    assert sheet.getpixel((sheet.width // 2, 100)) != (255, 255, 255)


@pytest.mark.heavy
def test_a_checkpoint_takes_a_training_to_where_it_was(begin):
    whole, stopped, again = begin(), begin(), begin()
    list(course(whole))
    for _, _step in zip(range(3), course(stopped), strict=False):
        pass
    resume(again, to_checkpoint(stopped))
    list(course(again))
    assert all(map(torch.equal, whole.network.parameters(), again.network.parameters()))


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_refused(begin):
    checkpoint = to_checkpoint(begin(seed=1))
    with pytest.raises(InputError, match="of another training"):
        resume(begin(), checkpoint)
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        resume(begin(seed=1), checkpoint[:-10])


@pytest.mark.parametrize(("contents", "held_out"), [(1, 0), (2, 1), (4, 1), (10, 2), (12, 2)])
def test_one_content_of_five_is_held_out_and_one_of_a_few(contents, held_out):
    trained, held = split({f"c{k:02}": k for k in range(contents)})
    assert (len(trained), len(held)) == (contents - held_out, held_out)
    assert not trained.keys() & held.keys()


def test_few_contents_are_warned_of_with_their_number_and_what_to_expect():
    assert warning_of_few(1).startswith("only 1 content to train on: the painter will paint these best")
    assert "only 29 contents" in warning_of_few(FEW - 1)
    assert warning_of_few(FEW) == ""
