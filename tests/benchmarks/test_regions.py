"""What regions hold, measured: the mask, the places and colours that count, and a pastiche kept in its region."""

import pytest
import torch

from benchmarks.region_memory import masks, measured
from benchmarks.regions import ONLY, TOGETHER, cup_mask, foreign_share, inside, paint
from spnst_core import Recipe, Stage, load_models
from spnst_core.imaging import io as image_io
from spnst_core.imaging.planes import at_shape

RED, BLUE, GREEN = (
    torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, 20, 40) for rgb in ((1.0, 0, 0), (0, 0, 1.0), (0, 1.0, 0))
)
EVERYWHERE = torch.ones(1, 1, 20, 40, dtype=torch.bool)


def test_the_mask_is_of_the_cup_and_has_a_soft_edge():
    mask = cup_mask((500, 400))
    assert (mask.getpixel((250, 200)), mask.getpixel((10, 10)), mask.getpixel((490, 390))) == (255, 0, 0)
    assert len(set(mask.tobytes())) > 50


def test_places_near_an_edge_are_not_inside():
    plane = torch.zeros(1, 1, 20, 40)
    plane[..., :20] = 1
    found = inside(plane, 3)
    assert found[..., :17].all()
    assert not found[..., 17:].any()


def test_only_colours_of_the_other_style_alone_count_as_its_own():
    half = torch.cat([RED[..., :20], BLUE[..., 20:]], 3)
    assert foreign_share(half, RED, BLUE, EVERYWHERE) == 0.5
    assert foreign_share(half, half, BLUE, EVERYWHERE) == 0, "the region's own style has them too"
    assert foreign_share(GREEN, RED, BLUE, EVERYWHERE) == 0
    left = EVERYWHERE.clone()
    left[..., 20:] = False
    assert foreign_share(half, RED, BLUE, left) == 0


@pytest.mark.benchmark
@pytest.mark.slow(5)
def test_each_pastiche_is_painted_as_its_name_says():
    recipe, models = Recipe(name="quick", size=48, stages=[Stage(steps=2)]), load_models("embedded", "cpu")
    mask = image_io.to_tensor(cup_mask((500, 400)).convert("RGB"))[:, :1]
    found, seconds = paint(recipe, models, mask)
    assert found.keys() == seconds.keys() == {"table", "cup", TOGETHER, *ONLY.values()}
    cup = at_shape(mask, *found["table"].shape[2:])
    for region, plane in {"table": cup, "cup": 1 - cup}.items():
        kept = (plane == 1).expand_as(found[region])
        assert (found[region] - found[TOGETHER]).abs().max() > 0.05
        assert (found[region] - found[ONLY[region]])[kept].abs().max() > 0.05


@pytest.mark.benchmark
@pytest.mark.slow(10)
def test_memory_is_the_peak_of_a_process_that_painted_with_masks():
    planes = masks(64)
    assert all(plane.shape == (64, 64) and plane.max() == 1 and plane.min() == 0 for plane in planes.values())
    assert not (planes["disc"] * planes["keep"]).any()
    found = measured("embedded", 64, 1, "with")
    assert found["memory"] > 10**8
    assert found["seconds"] > 0
