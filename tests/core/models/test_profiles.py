"""Profiles: what the interfaces promise, and what a wrong name says."""

import pytest
import torch

from spnst_core import InputError, load_models
from spnst_core.models.embedded import depth, profile
from spnst_core.models.profiles import find_device, identify


def test_edges_and_depth_are_as_promised(models, photographs):
    x = photographs["coffee"].clone().requires_grad_(True)
    edges, depth = models.edges(x), models.depth(x)
    assert edges.shape == depth.shape == (1, 1, *x.shape[2:])
    assert edges.min() >= 0
    assert edges.max() <= 1
    for output in (edges, depth):
        (gradient,) = torch.autograd.grad(output.square().mean(), x)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() > 0


def test_the_networks_are_known_before_they_are_loaded(models):
    assert identify("embedded") == models.identity
    assert len(models.identity.fingerprint) == 16
    assert models.identity.layers.name == models.encoder.name
    assert models.identity.layers.style_layers == models.encoder.style_layers


def test_the_fingerprint_is_that_of_the_weights(models, monkeypatch, tmp_path):
    other = tmp_path / "depth.safetensors"
    other.write_bytes(depth.WEIGHTS.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(depth, "WEIGHTS", other)
    profile.identify.cache_clear()
    try:
        assert identify("embedded").fingerprint != models.identity.fingerprint
    finally:
        profile.identify.cache_clear()


def test_the_embedded_profile_needs_no_notice(models):
    assert models.identity.label == "embedded"
    assert models.identity.notice == ""


@pytest.mark.parametrize("choice", [{"edges": "hed"}, {"depth": "dpt_hybrid"}])
def test_the_embedded_profile_has_no_choice_of_networks(choice):
    (role, name), *_ = choice.items()
    with pytest.raises(InputError, match=f"{role} {name}: the embedded profile has its own; leave {role} out"):
        load_models("embedded", "cpu", **choice)


def test_an_unknown_profile_gets_the_nearest():
    with pytest.raises(InputError, match='no profile "embeded" \\(did you mean "embedded"\\?\\)'):
        load_models("embeded")


@pytest.mark.parametrize("device", ["gpu", "cuda:x:y", "tpu"])
def test_an_unknown_device_is_named(device):
    with pytest.raises(InputError, match=f'no device "{device}" on this machine'):
        load_models("embedded", device)


@pytest.mark.parametrize(("name", "index"), [("auto", 1), ("cuda", 1), ("cuda:0", 0)])
def test_a_gpu_is_named_as_its_tensors_name_it(name, index, monkeypatch):
    """What is learnt of a device from its tensors must be found again by the profile's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert find_device(name) == torch.device("cuda", index)
