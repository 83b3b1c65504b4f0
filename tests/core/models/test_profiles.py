"""Profiles: what the interfaces promise, and what a wrong name says."""

import pytest
import torch

from spnst_core import InputError, load_models


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


def test_the_fingerprint_is_that_of_the_weights(models):
    assert load_models("embedded", "cpu").fingerprint == models.fingerprint
    assert len(models.fingerprint) == 16


def test_the_embedded_profile_needs_no_notice(models):
    assert models.label == "embedded"
    assert models.notice == ""


def test_an_unknown_profile_gets_the_nearest():
    with pytest.raises(InputError, match='no profile "embeded" \\(did you mean "embedded"\\?\\)'):
        load_models("embeded")


@pytest.mark.parametrize("device", ["gpu", "cuda:x:y", "tpu"])
def test_an_unknown_device_is_named(device):
    with pytest.raises(InputError, match=f'no device "{device}" on this machine'):
        load_models("embedded", device)
