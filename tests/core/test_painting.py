"""One batch painted: what each cell gives, who is told of each step, and how near its style it came."""

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.imaging import io as image_io
from spnst_core.imaging.blend import StylePicture
from spnst_core.imaging.colour import matched, with_colours_of
from spnst_core.imaging.planes import at_shape
from spnst_core.objective.canvas import at_size
from spnst_core.objective.regions import Regions
from spnst_core.objective.targets import ContentTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.optim.divergence import Diverged
from spnst_core.painting import blend_targets, content_targets, misfits, paint_batch, style_targets, weakened
from spnst_core.recipes.recipe import Stage, Weights


def recipe(**changes):
    return Recipe.load("structure").model_copy(update={"size": 48, "stages": (Stage(steps=6),), **changes})


@pytest.fixture
def content(sample_contents):
    return sample_contents["astronaut"]


@pytest.fixture
def styles(sample_styles):
    return list(sample_styles.values())[:2]


@pytest.mark.heavy
def test_every_cell_of_a_batch_is_what_it_is_alone(content, styles, models):
    targets = content_targets(content, recipe(), models)
    asked = [style_targets(style, recipe(), models) for style in styles]
    together = paint_batch(targets, asked, recipe(), models)
    for own, cell in zip(asked, together, strict=True):
        (alone,) = paint_batch(targets, [own], recipe(), models)
        assert torch.equal(cell.image, alone.image)
        assert cell.history.equals(alone.history)
        assert cell.image.shape == at_size(content, 48).shape
        assert cell.seconds > 0


@pytest.mark.heavy
def test_callbacks_are_called_in_turn_after_each_step(content, styles, models):
    told = []
    callbacks = [lambda iterate, name=name: told.append((name, iterate.step)) for name in "ab"]
    targets = content_targets(content, recipe(), models)
    paint_batch(targets, [style_targets(styles[0], recipe(), models)], recipe(), models, callbacks=callbacks)
    assert told == [(name, step) for step in range(1, 7) for name in "ab"]


def test_a_start_takes_the_place_of_the_recipes_own(content, styles, models):
    standing = recipe(stages=(Stage(steps=1, lr=1e-6),))
    targets = content_targets(content, standing, models)
    style = style_targets(styles[0], standing, models)
    (cell,) = paint_batch(targets, [style], standing, models, torch.full((1, 3, 9, 9), 0.25))
    torch.testing.assert_close(cell.image, torch.full_like(cell.image, 0.25), atol=1e-4, rtol=0)


@pytest.mark.heavy
def test_painting_brings_a_cell_nearer_to_its_style(content, styles, models):
    targets, style = content_targets(content, recipe(), models), style_targets(styles[0], recipe(), models)
    (cell,) = paint_batch(targets, [style], recipe(), models)
    before, after = misfits(cell.image, targets, style, recipe(), models)
    assert 0 < after < before


@pytest.mark.heavy
def test_colours_of_the_content_are_given_to_what_was_optimised(content, styles, models):
    plain = recipe(stages=(Stage(steps=1),))
    targets = content_targets(content, plain, models)
    asked = [style_targets(style, plain, models) for style in styles]
    before = paint_batch(targets, asked, plain, models)
    after = paint_batch(targets, asked, plain.with_colour("content", 0.8), models)
    for own, cell in zip(before, after, strict=True):
        assert torch.equal(cell.image, with_colours_of(at_size(content, 48), own.image, 0.8))
        assert cell.history.equals(own.history)


@pytest.mark.heavy
def test_the_start_has_the_contents_colours_too_where_the_pastiche_has(content, styles, models):
    kept = recipe().with_colour("content")
    targets, style = content_targets(content, kept, models), style_targets(styles[0], kept, models)
    (cell,) = paint_batch(targets, [style], kept, models)
    before, after = misfits(cell.image, targets, style, kept, models)
    assert 0 < after < before


