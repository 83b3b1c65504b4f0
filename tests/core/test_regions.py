"""Pastiches of several regions: each takes its own style, what is kept stays, and one that is everything is no region.

Edges of masks are hard here, and regions wide beside the reach of the embedded encoder.
"""

import numpy as np
import pytest
import torch

import spnst_core as sp
from spnst_core import Band
from spnst_core.imaging import io as image_io
from spnst_core.objective.objective import Objective
from spnst_core.objective.regions import Regions
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.objective.view import View
from spnst_core.painting import paint_batch, style_targets
from spnst_core.recipes.recipe import Stage, Weights

RECIPE = sp.Recipe(name="quick", size=64, weights=Weights(style=3), stages=[Stage(steps=10)])
VIEW = View()
LEFT, RIGHT = (np.zeros((51, 64), np.float32) for _ in range(2))
LEFT[:, :32] = RIGHT[:, 32:] = 1


@pytest.fixture
def content(sample_contents):
    return image_io.resize(sample_contents["coffee"], 51, 64)


def plain(*colour):
    return np.broadcast_to(np.array(colour, np.float32), (64, 64, 3)) + np.random.default_rng(0).normal(
        0, 0.02, (64, 64, 3)
    ).clip(-0.1, 0.1)


RED, BLUE = plain(0.8, 0.15, 0.15), plain(0.15, 0.15, 0.8)


def mean_colour(pixels):
    return pixels[0].mean((1, 2))


@pytest.mark.heavy
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_each_region_takes_its_own_style_and_the_rest_the_style_of_the_whole(content, models, optimizer):
    recipe = RECIPE.model_copy(update={"stages": [Stage(steps=6, optimizer=optimizer)]})
    pixels = sp.stylize(content, RED, recipe, models, regions={"right": sp.Region(RIGHT, BLUE)}).pixels
    left, right = mean_colour(pixels[..., :26]), mean_colour(pixels[..., 38:])
    assert left[0] > left[2] + 0.15
    assert right[2] > right[0] + 0.15


@pytest.mark.heavy
def test_a_region_comes_as_near_to_its_style_as_a_pastiche_of_that_style_alone(content, sample_styles, models):
    nocturne, woodblock = sample_styles["nocturne"], sample_styles["woodblock"]
    both = sp.stylize(content, nocturne, RECIPE, models, regions={"right": sp.Region(RIGHT, woodblock)}).pixels
    for style, mask in ((nocturne, LEFT), (woodblock, RIGHT)):
        alone = sp.stylize(content, style, RECIPE, models, regions={"a": sp.Region(mask)}).pixels
        targets, guide = style_targets(style, RECIPE, models), torch.from_numpy(mask)[None, None]
        ours, theirs = (style_misfit(x, [targets], RECIPE, models, guide).item() for x in (both, alone))
        assert ours == pytest.approx(theirs, rel=0.1)


def test_a_region_that_is_everything_changes_nothing(content, sample_styles, models):
    style = sample_styles["nocturne"]
    everything = {"all": sp.Region(np.ones((51, 64)), style)}
    recipe = RECIPE.model_copy(update={"stages": [Stage(steps=3)]})
    expected = sp.stylize(content, style, recipe, models).pixels
    assert torch.equal(sp.stylize(content, RED, recipe, models, regions=everything).pixels, expected)


@pytest.mark.heavy
def test_what_is_kept_is_the_content_and_soft_edges_are_mixed(content, sample_styles, models):
    soft = np.clip((np.arange(64, dtype=np.float32) - 24) / 16, 0, 1)[None].repeat(51, 0)
    recipe = RECIPE.model_copy(update={"stages": [Stage(steps=3)], "jitter": True})
    pixels = sp.stylize(content, RED, recipe, models, regions={"keep": sp.Region(soft)}).pixels
    original = image_io.resize(content, 51, 64)
    assert torch.equal(pixels[..., 40:], original[..., 40:])
    distance = (pixels - original).abs().mean((0, 1, 2))
    assert distance[:24].mean() > 1.2 * distance[32:36].mean() > 0
    inverse = {"red": sp.Region(1 - soft)}
    other = sp.stylize(content, RED, recipe, models, regions=inverse, keep_rest=True).pixels
    torch.testing.assert_close(other, pixels, atol=1e-4, rtol=0)


