"""Building a network by name: from a file or a state dict, in whatever published layout, or not at all."""

import pytest
import torch
from safetensors.torch import save_file
from standin import picture, state

from spnst_core import InputError
from spnst_core.models import layouts
from spnst_core.models.networks import build, network_names


@pytest.fixture(scope="module")
def weights():
    return state("hed", layouts.hed_sniklaus_file)


def test_the_networks_have_the_names_of_their_papers():
    assert network_names() == [
        "vgg19",
        "vgg16",
        "vgg16_torchvision",
        "hed",
        "hed_controlnet",
        "hed_vgg16",
        "depth_vgg16",
        "midas_v21_small",
        "dpt_hybrid",
        "dpt_large",
        "dpt_swin2_tiny",
        "depth_anything_v2_small",
        "lpips",
        "inception",
        "magenta",
    ]


def test_a_network_is_ready_for_use(weights):
    network = build("hed", weights)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


@torch.no_grad()
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_gives_what_its_state_dict_gives(weights, tmp_path, suffix):
    file = tmp_path / f"hed{suffix}"
    if suffix == ".pth":
        torch.save(weights, file)
    else:
        save_file(weights, file)
    x = picture(32, 48)
    torch.testing.assert_close(build("hed", str(file))(x), build("hed", weights)(x), rtol=0, atol=0)


@torch.no_grad()
@pytest.mark.heavy
def test_one_hed_is_recognised_in_each_of_its_layouts(weights):
    own = layouts.hed_sniklaus_file(weights)
    x = picture(37, 50)
    found = {}
    for layout in (
        layouts.hed_sniklaus_file,
        layouts.hed_sniklaus_module,
        layouts.hed_meteorshowers,
        layouts.hed_meteorshowers_first,
    ):
        network = build("hed", {layout.published(key): value for key, value in own.items()})
        assert network.margin == ("meteorshowers" in layout.name)
        found[layout] = network(x)
    torch.testing.assert_close(found[layouts.hed_sniklaus_module], found[layouts.hed_sniklaus_file], rtol=0, atol=0)
    torch.testing.assert_close(found[layouts.hed_meteorshowers_first], found[layouts.hed_meteorshowers], rtol=0, atol=0)


@pytest.mark.heavy
def test_a_swin_saved_again_is_recognised():
    own = layouts.dpt_swin2_tiny(state("dpt_swin2_tiny", layouts.dpt_swin2_tiny))
    again = build("dpt_swin2_tiny", {layouts.dpt_swin2_tiny_resaved.published(k): v for k, v in own.items()})
    assert all(torch.equal(value, own[key]) for key, value in again.state_dict().items())


def test_half_precision_files_are_used_in_single(weights):
    network = build("hed", {key: value.half() for key, value in weights.items()})
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def changed(weights, drop=(), add=()):
    kept = {key: value for key, value in weights.items() if key not in drop}
    return kept | {key: torch.zeros(shape) for key, shape in add}


def test_missing_unknown_and_misshapen_keys_are_counted_and_named(weights, tmp_path):
    words = ("One", "Two", "Thr", "Fou")
    drop = [f"moduleScore{word}.bias" for word in words]
    add = [("extra.weight", (2,)), ("moduleCombine.0.weight", (1, 6, 1, 1))]
    file = tmp_path / "network.safetensors"
    save_file(changed(weights, drop, add), file)
    with pytest.raises(InputError) as caught:
        build("hed", file)
    message = str(caught.value)
    assert str(file) in message
    assert "not the weights of hed" in message
    assert "4 missing (moduleScoreOne.bias, moduleScoreTwo.bias, moduleScoreThr.bias, …)" in message
    assert "1 unknown (extra.weight)" in message
    assert "1 of another shape (moduleCombine.0.weight is (1, 6, 1, 1), not (1, 5, 1, 1))" in message
    assert "\n" not in message


def test_another_networks_weights_are_refused(weights):
    with pytest.raises(InputError, match=r"not the weights of vgg19.*32 missing .*38 unknown"):
        build("vgg19", weights)


def test_an_unknown_network_gets_the_nearest():
    with pytest.raises(InputError, match=r'no network "dpt_hybird" \(did you mean "dpt_hybrid"\?\): there are vgg19,'):
        build("dpt_hybird")
