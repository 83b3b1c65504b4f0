"""Tiles: losses and gradients are those of the whole picture, whatever its size, the networks and the form."""

from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.compute import moments
from spnst_core.compute.memory import BYTES_PER_PIXEL, BYTES_PER_PIXEL_APART, MOST_HALOS, SMALLEST_TILE, side_in
from spnst_core.compute.tiling import ALIGNED, Reach, cut, joined, summed, whole
from spnst_core.imaging import io as image_io
from spnst_core.models.hed import REACH, ControlNetHED
from spnst_core.models.networks import build
from spnst_core.models.precision import quickened
from spnst_core.models.vgg import VGG19Encoder
from spnst_core.models.vgg16 import VGG16Encoder
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.statistics import encode
from spnst_core.objective.targets import StyleTargets
from spnst_core.objective.view import View
from spnst_core.optim.gradient import differentiated
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import LayerChoice, Stage, Weights

EVERYTHING = Weights(content=1, style=1, edge=1, depth=1, tv=0.1)


def noise(height, width, count=1, seed=0, dtype=torch.float64):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def in_precision(models, dtype):
    networks = {role: deepcopy(getattr(models, role)).to(dtype) for role in ("encoder", "edges", "depth")}
    return replace(models, **networks)


def recipe(size, **changes):
    fields = {"size": size, "weights": EVERYTHING, "stages": (Stage(steps=1),), **changes}
    return Recipe.load("structure").model_copy(update=fields)


def evaluated(networks, recipe, tiles, dtype=torch.float64, shape=(94, 131), cells=2):
    """Losses and gradients with each of the given tiles, of the same canvases in the same view."""
    content = content_targets(noise(*shape, dtype=dtype), recipe, networks)
    layers = recipe.style_layers(networks.encoder)
    pictures = [noise(60, 70, seed=seed, dtype=dtype) ** 2 for seed in range(1, cells + 1)]
    styles = [StyleTargets.compute(picture, networks, recipe.style_sizes, layers) for picture in pictures]
    goal = canvas(content.content, recipe, recipe.stages[-1])
    x = noise(*goal.shape[2:], cells, seed=9, dtype=dtype)
    found = []
    for tile in tiles:
        objective = Objective(goal, content, styles, recipe, recipe.stages[-1], networks, tile)
        found.append(differentiated(objective, x, objective.view(torch.Generator().manual_seed(0))))
    return found


def relative(one, other):
    return ((one - other).norm() / other.norm()).item()


def assert_same(tiled, untiled, tolerance):
    assert relative(tiled.gradient, untiled.gradient) < tolerance
    for term, value in untiled.values.items():
        torch.testing.assert_close(tiled.values[term], value, rtol=tolerance, atol=0, msg=term)
        assert value.abs().min() > 0, f"{term} says nothing"


# -------------------------------------------------------------------------------------- the same losses and gradients


@pytest.mark.slow(20)
@pytest.mark.parametrize(("form", "jitter"), [("relative", True), ("raw", False)])
def test_the_embedded_networks_see_in_tiles_what_they_see_whole(form, jitter, models):
    """Two cells, sides that the tiles don't divide, with a margin and without."""
    untiled, *tiled = evaluated(
        in_precision(models, torch.float64), recipe(131, form=form, jitter=jitter), (None, 47, 80)
    )
    for found in tiled:
        assert_same(found, untiled, 1e-10)


@pytest.mark.heavy
def test_in_float32_they_differ_by_rounding(models):
    untiled, tiled = evaluated(models, recipe(91), (None, 56), torch.float32, (65, 91), cells=1)
    assert_same(tiled, untiled, 1e-5)


@pytest.fixture(scope="module")
def published(models):
    """VGG19 down to relu3_1, and HED, with random weights: exactness doesn't ask what they have learnt."""
    return replace(models, encoder=shallow(VGG19Encoder), edges=build("hed"))


def shallow(encoder):
    torch.manual_seed(0)
    return (
        encoder(content_layers={"relu2_2": 1.0}, style_layers={"relu1_1": 1.0, "relu3_1": 1.0})
        .eval()
        .requires_grad_(False)
    )


@pytest.mark.parametrize(
    ("encoder", "form", "dtype", "tolerance"),
    [  # the poolings of VGG19 round down, and those of VGG16 up
        (VGG19Encoder, "relative", torch.float64, 1e-10),
        (VGG19Encoder, "raw", torch.float32, 1e-5),
        (VGG16Encoder, "relative", torch.float32, 1e-5),
        pytest.param(VGG16Encoder, "raw", torch.float64, 1e-10, marks=pytest.mark.slow(13)),
    ],
)
@pytest.mark.heavy
def test_published_networks_see_in_tiles_what_they_see_whole(encoder, form, dtype, tolerance, published):
    published = replace(published, encoder=shallow(encoder))
    weights = Weights(content=1, style=1, depth=1, tv=1)
    untiled, tiled = evaluated(
        in_precision(published, dtype), recipe(83, form=form, weights=weights), (None, 60), dtype, (83, 61), cells=1
    )
    for term in ("content", "style", "depth", "tv", "total"):
        torch.testing.assert_close(tiled.values[term], untiled.values[term], rtol=tolerance, atol=0)
    assert relative(tiled.gradient, untiled.gradient) < tolerance