def test_a_part_of_a_style_is_taken_without_the_other(content, models):
    half = np.concatenate([RED[:, :32], BLUE[:, 32:]], 1)
    part = np.zeros((64, 64))
    part[:, 36:] = 1
    regions = {"all": sp.Region(np.ones((51, 64)), style_mask=part)}
    recipe = RECIPE.model_copy(update={"stages": [Stage(steps=3)]})
    red, _, blue = mean_colour(sp.stylize(content, half, recipe, models, regions=regions).pixels)
    assert blue > red + 0.3


def objective(content, styles, models, tile=None, form="relative"):
    recipe = RECIPE.model_copy(update={"form": form}).suited_to("embedded")
    masks = {"left": torch.from_numpy(LEFT)[None, None], "keep": torch.from_numpy(RIGHT)[None, None] / 2}
    content = ContentTargets(content, regions=Regions.of(content, recipe, masks))
    return Objective(content.content, content, styles, recipe, recipe.stages[0], models, tile)


@pytest.mark.heavy
@pytest.mark.parametrize("form", ["relative", "raw"])
def test_values_and_gradients_are_the_same_in_tiles_and_cell_by_cell(content, sample_styles, models, form):
    pair = [style_targets(sample_styles[key], RECIPE, models) for key in ("nocturne", "woodblock")]
    styles = [StyleTargets.by_region(pair), StyleTargets.by_region(pair[::-1])]
    x = torch.rand(2, 3, 51, 64, generator=torch.Generator().manual_seed(0))
    found = []
    for tile in (None, 36):
        whole = objective(content, styles, models, tile, form)
        y = x.clone().requires_grad_()
        values = whole(y, VIEW)["style"]
        found.append((values.detach(), torch.autograd.grad(values.sum(), y)[0]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    second = objective(content, styles, models, None, form)
    alone = second(x[1:], VIEW, (1,))["style"]
    torch.testing.assert_close(alone, found[0][0][1:], rtol=1e-5, atol=0)


def test_one_style_serves_all_regions_and_cells_of_a_batch_come_out_as_alone(content, sample_styles, models):
    recipe = RECIPE.model_copy(update={"stages": [Stage(steps=2)]}).suited_to("embedded")
    styles = [style_targets(sample_styles[key], recipe, models) for key in ("nocturne", "woodblock")]
    regions = Regions.of(content, recipe, {"left": torch.from_numpy(LEFT)[None, None]})
    row = ContentTargets(content, regions=regions)
    batch = paint_batch(row, styles, recipe, models)
    for painted, style in zip(batch, styles, strict=True):
        twice = StyleTargets.by_region([style, style])
        assert torch.equal(paint_batch(row, [twice], recipe, models)[0].image, painted.image)


BAD = {
    "another aspect": (
        {"a": sp.Region(np.eye(64))},
        'the mask of "a" of the content has 64×64 pixels, another aspect than the con',
    ),
    "black": ({"a": sp.Region(LEFT * 0)}, 'the mask of "a" of the content is black everywhere'),
    "too little": ({"a": sp.Region(LEFT * 1e-5)}, 'the region "a" covers less than a pixel of 64×51'),
    "no file": ({"a": sp.Region("absent.png")}, "absent.png doesn't exist"),
    "keep and a style": ({"keep": sp.Region(LEFT, RED)}, 'the region "keep" stays as it is and takes neither style'),
    "keep and strokes": ({"keep": sp.Region(LEFT, strokes="large")}, 'the region "keep" .* takes neither style nor s'),
    "unknown strokes": ({"a": sp.Region(LEFT, strokes="larg")}, 'no strokes "larg" .did you mean "large"'),
    "a mask alone": ({"a": LEFT}, "regions must be a mapping of names to regions"),
    "no name": ({"": sp.Region(LEFT)}, "a region needs a name"),
    "a style of another kind": ({"a": sp.Region(LEFT, [RED])}, 'the style of "a" can\'t be a list'),
    "a style mask of another aspect": (
        {"a": sp.Region(LEFT, style_mask=LEFT)},
        'the style mask of "a" has 64×51 pixels, another aspect than the style\'s 64×64',
    ),
    "a part of a blend": (
        {"a": sp.Region(LEFT, sp.Blend([RED, BLUE]), LEFT)},
        'the style of "a" is a blend, of which no part can be taken',
    ),
    "a style mask that covers nothing": (
        {"a": sp.Region(LEFT, style_mask=np.full((64, 64), 1e-5))},
        "a mask covers less than a pixel of a style",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_regions_that_cannot_be_used_are_told_before_painting(content, models, name):
    regions, says = BAD[name]
    with pytest.raises(sp.InputError, match=says):
        sp.stylize(content, RED, RECIPE, models, regions=regions)


def test_a_rest_needs_regions(content, models):
    with pytest.raises(sp.InputError, match="there are no regions"):
        sp.stylize(content, RED, RECIPE, models, keep_rest=True)


def test_a_recipe_that_paints_in_one_pass_has_no_regions(content):
    with pytest.raises(sp.InputError, match="recipe instant paints in one pass.*leave out regions, keep_rest"):
        sp.stylize(content, RED, "instant", regions={"a": sp.Region(LEFT)}, keep_rest=True)


RAMP = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(51, 0)
"""Inverse depth that rises to the right: the right half is near."""


@pytest.mark.heavy
def test_a_band_of_depth_is_a_region_by_the_mask_that_it_makes(content, models):
    near = Band(0.5, 1).mask(torch.from_numpy(RAMP)[None, None])[0, 0].numpy()
    assert np.abs(near - RIGHT).mean() < 0.02
    banded, masked = (
        sp.stylize(content, RED, RECIPE, models, depth_map=RAMP, regions={"near": sp.Region(part, BLUE)}).pixels
        for part in (Band(0.5, 1), near)
    )
    assert torch.allclose(banded, masked, atol=1e-4)
    left, right = mean_colour(banded[..., :26]), mean_colour(banded[..., 38:])
    assert left[0] > left[2] + 0.15
    assert right[2] > right[0] + 0.15


@pytest.mark.heavy
def test_a_recipe_leaves_what_is_near_as_it_is_and_a_mask_takes_the_place_of_a_band(content, models):
    recipe = RECIPE.model_copy(update={"bands": {"keep": (0.5, 1)}, "stages": (Stage(steps=3),)})
    near = sp.stylize(content, RED, recipe, models, depth_map=RAMP).pixels
    assert torch.equal(near[..., 38:], content[..., 38:])
    assert (near - content)[..., :26].abs().mean() > 0.05
    left = sp.stylize(content, RED, recipe, models, depth_map=RAMP, regions={"keep": sp.Region(LEFT)}).pixels
    assert torch.equal(left[..., :26], content[..., :26])
    assert (left - content)[..., 38:].abs().mean() > 0.05


def test_a_band_is_of_the_depth_that_the_network_sees_where_no_map_is_given(content, models):
    recipe = RECIPE.model_copy(update={"bands": {"keep": (0.5, 1)}, "stages": (Stage(steps=1),)})
    pixels = sp.stylize(content, RED, recipe, models).pixels
    inside = Band(0.5, 1).mask(models.depth(content))[0, 0]
    kept = (pixels - content).abs().amax((0, 1))
    assert kept[inside == 1].max() < 1e-6
    assert kept[inside == 0].mean() > 0.01


def test_a_band_in_which_nothing_is_is_told(content, models):
    steps = np.where(RAMP > 0.5, 1, 0).astype(np.float32)
    with pytest.raises(sp.InputError, match='the region "middle" covers less than a pixel of 64×51'):
        sp.stylize(content, RED, RECIPE, models, depth_map=steps, regions={"middle": sp.Region(Band(0.4, 0.6))})


@pytest.mark.parametrize("strokes", ["large", "mixed"])
def test_a_region_that_is_everything_has_the_strokes_of_a_recipe_with_these(content, sample_styles, models, strokes):
    style, recipe = sample_styles["woodblock"], RECIPE.model_copy(update={"stages": (Stage(steps=2),)})
    everything = {"all": sp.Region(np.ones((51, 64)), strokes=strokes)}
    found = sp.stylize(content, style, recipe, models, regions=everything).pixels
    assert torch.equal(found, sp.stylize(content, style, recipe.with_strokes(strokes), models).pixels)
    assert not torch.allclose(found, sp.stylize(content, style, recipe, models).pixels, atol=0.01)


@pytest.mark.heavy
def test_strokes_of_a_region_leave_those_of_the_rest_as_they_are(content, sample_styles, models):
    """Each half comes nearer to the statistics that it is to have than to those of the other half."""
    style, regions = sample_styles["woodblock"], {"right": sp.Region(RIGHT, strokes="large")}
    pixels = sp.stylize(content, style, RECIPE, models, regions=regions).pixels
    of = {name: style_targets(style, RECIPE.with_strokes(name), models) for name in ("medium", "large")}
    for mask, own, other in ((LEFT, "medium", "large"), (RIGHT, "large", "medium")):
        guide = torch.from_numpy(mask)[None, None]
        misfits = {
            name: style_misfit(pixels, [of[name]], RECIPE.with_strokes(name), models, guide).item() for name in of
        }
        assert misfits[own] < misfits[other]


@pytest.mark.heavy
def test_a_band_of_a_recipe_has_strokes_of_its_own_unless_a_region_has_others(content, sample_styles, models):
    style, stages = sample_styles["woodblock"], (Stage(steps=2),)
    plain = RECIPE.model_copy(update={"stages": stages})
    broad = sp.Recipe(**plain.model_dump(), bands={"near": {"depth": (0.5, 1), "strokes": "large"}})

    def painted(recipe, **regions):
        return sp.stylize(content, style, recipe, models, depth_map=RAMP, regions=regions).pixels

    found = painted(broad)
    assert torch.equal(found, painted(plain, near=sp.Region(Band(0.5, 1), strokes="large")))
    assert torch.equal(found, painted(broad, near=sp.Region(Band(0.5, 1))))
    small = painted(broad, near=sp.Region(Band(0.5, 1), strokes="small"))
    assert torch.equal(small, painted(plain, near=sp.Region(Band(0.5, 1), strokes="small")))
    assert not torch.equal(found, small)


@pytest.mark.heavy
def test_edges_of_a_batch_with_regions_in_styles_of_their_own_are_those_of_its_cells(content, sample_styles, models):
    """Analytic edges are calibrated once for each cell, by the content with each region in its own style's colours."""
    recipe = RECIPE.model_copy(update={"edge_on": "analytic", "jitter": False, "weights": Weights(edge=1, style=1)})
    pair = [style_targets(sample_styles[key], recipe, models) for key in ("nocturne", "woodblock")]
    regions = Regions.of(content, recipe, {"left": torch.from_numpy(LEFT)[None, None]})
    row, x = ContentTargets(content, regions=regions), content.flip(3).repeat(2, 1, 1, 1)

    def edges(*styles):
        return Objective(content, row, styles, recipe, recipe.stages[0], models)(x[: len(styles)], VIEW)["edge"]

    both = [StyleTargets.by_region(pair), StyleTargets.by_region(pair[::-1])]
    found, alone = edges(*both), [edges(style).item() for style in both]
    assert found.tolist() == pytest.approx(alone, rel=1e-5)
    low, high = sorted(edges(*pair).tolist())
    assert low < alone[0] < high
