"""MiDaS and DPT: the published networks' numbers, how pictures are resized, and gradients through all of it."""

import numpy as np
import parity_slices
import pytest
import torch
from standin import PUBLISHED, assert_slice, picture, published_outputs, state

from spnst_core.imaging import io as image_io
from spnst_core.models import layouts
from spnst_core.models.midas import MidasSmall, working_size
from spnst_core.models.networks import build


@pytest.fixture(
    scope="module",
    params=["midas_v21_small", "dpt_swin2_tiny", "dpt_hybrid", pytest.param("dpt_large", marks=pytest.mark.slow(20))],
)
def named(request):
    layout = getattr(layouts, request.param)
    return request.param, build(request.param, state(request.param, layout))


def normalised(network, height, width):
    return (picture(height, width) - network.mean) / network.std


@torch.no_grad()
@pytest.mark.heavy
def test_depth_is_the_published_one(named):
    name, network = named
    expected = parity_slices.DEPTH[name]
    assert_slice(network.predict(normalised(network, expected.height, expected.width))[0, 0], expected)


@PUBLISHED
@torch.no_grad()
@pytest.mark.slow(8)
def test_depth_is_the_published_one_in_every_number(named):
    name, network = named
    for (height, width), expected in published_outputs(name):
        found = network.predict(normalised(network, height, width))
        np.testing.assert_allclose(found, expected["out"], atol=1e-4 * np.ptp(expected["out"]), rtol=0)


@pytest.mark.heavy
def test_gradients_reach_the_picture(named):
    _, network = named
    x = picture(40, 300).requires_grad_(True)
    depth = network(x)
    assert depth.shape == (1, 1, 40, 300)
    (gradient,) = torch.autograd.grad(depth.square().mean(), x)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).float().mean() > 0.9


@pytest.fixture(scope="module", params=["midas_v21_small", pytest.param("dpt_swin2_tiny", marks=pytest.mark.heavy)])
def network(request):
    torch.manual_seed(0)
    return build(request.param)


@torch.no_grad()
@pytest.mark.heavy
def test_depth_has_the_pictures_own_size(network):
    x = torch.cat([picture(45, 67), picture(45, 67, seed=2)])
    found = network(x)
    assert found.shape == (2, 1, 45, 67)
    torch.testing.assert_close(network(x[1:]), found[1:])


@torch.no_grad()
def test_features_cover_the_picture_at_half_the_working_size(network):
    channels = network.head[0].in_channels
    assert network.features(picture(300, 200)).shape == (1, channels, 128, 80)


@pytest.mark.parametrize(
    ("shape", "size", "multiple", "expected"),
    [
        ((480, 640), 384, 32, (288, 384)),
        ((640, 480), 384, 32, (384, 288)),
        ((100, 100), 256, 32, (256, 256)),
        ((1080, 1920), 256, 32, (128, 256)),
        ((16, 2000), 384, 32, (32, 384)),
        ((480, 640), 518, 14, (392, 518)),
        ((2000, 16), 518, 14, (518, 14)),
    ],
)
def test_pictures_keep_their_aspect_to_the_nearest_multiple(shape, size, multiple, expected):
    assert working_size(*shape, size, multiple) == expected


@torch.no_grad()
def test_pictures_are_normalised_and_not_aliased():
    network = MidasSmall()
    white, black = (1 - network.mean) / network.std, -network.mean / network.std
    stripes = torch.zeros(1, 3, 1024, 1536)
    stripes[..., ::2] = 1.0
    found = network.network_input(stripes)
    assert found.shape == (1, 3, 160, 256)
    inner = found[..., 2:-2]  # where the kernel isn't cut by the border
    torch.testing.assert_close(inner, ((white + black) / 2).expand_as(inner), atol=0.02, rtol=0)
    torch.testing.assert_close(network.network_input(picture(160, 256)), normalised(network, 160, 256))


@torch.no_grad()
@pytest.mark.heavy
def test_windowed_attention_sees_the_picture_centred_on_a_square_with_its_border_repeated():
    network = build("dpt_swin2_tiny")
    x = picture(100, 256)
    found = network.network_input(x)
    inner = found[:, :, 80:176]
    assert found.shape == (1, 3, 256, 256)
    assert working_size(100, 256, 256, 32) == (96, 256)
    torch.testing.assert_close(found[:, :, :80], inner[:, :, :1].expand(1, 3, 80, 256))
    torch.testing.assert_close(found[:, :, 176:], inner[:, :, -1:].expand(1, 3, 80, 256))
    torch.testing.assert_close(inner * 0.5 + 0.5, image_io.resize(x, 96, 256))
    square = picture(256, 256)
    torch.testing.assert_close(network.network_input(square), 2 * square - 1)