@pytest.mark.heavy
def test_in_a_picture_s_flat_parts_tiles_choose_the_same_maximum(published):
    """There a pooling's maximum is one by rounding alone, and so is the pixel that the gradient goes to."""
    encoder, slopes = quickened({"encoder": published.encoder})["encoder"], []
    x = noise(96, 240, dtype=torch.float32)
    x[..., 150:186] = x[..., :1, :1]  # the second tile sees it, and the first, which ends before, does not
    x.requires_grad_(True)
    for side in (240, 144):
        seen = encode(encoder, x, ["relu3_1"], side)
        slopes.append(torch.autograd.grad(seen.gram["relu3_1"].square().sum(), x)[0])
    assert relative(slopes[1], slopes[0]) < 1e-5


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(partial(build, "hed"), id="hed", marks=pytest.mark.slow(8)),
        pytest.param(partial(build, "hed", margin=True), id="hed with a margin", marks=pytest.mark.slow(18)),
        pytest.param(ControlNetHED, id="hed_controlnet", marks=pytest.mark.slow(12)),
        pytest.param(partial(build, "hed_vgg16"), id="hed_vgg16", marks=pytest.mark.slow(9)),
    ],
)
@pytest.mark.heavy
def test_hed_has_the_same_maps_and_features_in_tiles(network):
    """In float64, on sides that its poolings round, up or down."""
    network = network().eval().double().requires_grad_(False)
    x = noise(17, 235).requires_grad_(True)
    assert len(cut(*x.shape[2:], 200, REACH)) > 1
    target = noise(17, 235, seed=2)[:, :1]
    errors = [edges.squared_error(x, target, edges.calibrate(x)) for edges in (network, network.tiled(200))]
    slopes = [torch.autograd.grad(error.sum(), x)[0] for error in errors]
    torch.testing.assert_close(errors[0], (network.maps(x) - target).square().sum()[None])
    torch.testing.assert_close(errors[1], errors[0], rtol=1e-10, atol=0)
    assert relative(slopes[1], slopes[0]) < 1e-10
    pull = noise(17, 235, seed=1)[:, :1]
    for look in ("maps", "features"):
        ways = [getattr(edges, look)(x) for edges in (network, network.tiled(200))]
        pulls = [torch.autograd.grad((y * pull.mean() if look == "features" else y * pull).sum(), x)[0] for y in ways]
        torch.testing.assert_close(ways[1], ways[0], rtol=1e-10, atol=1e-12)
        assert relative(pulls[1], pulls[0]) < 1e-10
        assert pulls[0].abs().max() > 0


@pytest.mark.heavy
def test_a_layer_that_sees_the_whole_picture_may_serve_style_too(models):
    layers = {"embedded": LayerChoice(content={"bank3": 1.0, "sketch": 2.0}, style={"sketch": 1.0, "bank1": 1.0})}
    asked = recipe(91, layers=layers)
    untiled, tiled = evaluated(in_precision(models, torch.float64), asked, (None, 48), shape=(65, 91), cells=1)
    assert_same(tiled, untiled, 1e-10)


