"""Colour: luminance weights, palettes that arrive where they were sent, and colours that stay in their places."""

import numpy as np
import pytest
import torch

from spnst_core import samples
from spnst_core.compute import moments
from spnst_core.imaging.colour import luminance, matched, recolour, with_colours_of
from spnst_core.imaging.io import fit, resize, to_tensor
from spnst_core.imaging.lab import lab_to_rgb, rgb_to_lab


def cloud(mean, covariance, seed):
    """A picture of 64×64 Gaussian colours, small enough not to be clamped."""
    rng = np.random.default_rng(seed)
    pixels = rng.multivariate_normal(mean, covariance, 64 * 64)
    return torch.from_numpy(pixels.T.reshape(1, 3, 64, 64))


A = cloud([0.5, 0.5, 0.5], np.diag([2e-3, 1e-3, 5e-4]), 0)
B = cloud([0.6, 0.4, 0.5], [[2e-3, 1e-3, 0], [1e-3, 2e-3, 0], [0, 0, 1e-3]], 1)


def test_recoloured_pixels_have_the_other_pictures_mean_and_covariance():
    moved = recolour(A, moments.gram(B), moments.mean(B))
    found, wanted = (x[0].flatten(1).numpy() for x in (moved, B))
    np.testing.assert_allclose(found.mean(1), wanted.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(found), np.cov(wanted), atol=5e-5)


def test_recolouring_with_ones_own_palette_changes_nothing():
    torch.testing.assert_close(recolour(A, moments.gram(A), moments.mean(A)), A, atol=1e-6, rtol=0)


def test_a_grey_picture_can_be_recoloured():
    grey = torch.rand(1, 1, 8, 8).repeat(1, 3, 1, 1)
    moved = recolour(grey, moments.gram(B), moments.mean(B))
    assert torch.isfinite(moved).all()
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_luminance_is_the_rec_601_sum():
    x = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)
    assert luminance(x).item() == np.float32(0.299 + 0.5 * 0.114)


def test_a_matched_picture_has_the_others_mean_and_covariance_in_so_far_as_it_is_asked():
    found = [matched(A, B, strength)[0].flatten(1).numpy() for strength in (0, 0.5, 1)]
    own, half, whole = found
    np.testing.assert_array_equal(own, A[0].flatten(1))
    np.testing.assert_allclose(whole.mean(1), B[0].flatten(1).mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(whole), np.cov(B[0].flatten(1)), atol=5e-5)
    np.testing.assert_allclose(half, (own + whole) / 2)


def test_hidden_pixels_do_not_count_in_what_is_matched():
    hidden = torch.cat([A, torch.ones_like(A)], 3)
    opacity = torch.cat([torch.ones_like(A[:, :1]), torch.zeros_like(A[:, :1])], 3)
    found = matched(hidden, B, 1, opacity)[..., : A.shape[3]]
    torch.testing.assert_close(found, matched(A, B, 1), rtol=0, atol=1e-5)
    assert not torch.allclose(found, matched(hidden, B, 1)[..., : A.shape[3]], atol=0.01)


def chroma_distance(x, y):
    """The mean distance in a*b*."""
    return (rgb_to_lab(x) - rgb_to_lab(y))[:, 1:].norm(dim=1).mean().item()


def painted(content, seed=0):
    """A picture of other colours with strokes in its lightness, and the content's edges."""
    strokes = resize(torch.rand(2, 3, 16, 20, generator=torch.Generator().manual_seed(seed)), *content.shape[2:])
    return (0.6 * content.flip(1) + 0.4 * strokes).clamp(0, 1)


@pytest.fixture(scope="module")
def contents():
    pictures = {name: to_tensor(picture) for name, picture in samples.contents().items()}
    return {name: resize(x, *fit(*x.shape[2:], 256)) for name, x in pictures.items()}


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_colours_are_the_contents_and_luma_is_the_pictures(contents, name):
    content = contents[name]
    x = painted(content)
    found = with_colours_of(content, x, 1)
    assert chroma_distance(found, content) < 2 < chroma_distance(x, content)
    torch.testing.assert_close(luminance(found), luminance(x), atol=1e-5, rtol=0)


