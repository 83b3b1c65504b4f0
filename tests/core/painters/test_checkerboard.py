"""Checkerboards: told in a picture that has one, however faint, and not in one that has none."""

import pytest
import torch

from spnst_core import samples
from spnst_core.imaging import io as image_io
from spnst_core.painters.checkerboard import checkerboard


@pytest.fixture(scope="module")
def picture():
    return image_io.resize(image_io.to_tensor(samples.contents()["coffee"]), 192, 240)


def test_a_picture_without_a_pattern_has_no_peak(picture, sample_contents, sample_styles):
    assert max(map(checkerboard, (picture, *sample_contents.values(), *sample_styles.values()))) < 8


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("direction", [2, 3])
def test_a_faint_pattern_is_a_peak(picture, period, direction):
    places = torch.arange(picture.shape[direction]) % period
    pattern = torch.where(places < period // 2, 0.03, -0.03)
    shape = [1, 1, 1, 1]
    shape[direction] = -1
    assert checkerboard((0.1 + 0.8 * picture) + pattern.view(shape)) > 20
