"""Regions: what masks make of a content, at the sizes of a recipe."""

import pytest
import torch

import spnst_core as sp
from spnst_core.objective.regions import REST, Regions
from spnst_core.recipes.recipe import Stage

RECIPE = sp.Recipe(name="quick", size=64, stages=[Stage(scale=0.5, steps=1), Stage(steps=1)])
CONTENT = torch.rand(1, 3, 48, 64)


def covering(rows=slice(None), columns=slice(None), value=1.0):
    mask = torch.zeros(1, 1, 48, 64)
    mask[..., rows, columns] = value
    return mask


LEFT, RIGHT = covering(columns=slice(32)), covering(columns=slice(32, None))


def test_what_no_mask_covers_is_a_region_of_its_own():
    found = Regions.of(CONTENT, RECIPE, {"sky": covering(slice(12)), "sea": covering(slice(36, None))})
    assert (found.names, found.kept) == (("sky", "sea", REST), None)
    assert torch.equal(found.painted.sum(1), torch.ones(1, 48, 64))
    assert found.painted[0, 2, :, 0].nonzero().flatten().tolist() == list(range(12, 36))


def test_masks_that_cover_everything_leave_no_rest():
    assert Regions.of(CONTENT, RECIPE, {"left": LEFT, "right": RIGHT}).names == ("left", "right")


def test_masks_that_overlap_share_the_place_in_proportion():
    found = Regions.of(CONTENT, RECIPE, {"all": covering(), "left": covering(columns=slice(32), value=0.5)})
    assert found.names == ("all", "left")
    assert found.painted[0, :, 0, 0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.painted[0, :, 0, 40].tolist() == [1, 0]


def test_soft_edges_are_shared_with_the_rest():
    found = Regions.of(CONTENT, RECIPE, {"veil": covering(value=0.25)})
    assert found.painted[0, :, 5, 5].tolist() == [0.25, 0.75]


@pytest.mark.parametrize("keep_rest", [False, True])
def test_what_is_kept_is_not_painted(keep_rest):
    masks = {"keep": covering(slice(12)), "sea": covering(slice(36, None))}
    found = Regions.of(CONTENT, RECIPE, masks, keep_rest)
    assert found.names == (("sea",) if keep_rest else ("sea", REST))
    assert found.kept[0, 0, :, 0].sum() == (36 if keep_rest else 12)
    assert torch.equal(found.painted.sum(1, keepdim=True) + found.kept, torch.ones(1, 1, 48, 64))


def test_masks_of_any_size_are_brought_to_the_pastiches():
    small = torch.zeros(1, 1, 24, 32)
    small[..., 16:] = 1
    found = Regions.of(CONTENT, RECIPE, {"right": small})
    assert found.painted.shape == (1, 2, 48, 64)
    assert found.painted[0, 0, 0].sum() == pytest.approx(32, abs=0.5)


BAD = {
    "nothing at the smallest stage": (
        {"fly": covering(slice(3, 5), slice(7, 8))},
        'the region "fly" covers less than a pixel of 32×24, the size of the first stage',
    ),
    "nothing kept": ({"keep": covering(slice(3, 5), slice(7, 8))}, 'the region "keep" covers less than a pixel'),
    "all kept": ({"keep": covering()}, "the masks leave nothing to paint"),
}


@pytest.mark.parametrize("name", BAD)
def test_regions_that_cannot_be_painted_are_told(name):
    masks, says = BAD[name]
    with pytest.raises(sp.InputError, match=says):
        Regions.of(CONTENT, RECIPE, masks)