def test_a_colour_that_srgb_does_not_have_at_that_luma_fades_to_the_border_of_what_it_has():
    content = lab_to_rgb(torch.tensor([55.0, 70, 50]).view(1, 3, 1, 1)).clamp(0, 1).expand(1, 3, 4, 4)  # a red
    x = torch.full((1, 3, 4, 4), 0.95)
    found, wanted = with_colours_of(content, x, 1), rgb_to_lab(content)[:, 1:]
    torch.testing.assert_close(luminance(found), luminance(x), atol=1e-5, rtol=0)
    assert found.amax() == pytest.approx(1, abs=1e-5)
    share = rgb_to_lab(found)[:, 1:].norm(dim=1) / wanted.norm(dim=1)
    assert 0.03 < share.mean() < 0.3
    hues = [torch.atan2(y[:, 1], y[:, 0]).mean().item() for y in (rgb_to_lab(found)[:, 1:], wanted)]
    assert hues[0] == pytest.approx(hues[1], abs=0.3)  # in radians: it stays a red


def test_no_value_lies_outside_of_what_a_file_holds_not_even_by_rounding():
    generator = torch.Generator().manual_seed(0)
    content, x = (torch.rand(1, 3, 64, 64, generator=generator) for _ in range(2))
    found = with_colours_of(content, x, 1)
    assert found.min() >= 0
    assert found.max() <= 1


def test_the_search_finds_every_luma_with_every_colour():
    levels = torch.linspace(0.02, 0.98, 9)
    content = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).view(1, 3, 27, 27)
    x = content.flatten(2)[:, :, torch.randperm(27 * 27, generator=torch.Generator().manual_seed(0))].view_as(content)
    luma, colours = luminance(x), rgb_to_lab(content)[:, 1:]
    found = with_colours_of(content, x, 1)
    torch.testing.assert_close(luminance(found), luma, atol=1e-5, rtol=0)
    inside = (found > 1e-3).all(1) & (found < 1 - 1e-3).all(1)  # nothing had to fade
    assert inside.float().mean() > 0.3
    assert (rgb_to_lab(found)[:, 1:] - colours).norm(dim=1)[inside].max() < 0.1


def test_black_stays_black_and_white_stays_white():
    x = torch.cat([torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)], 3)
    content = torch.rand(1, 3, 8, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(with_colours_of(content, x, 1), x, atol=1e-5, rtol=0)


@pytest.mark.heavy
def test_a_strength_mixes_both_colours(contents):
    content = contents["astronaut"]
    x = painted(content)
    assert torch.equal(with_colours_of(content, x, 0), x)
    distances = [chroma_distance(with_colours_of(content, x, s), content) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert distances == sorted(distances, reverse=True)


def test_a_colour_ends_where_the_stroke_ends_and_not_one_pixel_further():
    lab = torch.tensor([50.0, -20, 0]).view(1, 3, 1, 1).repeat(1, 1, 32, 512)
    lab[:, 1, :, 256:] = 20  # red as light as the green beside it
    x = torch.full((1, 3, 32, 512), 0.4)
    x[..., 257:] = 0.6  # the stroke begins one pixel after the red
    content = lab_to_rgb(lab)
    assert rgb_to_lab(content)[0, 1, 16].diff().argmax() == 255
    assert rgb_to_lab(with_colours_of(content, x, 1))[0, 1, 16].diff().argmax() == 256


def test_a_content_in_black_and_white_gives_a_pastiche_in_black_and_white():
    grey = torch.rand(1, 1, 20, 20).repeat(1, 3, 1, 1)
    found = with_colours_of(grey, torch.rand(2, 3, 20, 20), 1)
    assert (found.amax(1) - found.amin(1)).max() < 1e-3
