"""The embedded encoder: the shipped file, the shapes of its layers, and gradients through them."""

from importlib import resources

import numpy as np
import pytest
import torch

from spnst_core.models.embedded.encoder import EmbeddedEncoder


@pytest.fixture(scope="module")
def encoder():
    return EmbeddedEncoder().eval().requires_grad_(False)


def test_the_shipped_file_is_small(encoder):
    file = resources.files("spnst_core.models.embedded") / "encoder.safetensors"
    assert len(file.read_bytes()) < 2_000_000


def test_layers_have_the_shapes_they_say(encoder):
    found = encoder.features(torch.rand(2, 3, 96, 128), ["colour", "sketch", "bank1", "bank2", "bank3"])
    assert {name: tuple(f.shape) for name, f in found.items()} == {
        "colour": (2, 3, 96, 128),
        "sketch": (2, 1, 48, 64),
        "bank1": (2, 64, 96, 128),
        "bank2": (2, 128, 48, 64),
        "bank3": (2, 256, 24, 32),
    }


def test_only_the_layers_asked_for_are_returned(encoder):
    assert encoder.features(torch.rand(1, 3, 32, 32), ["bank2"]).keys() == {"bank2"}


@torch.no_grad()
def test_called_it_gives_its_own_layers_and_hooks_are_given_what_banks_return(encoder):
    kept, x = [], torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    hook = encoder.banks[0].register_forward_hook(lambda module, args, out: kept.append(out))
    found = encoder(x)
    hook.remove()
    assert found.keys() == {*encoder.content_layers, *encoder.style_layers}
    expected = encoder.features(x, found)
    assert all(torch.equal(features, expected[name]) for name, features in found.items())
    assert kept[0].min() < 0
    assert torch.equal(kept[0].relu(), found["bank1"])


def test_responses_have_about_unit_power_on_real_pictures(encoder, sample_contents, sample_styles):
    pictures = [*sample_contents.values(), *sample_styles.values()]
    for layer in ("bank1", "bank2", "bank3"):
        power = np.mean([encoder.features(x, [layer])[layer].square().mean().item() for x in pictures])
        assert 0.4 < power < 2.5


def test_gradients_reach_the_picture(encoder):
    x = torch.rand(1, 3, 40, 56, requires_grad=True)
    sum(f.square().mean() for f in encoder.features(x, ["bank3", "sketch"]).values()).backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).float().mean() > 0.99
