"""The depth network of the embedded profile: its file and its interface."""

import pytest
import torch

from spnst_core.metrics.structure import rank_correlation
from spnst_core.models.embedded.depth import WEIGHTS, DepthNet, load_depth


@pytest.fixture(scope="module")
def net():
    return load_depth()


def pictures(n, height, width, seed=0):
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_file_is_small_and_fits_the_network_exactly(net):
    assert sum(p.numel() for p in net.parameters()) <= 1_500_000
    assert WEIGHTS.stat().st_size <= 3_000_000
    assert all(p.dtype == torch.float32 and torch.isfinite(p).all() for p in net.parameters())


def test_it_is_loaded_frozen_and_in_eval_mode(net):
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


def test_the_file_holds_trained_weights_not_initial_ones(net, sample_contents):
    torch.manual_seed(0)
    fresh = DepthNet().eval()
    x = sample_contents["coffee"]
    with torch.no_grad():
        assert abs(rank_correlation(net(x), fresh(x))) < 0.99
    gains = [p for name, p in net.named_parameters() if name.endswith("gain")]
    assert all(p.std() > 0 for p in gains)  # every one starts as a constant


@pytest.mark.parametrize("shape", [(64, 64), (97, 161), (161, 97), (33, 400), (400, 17), (16, 16), (300, 299)])
def test_the_answer_has_the_pictures_size_at_any_size_and_aspect(net, shape):
    y = net(pictures(1, *shape))
    assert y.shape == (1, 1, *shape)
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("shape", [(72, 96), (256, 192)])
def test_every_pixel_gets_a_finite_gradient(net, shape):
    x = pictures(1, *shape).requires_grad_()
    net(x).square().mean().backward()
    assert torch.isfinite(x.grad).all()
    # Where the picture is shrunk, antialiasing must still reach each pixel.
    assert (x.grad.abs().amax(1) > 0).float().mean() > 0.99


def test_the_gradient_is_that_of_finite_differences():
    net = load_depth().double()
    x = pictures(1, 24, 32).double().requires_grad_()
    direction = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    net(x).sum().backward()
    step = 1e-7  # short, since the rectifiers have kinks
    with torch.no_grad():
        measured = (net(x + step * direction).sum() - net(x - step * direction).sum()) / (2 * step)
    torch.testing.assert_close((x.grad * direction).sum(), measured, rtol=1e-3, atol=1e-6)


def test_a_batch_gives_what_its_pictures_give_one_by_one(net):
    x = pictures(3, 96, 128)
    x[1] = 0.02 * x[1]  # a nearly black neighbour would shift statistics that were taken over the batch
    together = net(x)
    alone = torch.cat([net(picture[None]) for picture in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4 * float(alone.std()))


def test_a_picture_and_the_same_one_larger_get_the_same_answer(net, sample_contents):
    x = sample_contents["coffee"]
    larger = torch.nn.functional.interpolate(x, scale_factor=3, mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        shrunk = torch.nn.functional.interpolate(net(larger), x.shape[2:], mode="area")
        assert rank_correlation(net(x), shrunk) > 0.9


def test_the_whole_picture_informs_every_part(net):
    x = pictures(1, 192, 192).requires_grad_()
    net(x)[0, 0, :24, :24].sum().backward()
    assert x.grad[0, :, -24:, -24:].abs().max() > 0