def test_a_matched_style_has_the_statistics_of_the_fitted_picture(content, styles, models):
    fitted = style_targets(styles[0], recipe().with_colour("match", 0.7), models, content)
    own = style_targets(matched(styles[0], content, 0.7), recipe(), models)
    plain = style_targets(styles[0], recipe(), models)
    assert fitted.to_bytes() == own.to_bytes() != plain.to_bytes()
    with pytest.raises(ValueError, match="give the content"):
        style_targets(styles[0], recipe().with_colour("match"), models)


def hidden_half(style, colour):
    """A style with its left half hidden, where it has this colour."""
    image = image_io.to_image(style).convert("RGBA")
    image.paste((*colour, 0), (0, 0, image.width // 2, image.height))
    return image


@pytest.mark.parametrize("colour", ["style", "match"])
def test_what_is_hidden_in_a_style_takes_no_part_in_its_statistics(content, styles, models, colour):
    asked = recipe().with_colour(colour)
    red, blue = (StylePicture.read(hidden_half(styles[0], hidden), "s") for hidden in ((255, 0, 0), (0, 0, 255)))
    found, other = (blend_targets([style], asked, models, content) for style in (red, blue))
    assert found.to_bytes() == other.to_bytes()
    size = asked.style_sizes[0]
    seen = image_io.resize(red.pixels, *size.shape(*red.pixels.shape[2:]))
    if colour == "match":
        seen = matched(seen, content, 1, at_shape(red.opacity, *seen.shape[2:]))
    half = seen[..., seen.shape[3] // 2 + 2 :].flatten(2).mean(2)
    torch.testing.assert_close(found.statistics[size]["colour"].mean, half, rtol=0, atol=0.03)
    assert style_targets(red.pixels, asked, models, content).to_bytes() != found.to_bytes()


def test_a_mask_of_a_style_shows_nothing_that_is_hidden(styles, models):
    style, left = StylePicture.read(hidden_half(styles[0], (255, 0, 0)), "s"), torch.zeros(1, 1, 32, 32)
    left[..., :20] = 1
    both = style_targets(style.pixels, recipe(), models, mask=left, opacity=style.opacity)
    strip = left.clone()
    strip[..., :16] = 0
    expected = style_targets(style.pixels, recipe(), models, mask=strip)
    size = recipe().style_sizes[0]
    found, wanted = (each.statistics[size]["colour"].mean for each in (both, expected))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0.05)
    with pytest.raises(InputError, match="enlarge the mask, or what is opaque in the style"):
        style_targets(style.pixels, recipe(), models, mask=left, opacity=torch.zeros_like(style.opacity))


@pytest.mark.heavy
def test_a_pastiche_takes_on_as_much_of_a_style_as_its_strength_says(content, styles, models):
    plain = recipe()
    targets, style = content_targets(content, plain, models), style_targets(styles[0], plain, models)

    def painted(strength):
        asked = plain.with_style_strength(strength)
        [cell] = paint_batch(targets, [style], asked, models)
        return cell.image, style_misfit(cell.image, [style], plain, models).item(), asked

    none, half, whole = map(painted, (0, 0.5, 1))
    [today] = paint_batch(targets, [style], plain, models)
    assert torch.equal(whole[0], today.image)
    assert torch.equal(none[0], at_size(content, 48))
    assert none[1] > half[1] > whole[1]
    before, after = misfits(half[0], targets, style, half[2], models)
    assert after < before, "measured against what was asked for"


def test_a_weakened_style_lies_between_the_contents_own_statistics_and_the_styles(content, styles, models):
    asked = recipe().with_style_strength(0.25)
    style, own = (style_targets(picture, asked, models) for picture in (styles[0], content))
    [found] = weakened([style], ContentTargets(content), asked, models)
    for size, layers in found.statistics.items():
        for layer, statistics in layers.items():
            for kind in ("gram", "mean"):
                first, second = (getattr(each.statistics[size][layer], kind) for each in (own, style))
                torch.testing.assert_close(getattr(statistics, kind), 0.75 * first + 0.25 * second)


def test_a_style_is_weakened_by_what_is_seen_of_each_region(content, styles, models):
    asked, left = recipe().with_style_strength(0.25), torch.zeros(1, 1, *at_size(content, 48).shape[2:])
    left[..., :24] = 1
    regions = Regions(("left", "right"), torch.cat([left, 1 - left], 1))
    style = style_targets(styles[0], asked, models)
    [found] = weakened([style], ContentTargets(content, regions=regions), asked, models)
    size = asked.style_sizes[0]
    for place, mask in enumerate((left, 1 - left)):
        own = style_targets(content, asked, models, mask=mask).statistics[size]
        for layer, statistics in found.statistics[size].items():
            expected = 0.75 * own[layer].gram[0] + 0.25 * style.statistics[size][layer].gram[0]
            torch.testing.assert_close(statistics.gram[place], expected)
    assert weakened([style], ContentTargets(content), recipe(), models) == [style]


def test_maps_are_computed_only_where_the_recipe_compares_them(content, models):
    with_depth = content_targets(content, recipe(weights=Weights(depth=1)), models)
    assert with_depth.edge is None
    assert list(with_depth.depth.maps) == [48]
    on_features = content_targets(content, recipe(weights=Weights(edge=1), edge_on="features"), models)
    assert on_features.edge is on_features.depth is None


def long(steps, **weights):
    """A recipe of so many steps that take little time: without the networks of edges and depth."""
    return recipe(stages=(Stage(steps=steps),), weights=Weights(**weights))


def poisoned(steps, cell=0):
    """A callback that spoils a cell's canvas after some steps, as a bit error would."""
    left = set(steps)

    def follow(iterate):
        if iterate.step in left:
            left.discard(iterate.step)
            iterate.image[cell, 0, 0, 0] = float("nan")

    return follow


@pytest.mark.heavy
def test_a_cell_whose_losses_stop_being_finite_goes_back_and_on_more_slowly(content, styles, models):
    sixty = long(60)
    targets, asked = content_targets(content, sixty, models), [style_targets(styles[0], sixty, models)]
    (sound,) = paint_batch(targets, asked, sixty, models)
    (cell,) = paint_batch(targets, asked, sixty, models, callbacks=[poisoned({35})])
    assert (sound.setbacks, cell.setbacks) == (0, 1)
    assert torch.isfinite(cell.image).all()
    assert list(cell.history["step"]) == list(range(1, 61))
    assert cell.history[:20].equals(sound.history[:20])  # it goes back by a few looks, not to its beginning
    assert not cell.history.equals(sound.history)
    assert cell.history["total"].iloc[-1] < cell.history["total"].iloc[20]


@pytest.mark.heavy
def test_a_cell_that_is_spoilt_in_its_last_steps_goes_back_too(content, styles, models):
    short = long(25)
    targets, asked = content_targets(content, short, models), [style_targets(styles[0], short, models)]
    (cell,) = paint_batch(targets, asked, short, models, callbacks=[poisoned({25})])
    assert cell.setbacks == 1
    assert torch.isfinite(cell.image).all()


@pytest.mark.heavy
def test_a_cell_that_goes_on_diverging_fails_with_what_to_do(content, styles, models):
    heavy = long(30, style=1e38)
    targets, asked = content_targets(content, heavy, models), [style_targets(styles[0], heavy, models)]
    with pytest.raises(Diverged, match="aren't finite: lower the recipe's learning rate or weights"):
        paint_batch(targets, asked, heavy, models)


@pytest.mark.heavy
def test_a_batch_with_such_a_cell_fails_at_once(content, styles, models):
    sixty = long(60)
    targets, asked = content_targets(content, sixty, models), [style_targets(style, sixty, models) for style in styles]
    told = []
    with pytest.raises(Diverged):
        paint_batch(
            targets, asked, sixty, models, callbacks=[poisoned({3}, cell=1), lambda iterate: told.append(iterate.step)]
        )
    assert len(told) < 30
