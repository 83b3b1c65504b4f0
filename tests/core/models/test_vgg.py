"""VGG19: the published network's numbers, its layers' names, and what bad input gets."""

import numpy as np
import parity_slices
import pytest
import torch
from standin import PUBLISHED, assert_slice, picture, published_outputs, state

from spnst_core import InputError
from spnst_core.compute import moments
from spnst_core.models import layouts
from spnst_core.models.networks import build
from spnst_core.models.vgg import LAYERS, VGG19Encoder, layer_index


@pytest.fixture(scope="module")
def weights():
    return state("vgg19", layouts.vgg19_torchvision)


@pytest.fixture(scope="module")
def encoder(weights):
    return build("vgg19", weights)


def grams(encoder, layers, height, width):
    return {k: moments.gram(f)[0, :64, :64] for k, f in encoder.features(picture(height, width), layers).items()}


@torch.no_grad()
def test_features_are_torchvisions(encoder):
    found = grams(encoder, parity_slices.VGG19, 96, 128)
    for layer, expected in parity_slices.VGG19.items():
        assert_slice(found[layer], expected)


@PUBLISHED
@torch.no_grad()
def test_features_are_torchvisions_in_every_number(encoder):
    for (height, width), expected in published_outputs("vgg19_gram64"):
        layers = {key.replace("_", "."): value for key, value in expected.items()}
        found = grams(encoder, layers, height, width)
        for layer, gram in layers.items():
            np.testing.assert_allclose(found[layer], gram, atol=1e-4 * np.ptp(gram), rtol=0, err_msg=layer)


def test_the_literatures_names_and_torchvisions_are_the_same_layers():
    content, style = ["relu4_2", "relu5_2"], [f"relu{block}_1" for block in range(1, 6)]
    assert [layer_index(name) for name in content] == [22, 31]
    assert [layer_index(name) for name in style] == [1, 6, 11, 20, 29]
    assert [layer_index(f"features.{index}") for index in LAYERS.values()] == list(range(37))


@torch.no_grad()
def test_a_convolution_is_read_before_its_relu(encoder):
    found = encoder.features(picture(16, 24), ["conv2_1", "relu2_1"])
    assert found["conv2_1"].min() < 0
    torch.testing.assert_close(found["conv2_1"].relu(), found["relu2_1"], rtol=0, atol=0)


@torch.no_grad()
def test_nothing_runs_beyond_the_deepest_layer_asked_for(encoder):
    ran = []
    handles = [layer.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, layer in enumerate(encoder.stack)]
    found = encoder.features(picture(32, 48), ["relu2_1", "relu1_2"])
    for handle in handles:
        handle.remove()
    assert ran == [0, 2, 4, 5], "rectifiers work in place"
    assert {name: tuple(f.shape) for name, f in found.items()} == {
        "relu2_1": (1, 128, 16, 24),
        "relu1_2": (1, 64, 32, 48),
    }


@torch.no_grad()
def test_called_it_gives_its_own_layers_and_hooks_are_given_what_layers_return(encoder):
    kept, x = {}, picture(32, 48)
    handles = [
        layer.register_forward_hook(lambda module, args, out, i=i: kept.update({i: out}))
        for i, layer in enumerate(encoder.stack)
    ]
    handles.append(encoder.register_forward_hook(lambda module, args, out: kept.update(all=out)))
    found = encoder(x)
    for handle in handles:
        handle.remove()
    assert kept["all"] is found
    assert found.keys() == {*encoder.content_layers, *encoder.style_layers}
    expected = encoder.features(x, [*found, "conv1_2", "relu1_2"])
    for name, features in found.items():
        torch.testing.assert_close(features, expected[name], rtol=0, atol=0)
    assert torch.equal(kept[LAYERS["conv1_2"]], expected["conv1_2"])
    assert torch.equal(kept[LAYERS["relu1_2"]], expected["relu1_2"])


@torch.no_grad()
def test_average_pooling_is_the_mean_of_two_by_two(weights):
    found = build("vgg19", weights, pooling="average").features(picture(16, 24), ["relu1_2", "pool1"])
    means = found["relu1_2"].unflatten(3, (12, 2)).unflatten(2, (8, 2)).mean((3, 5))
    torch.testing.assert_close(found["pool1"], means)


def test_gradients_reach_every_pixel(encoder):
    x = picture(40, 56).requires_grad_(True)
    layers = {**encoder.content_layers, **encoder.style_layers}
    sum(f.square().mean() for f in encoder.features(x, layers).values()).backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).float().mean() > 0.99


@pytest.mark.parametrize("name", ["relu4_5", "features.37", "features.", "22"])
def test_an_unknown_layer_is_named(encoder, name):
    with pytest.raises(InputError, match=f'VGG19 has no layer "{name}".*features.0 to features.36'):
        encoder.features(picture(16, 16), [name])


def test_an_unknown_layer_or_pooling_is_refused_at_once():
    with pytest.raises(InputError, match='no layer "relu4_21" \\(did you mean "relu4_'):
        VGG19Encoder(content_layers={"relu4_21": 1.0})
    with pytest.raises(InputError, match=r'no pooling "avg".*: max or average'):
        VGG19Encoder(pooling="avg")


def test_a_picture_too_small_for_a_layer_is_refused(encoder):
    with pytest.raises(InputError, match=r"a picture of 20×15 is too small .* relu5_1: .* at least 16 px"):
        encoder.features(picture(15, 20), ["relu5_1"])
    assert encoder.features(picture(15, 20), ["relu4_1"])["relu4_1"].shape == (1, 512, 1, 2)
