"""HED: the published networks' numbers in every layout, all their outputs, and what bad input gets."""

import numpy as np
import parity_slices
import pytest
import torch
import torch.nn.functional as F
from standin import PUBLISHED, assert_slice, picture, published_outputs, state

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


@pytest.mark.parametrize("layout", ["hed_sniklaus_file", "hed_meteorshowers", "hed_meteorshowers_first"])
@torch.no_grad()
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
    norm = controlnet.norm.flatten().tolist()
    assert controlnet.network_input(x)[0, :, 3, 3].tolist() == pytest.approx(
        [255 - norm[0], 127.5 - norm[1], -norm[2]], abs=1e-3
    )


@torch.no_grad()
def test_a_margin_shifts_nothing(hed):
    """With both sides multiples of 16, the two geometries agree but for what the border's zeros reach."""
    margin = build("hed", state("hed", layouts.hed_sniklaus_file), margin=True)
    x = picture(64, 96)
    plain, padded = (torch.logit(network.outputs(x)[:, 0]) for network in (hed, margin))
    torch.testing.assert_close(padded[:, 2:-2, 2:-2], plain[:, 2:-2, 2:-2], atol=1e-4, rtol=1e-4)
    assert (padded - plain)[:, 0].abs().mean() > 0.01
