"""``spnst detail``: a detail map of a content, made by HED."""

import numpy as np
import pytest
import torch
from PIL import Image

import spnst_core.models.networks as networks
from spnst_core.imaging import io as image_io
from spnst_core.imaging.maps import read_map
from spnst_core.models.fine_detail import fine_detail
from spnst_core.models.hed import hed_vgg16
from spnst_core.models.networks import create


@pytest.fixture
def desk(tmp_path, monkeypatch, picture):
    monkeypatch.chdir(tmp_path)
    picture(3, 200, 150).save("cat.jpg")
    return tmp_path


@pytest.mark.wheel
@pytest.mark.heavy
def test_the_map_lies_beside_its_content_where_a_grid_finds_it(desk, spnst, wheel_weights):
    code, out, _ = spnst("detail", "cat.jpg", "--device", "cpu")
    assert (code, out.strip()) == (0, "Detail map: cat.detail.png")
    expected = fine_detail(create("edges", "hed_vgg16"), image_io.read("cat.jpg"))
    written = read_map("cat.detail.png", "detail")
    torch.testing.assert_close(written, expected, atol=0.5 / 255 + 1e-6, rtol=0)
    assert Image.open("cat.detail.png").mode == "L"
    before = (desk / "cat.detail.png").read_bytes()
    code, _, line = spnst("detail", "cat.jpg")
    assert code == 2
    assert "cat.detail.png exists" in line
    assert (desk / "cat.detail.png").read_bytes() == before
    assert spnst("detail", "cat.jpg", "--overwrite", "--device", "cpu")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("cat.jpg", "--edges", "embedded"), '"embedded" has no fine scales to look at: choose hed_vgg16, hed'),
        (("dog.jpg",), "dog.jpg"),
        (("cat.jpg", "-o", "cat.tif"), "its name must end in .png"),
        (("cat.jpg", "-o", "maps/cat.png"), "there is no folder maps"),
        (("cat.jpg", "--device", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_line_before_any_network_is_loaded(desk, spnst, monkeypatch, arguments, says):
    monkeypatch.setattr(networks, "create", None)
    code, _, line = spnst("detail", *arguments)
    assert code == 2
    assert says in line
    assert len(line.splitlines()) == 1
    assert [path.name for path in desk.iterdir()] == ["cat.jpg"]


@pytest.mark.wheel
def test_a_content_without_detail_is_told_and_nothing_is_written(desk, spnst, wheel_weights, monkeypatch):
    monkeypatch.setattr(networks, "create", lambda role, name: silent())
    code, _, line = spnst("detail", "cat.jpg", "--device", "cpu")
    assert code == 2
    assert "cat.jpg has no fine detail that hed_vgg16 sees: paint a map by hand" in line
    assert not (desk / "cat.detail.png").exists()


def silent():
    """A HED whose side outputs are the same at all scales, nothing."""
    network = hed_vgg16()
    with torch.no_grad():
        for score in network.scores:
            score.weight.zero_()
            score.bias.fill_(-20)
    assert np.isclose(network.outputs(torch.zeros(1, 3, 16, 16))[:, :5].max().item(), 0, atol=1e-6)
    return network
