"""The embedded encoder's filters: a fit that repeats."""

import pytest
import torch
import torch.nn.functional as F

from spnst_core import samples
from spnst_core.imaging import io as image_io
from training.fit_encoder import fit

pytestmark = pytest.mark.training


@pytest.mark.slow(4)
def test_the_same_pictures_and_seed_learn_the_same_filters():
    pictures = [F.interpolate(image_io.to_tensor(x), size=(32, 32), mode="area") for x in samples.contents().values()]
    first, again, other = (fit(pictures, seed, patches=4000).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)
