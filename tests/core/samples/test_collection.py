"""The sample contents and styles: there without a network, the same every time, varied and unlike each other."""

import itertools
import re
import socket
import sys

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2lab

from spnst_core.errors import InputError
from spnst_core.samples import collection as samples

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")


@pytest.fixture(scope="module")
def styles():
    return samples.styles(160)


def palette(image):
    """99 quantiles of L*, a* and b*, (99, 3): what colours there are, whatever they are painted on."""
    return np.quantile(rgb2lab(np.asarray(image)).reshape(-1, 3), np.linspace(0.01, 0.99, 99), axis=0)


def lightness_deviation_in_blocks(image, side):
    lightness = rgb2lab(np.asarray(image))[..., 0]
    rows, columns = (n // side for n in lightness.shape)
    return lightness[: rows * side, : columns * side].reshape(rows, side, columns, side).std((1, 3))


class TestContents:
    def test_four_kinds_of_content_under_valid_slugs(self):
        contents = samples.contents()
        assert set(contents) == {"astronaut", "chelsea", "coffee", "rocket"}
        for slug, image in contents.items():
            assert SLUG.fullmatch(slug)
            assert image.mode == "RGB"
            assert min(image.size) >= 256

    def test_they_are_scikit_images_own(self):
        assert np.array_equal(samples.contents()["astronaut"], data.astronaut()[:360, 50:450])

    def test_crops_lie_inside_their_files(self):
        for slug, (file, (left, upper, right, lower)) in samples.CONTENTS.items():
            height, width = getattr(data, file.split(".")[0])().shape[:2]
            assert 0 <= left < right <= width, slug
            assert 0 <= upper < lower <= height, slug

    def test_nothing_is_downloaded(self, monkeypatch):
        def connected(*_):
            raise AssertionError("the network was asked")

        monkeypatch.setattr(socket, "socket", connected)
        monkeypatch.setitem(sys.modules, "pooch", None)
        assert len(samples.contents()) == 4


class TestStyles:
    @pytest.mark.heavy
    def test_six_styles_under_valid_slugs(self, styles):
        assert len(styles) == 6
        assert all(SLUG.fullmatch(slug) for slug in styles)

    @pytest.mark.parametrize("size", [32, 99])
    @pytest.mark.heavy
    def test_the_long_side_is_the_size_asked_for(self, size):
        for image in samples.styles(size).values():
            assert image.mode == "RGB"
            assert max(image.size) == size
            assert min(image.size) > 0.7 * size

    @pytest.mark.heavy
    def test_the_same_bytes_every_time(self):
        first, again = samples.styles(64), samples.styles(64)
        assert {slug: image.tobytes() for slug, image in first.items()} == {
            slug: image.tobytes() for slug, image in again.items()
        }

    def test_global_random_state_neither_matters_nor_changes(self, styles):
        np.random.seed(1)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        assert samples.STYLES["harvest"](160).tobytes() == styles["harvest"].tobytes()
        assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002

    def test_no_two_share_a_palette(self, styles):
        for (one, a), (other, b) in itertools.combinations(styles.items(), 2):
            # Mean shift between their sorted colours; 2.3 is a just noticeable difference.
            assert np.abs(palette(a) - palette(b)).mean() > 6, (one, other)

    @pytest.mark.parametrize("slug", samples.STYLES)
    def test_texture_reaches_everywhere(self, styles, slug):
        blocks = lightness_deviation_in_blocks(styles[slug], 16)
        assert np.median(blocks) > 8
        assert blocks.min() > 1

    @pytest.mark.parametrize("slug", samples.STYLES)
    def test_texture_has_several_scales(self, styles, slug):
        """Each halving of the picture takes away detail and leaves some, down to 1/8."""
        image = styles[slug]
        reduced = [np.asarray(image.reduce(f).resize(image.size), float) for f in (1, 2, 4, 8)]
        lost = [np.abs(fine - coarse).mean() for fine, coarse in itertools.pairwise(reduced)]
        assert min(lost) > 3

    @pytest.mark.heavy
    def test_a_larger_style_is_the_same_style(self, styles):
        larger = samples.STYLES["nocturne"](320)
        small = styles["nocturne"].reduce(5)
        difference = np.asarray(larger.resize(small.size), float) - np.asarray(small, float)
        assert np.abs(difference).mean() < 8

    def test_only_the_first_are_painted_if_so_many_are_asked_for(self, styles):
        first = samples.styles(160, 1)
        assert list(first) == list(styles)[:1]
        assert first["nocturne"].tobytes() == styles["nocturne"].tobytes()

    def test_too_small_to_show_a_stroke(self):
        with pytest.raises(InputError, match="a style 31 pixels long can't show its strokes; ask for at least 32"):
            samples.styles(31)