def test_the_statistics_are_those_of_the_features(models):
    x = noise(150, 91, dtype=torch.float32)
    layers = [*models.encoder.style_layers, "sketch"]
    seen = encode(models.encoder, x, layers, 64)
    for layer, features in models.encoder.features(x, layers).items():
        torch.testing.assert_close(seen.gram[layer], moments.gram(features), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(seen.mean[layer], moments.mean(features), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", [pytest.param("adam", marks=pytest.mark.slow(7)), "lbfgs"])
@pytest.mark.heavy
def test_a_pastiche_is_painted_the_same_in_tiles(optimizer, models, sample_contents, sample_styles):
    exact = in_precision(models, torch.float64)
    still = recipe(
        64,
        optimizer=optimizer,
        jitter=False,
        smooth_gradients=False,
        stages=(Stage(scale=0.5, steps=1), Stage(steps=2)),
    )
    content = content_targets(sample_contents["astronaut"].double(), still, exact)
    styles = [StyleTargets.compute(next(iter(sample_styles.values())).double(), exact, still.style_sizes)]
    whole, tiled = ([i.image for i in optimize(content, styles, still, exact, tile=tile)][-1] for tile in (10**6, 40))
    assert (whole - image_io.resize(content.content, *whole.shape[2:])).abs().max() > 0.02
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-6)


def test_a_layer_that_the_encoder_does_not_have_is_refused(models):
    with pytest.raises(InputError, match='no layer "bank9"'):
        encode(models.encoder, noise(80, 80), ["bank9"], 40)


# ------------------------------------------------------------------------------------------------------------- cutting


@pytest.mark.parametrize("reach", [Reach(), Reach(4, 11), Reach(16, 70)])
@pytest.mark.parametrize(("height", "width", "side"), [(422, 469, 400), (1000, 401, 400), (4111, 2739, 688)])
def test_tiles_share_out_the_picture_and_read_no_more_than_they_may(height, width, side, reach):
    count = torch.zeros(height, width, dtype=torch.int8)
    for tile in cut(height, width, side, reach):
        count[tile.place(1)] += 1
        for span, length in ((tile.rows, height), (tile.columns, width)):
            assert span.stop - span.start <= side
            assert span.start == 0 or span.first - span.start >= reach.halo
            assert span.stop == length or (span.last is not None and span.stop - span.last >= reach.halo)
            assert span.start % (ALIGNED * reach.stride) == span.first % reach.stride == 0
            assert (length if span.last is None else span.last) - span.first >= reach.stride, "no tile is empty"
    assert (count == 1).all()


def test_tiles_are_even():
    firsts = sorted({tile.rows.first for tile in cut(1000, 100, 256, Reach(4, 11))})
    heights = [b - a for a, b in pairwise([*firsts, 1000])]
    assert max(heights) - min(heights) <= 2 * 4 * 4


def test_a_picture_smaller_than_a_tile_is_one():
    assert cut(200, 256, 256, Reach(16, 70)) == [whole(200, 256)]


def test_too_short_a_side_still_gives_tiles_that_advance():
    tiles = cut(1000, 100, 30, Reach(16, 70))
    assert 1 < len(tiles) <= 20


def test_the_reach_of_a_layer_is_what_moves_it(models):
    """Of VGG19's relu3_1 and the embedded bank3: a pixel moves responses as far as the halo says."""
    torch.manual_seed(0)
    for encoder, layer in ((build("vgg19", pooling="average"), "relu3_1"), (models.encoder, "bank3")):
        reach = encoder.reach(layer)
        x = noise(160, 64, dtype=torch.float32)
        changed = x.clone()
        changed[..., 80, :] = 1 - changed[..., 80, :]
        a, b = (encoder.features(y, [layer])[layer] for y in (x, changed))
        rows = ((a - b).abs().amax((0, 1, 3)) > 0).nonzero().flatten() * reach.stride
        before, after = 80 - rows.min().item() - (reach.stride - 1), rows.max().item() - 80
        assert reach.halo - reach.stride < max(before, after) <= reach.halo


def test_sums_and_maps_of_tiles_are_those_of_the_whole():
    x = noise(70, 50).requires_grad_(True)
    tiles = cut(70, 50, 20, Reach())
    (total,) = summed(lambda piece, tile: [(piece**3).sum((2, 3))], x, tiles)
    fine, coarse = joined(
        lambda p, tile: [p**2, torch.nn.functional.avg_pool2d(p, 2)], x, cut(70, 50, 20, Reach(2)), (1, 2)
    )
    torch.testing.assert_close(total, (x**3).sum((2, 3)))
    torch.testing.assert_close(fine, x**2)
    torch.testing.assert_close(coarse, torch.nn.functional.avg_pool2d(x, 2))
    (gradient,) = torch.autograd.grad(total.sum() + fine.sum(), x)
    torch.testing.assert_close(gradient, 3 * x**2 + 2 * x)


# ----------------------------------------------------------------------------------------------------- choosing a side


def test_what_fits_is_not_cut():
    pixels = 1000 * 800
    assert side_in(pixels * (BYTES_PER_PIXEL + BYTES_PER_PIXEL_APART), 1000, 800) is None
    assert side_in(pixels * (BYTES_PER_PIXEL + BYTES_PER_PIXEL_APART) - 1, 1000, 800) is not None


def test_the_tile_is_the_largest_that_fits_beside_the_picture():
    apart = 4096 * 4096 * BYTES_PER_PIXEL_APART
    assert side_in(apart + 1000**2 * BYTES_PER_PIXEL, 4096, 4096) == 1000
    assert side_in(apart + 1001**2 * BYTES_PER_PIXEL - 1, 4096, 4096) == 1000


def test_tiles_are_no_larger_than_halos_make_worth_while_and_no_smaller_than_is_any_use():
    apart = 4096 * 4096 * BYTES_PER_PIXEL_APART
    assert side_in(apart + 1000**2 * BYTES_PER_PIXEL, 4096, 4096, halo=20) == 20 * MOST_HALOS
    assert side_in(apart + 1000**2 * BYTES_PER_PIXEL, 4096, 4096, halo=1) == SMALLEST_TILE
    assert side_in(0, 4096, 4096) == SMALLEST_TILE


def test_the_whole_canvas_is_seen_where_the_tile_is_larger(models, sample_contents, sample_styles):
    """One way through the networks, and the content's features are kept from step to step."""
    still = recipe(64, jitter=False)
    content = content_targets(sample_contents["astronaut"], still, models)
    styles = [StyleTargets.compute(next(iter(sample_styles.values())), models, still.style_sizes)]
    goal = canvas(content.content, still, still.stages[-1])
    large, none = (Objective(goal, content, styles, still, still.stages[-1], models, tile) for tile in (80, None))
    one, other = (differentiated(objective, 1 - goal, View()) for objective in (large, none))
    assert torch.equal(one.gradient, other.gradient)
