"""Five-scale edges: where a step is, how its width reads in each map, what calibration is for; and the edge network."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d, gaussian_filter
from torch.autograd import gradcheck

from spnst_core.imaging.colour import luminance
from spnst_core.models.embedded.edges import EDGE_WEIGHTS, SIGMAS, EmbeddedEdges, MultiScaleEdges, load_edge_net

EDGES = MultiScaleEdges()


def step(height=64, width=64, contrast=1.0):
    x = torch.full((1, 3, height, width), 0.5 - contrast / 2)
    x[..., width // 2 :] = 0.5 + contrast / 2
    return x


def test_a_step_is_seen_where_it_is_and_nowhere_else():
    maps = EDGES.maps(step())
    assert maps.shape == (1, 5, 64, 64)
    assert (maps[0, :, 32, 31] > 0.8).all()
    assert (maps[0, 0, :, :28] < 1e-3).all()


def test_coarser_maps_see_a_step_from_further_away():
    widths = (EDGES.maps(step(256, 256))[0, :, 128] > 0.5).sum(1)
    assert (widths.diff() > 0).all()


def test_a_flat_picture_has_no_edges():
    assert (EDGES(torch.full((1, 3, 32, 48), 0.3)) < 1e-4).all()


def test_own_calibration_hides_contrast_and_the_contents_shows_it():
    faint, strong = step(contrast=0.1), step(contrast=1.0)
    own = EDGES.maps(strong).mean() / EDGES.maps(faint).mean()
    by_faint = EDGES.maps(strong, EDGES.calibrate(faint)).mean() / EDGES.maps(faint).mean()
    assert own < 1.2
    assert by_faint > 1.4


def test_edges_scale_with_the_picture():
    small, large = EDGES(step(64, 64)), EDGES(step(128, 128))
    shrunk = torch.nn.functional.avg_pool2d(large, 2)
    assert (small - shrunk).abs().mean() < 0.02


@pytest.mark.heavy
def test_gradients_are_those_of_finite_differences():
    x = torch.rand(1, 3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    assert gradcheck(EDGES.maps, (x,))


def test_values_are_probabilities_at_any_shape():
    for height, width in [(16, 300), (300, 16), (33, 47)]:
        y = EDGES(torch.rand(2, 3, height, width))
        assert y.shape == (2, 1, height, width)
        assert y.min() >= 0
        assert y.max() <= 1


def blurred_gradients(x):
    """Along x and y at each width, by SciPy, which truncates and pads alike."""
    grey, side = luminance(x)[0, 0].numpy(), max(x.shape[2:])
    for width in np.array(SIGMAS) * side / 256:
        smooth = gaussian_filter(grey, width, mode="nearest", radius=max(1, int(np.ceil(3 * width))))
        yield tuple(correlate1d(smooth, [-0.5, 0, 0.5], axis, mode="nearest") for axis in (1, 0))


def random_picture(seed):
    return torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_each_map_is_the_gradient_magnitude_of_a_gaussian_blur():
    x, expected = random_picture(0), []
    for dx, dy in blurred_gradients(x):
        m = np.hypot(dx, dy)
        r = 1.5 * m.mean() + 0.002
        expected.append(m**2 / (m**2 + r**2))
    np.testing.assert_allclose(EDGES.maps(x)[0].numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("tile", [None, 24])
def test_on_contours_edges_are_measured_across_the_contents_own(tile):
    content, x = random_picture(0), random_picture(1)
    share = torch.rand(1, 1, 40, 56, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = 0.0
    for (cx, cy), (dx, dy) in zip(blurred_gradients(content), blurred_gradients(x), strict=True):
        m, across = np.hypot(cx, cy), (dx * cx + dy * cy) / np.hypot(cx, cy)
        r = 1.5 * m.mean() + 0.002
        expected += (share[0, 0].numpy() * (across**2 / (across**2 + r**2) - m**2 / (m**2 + r**2)) ** 2).sum()
    edges = EDGES if tile is None else EDGES.tiled(tile)
    found = edges.contour_error(x, EDGES.maps(content), EDGES.calibrate(content), edges.contours(content, share))
    assert found.tolist() == pytest.approx([expected], rel=1e-6)


def test_a_content_has_no_error_against_itself_on_its_contours():
    content = random_picture(0)
    contours = EDGES.contours(content, torch.ones(1, 1, 40, 56, dtype=torch.float64))
    assert EDGES.contour_error(content, EDGES.maps(content), EDGES.calibrate(content), contours).item() < 1e-9


def test_strokes_that_cross_a_contour_dont_make_up_for_its_loss():
    """A step has vanished under stripes across it: the magnitude's error sinks there, and that of contours doesn't."""
    content, lost = step(contrast=0.4), torch.full((1, 3, 64, 64), 0.5)
    striped = lost + torch.where(torch.arange(64) % 6 < 3, 0.1, -0.1)[:, None]
    target, r = EDGES.maps(content), EDGES.calibrate(content)
    share = (target.mean(1, keepdim=True) > 0.3).float()
    contours = EDGES.contours(content, share)
    by_magnitude = [(share * (EDGES.maps(x, r) - target).square()).sum() for x in (lost, striped)]
    across = [EDGES.contour_error(x, target, r, contours) for x in (lost, striped)]
    assert by_magnitude[1] < 0.9 * by_magnitude[0]
    torch.testing.assert_close(across[1], across[0], rtol=1e-4, atol=0)


# --------------------------------------------------------------------------------------------------------- the network


@pytest.fixture(scope="module")
def net():
    return load_edge_net()


def test_the_networks_file_is_small_and_its_weights_are_frozen(net):
    assert sum(p.numel() for p in net.parameters()) <= 500_000
    assert EDGE_WEIGHTS.stat().st_size <= 1_000_000
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("shape", [(64, 64), (97, 161), (33, 400), (400, 17), (16, 16)])
def test_the_network_answers_with_probabilities_at_any_size_and_aspect(net, shape):
    y = net(torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0)))
    assert y.shape == (1, 1, *shape)
    assert y.min() >= 0
    assert y.max() <= 1


def test_the_network_sees_a_step_where_it_is(net):
    y = net(step(96, 128, contrast=0.6))[0, 0, 20:-20]
    assert (y[:, 62:66].amax(1) > 0.5).all()
    assert (y[:, 16:50] < 0.2).all()
    assert (y[:, 78:112] < 0.2).all()


def test_the_network_takes_a_batch_one_by_one(net):
    x = torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    x[1] = 0.02 * x[1]
    torch.testing.assert_close(net(x), torch.cat([net(each[None]) for each in x]), rtol=1e-4, atol=1e-5)


@pytest.mark.heavy
def test_the_networks_gradient_is_that_of_finite_differences():
    net = load_edge_net().double()
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 3, 24, 32, generator=generator, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    net(x).sum().backward()
    with torch.no_grad():
        measured = (net(x + 1e-7 * direction).sum() - net(x - 1e-7 * direction).sum()) / 2e-7
    torch.testing.assert_close((x.grad * direction).sum(), measured, rtol=1e-3, atol=1e-6)


def test_the_profile_compares_analytic_maps_and_answers_with_the_network(sample_contents):
    x = sample_contents["coffee"]
    detector = EmbeddedEdges()
    torch.testing.assert_close(detector.maps(x), EDGES.maps(x), rtol=0, atol=0)
    torch.testing.assert_close(detector(x), load_edge_net()(x), rtol=0, atol=0)
