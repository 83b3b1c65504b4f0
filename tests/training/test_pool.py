"""The scenes on disk: what is read back is what was rendered, however the rendering was cut up."""

import numpy as np
import pytest

from training.pool import BORDER, OCCLUSION, SHAPES, Pool, example
from training.scenes import sample

pytestmark = [pytest.mark.training, pytest.mark.slow(9)]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("pool"), seed=1, count=5)
    assert list(pool.fill()) == [1, 2, 3, 4, 5]
    return pool


def test_a_scene_comes_back_as_it_was_rendered(pool):
    for k in (0, 3, 4):
        picture = sample(1, k, *SHAPES[k])
        kept = pool[k]
        assert kept.rgb.shape == (*SHAPES[k], 3)
        assert np.abs(kept.rgb / 255.0 - picture.rgb).max() <= 0.5 / 255 + 1e-6
        np.testing.assert_allclose(kept.inverse_depth, picture.inverse_depth, rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(kept.edges == OCCLUSION, picture.edges)
        np.testing.assert_array_equal(kept.edges == BORDER, picture.borders & ~picture.edges)


def test_all_shapes_have_one_area():
    assert len({height * width for height, width in SHAPES}) == 1


@pytest.mark.slow(11)
def test_rendering_goes_on_where_it_stopped(pool, tmp_path):
    rendering = Pool(tmp_path, seed=1, count=5).fill()
    next(rendering)
    rendering.close()
    again = Pool(tmp_path, seed=1, count=5)
    assert len(again) == 1
    assert list(again.fill(processes=2)) == [2, 3, 4, 5]
    assert list(again.fill()) == []
    for k in range(5):
        np.testing.assert_array_equal(again[k].rgb, pool[k].rgb)
        np.testing.assert_array_equal(again[k].edges, pool[k].edges)


def test_an_occlusion_outranks_a_border():
    picture = sample(1, 0, 48, 64)
    assert set(np.unique(example(picture).edges)) <= {0, BORDER, OCCLUSION}
