"""Transparency: what a file says of it, the colours of pixels that are seen in part, and what is written."""

from io import BytesIO

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import spnst_core as sp
from spnst_core.imaging import io as image_io
from spnst_core.imaging.encoding import FileFormat


def faded(colour=(200, 40, 80)):
    """A picture of one colour, 16 of whose columns are hidden, 16 half seen and 16 opaque."""
    pixels = np.zeros((24, 48, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[:, 16:32, 3], pixels[:, 32:, 3] = 128, 255
    return Image.fromarray(pixels)


def test_pixels_seen_in_part_keep_their_colour_and_hidden_ones_are_white():
    x, opacity = image_io.read_with_opacity(faded())
    assert opacity.shape == (1, 1, 24, 48)
    assert opacity[0, 0, 0, ::16].tolist() == pytest.approx([0, 128 / 255, 1])
    assert (x[..., :16] == 1).all()
    for columns in (slice(16, 32), slice(32, 48)):
        colour = (x[0, :, 0, columns] * 255).mean(1)
        assert torch.allclose(colour, torch.tensor([200.0, 40, 80]), atol=1.1)
    assert torch.equal(x[..., 32:], image_io.read(faded())[..., 32:])


def test_a_file_a_decoded_picture_and_bytes_say_the_same(tmp_path):
    faded().save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    expected = image_io.read_with_opacity(faded())
    for picture in (tmp_path / "a.png", data, image_io.decode(data)):
        assert all(map(torch.equal, image_io.read_with_opacity(picture), expected))


@pytest.mark.parametrize("picture", [faded().convert("RGB"), torch.rand(1, 3, 20, 20), np.zeros((20, 20, 3), np.uint8)])
def test_an_opaque_picture_has_no_opacity(picture):
    x, opacity = image_io.read_with_opacity(picture)
    assert opacity is None
    assert torch.equal(x, image_io.read(picture))
    solid = Image.new("RGBA", (20, 20), (1, 2, 3, 255))
    assert image_io.read_with_opacity(solid)[1] is None


def test_a_picture_of_which_nothing_is_seen_is_refused(tmp_path):
    Image.new("RGBA", (20, 20), (1, 2, 3, 0)).save(tmp_path / "ghost.png")
    with pytest.raises(sp.InputError, match=r"ghost.png is transparent everywhere"):
        image_io.read_with_opacity(tmp_path / "ghost.png")


def test_a_decoded_picture_has_its_alpha_back():
    decoded = image_io.normalise(faded(), "a.png")
    found = image_io.with_alpha(decoded, "a.png")
    assert found.mode == "RGBA"
    assert np.array_equal(np.asarray(found.getchannel("A")), np.asarray(faded().getchannel("A")))
    for restored, own in zip(image_io.read_with_opacity(found), image_io.read_with_opacity(faded()), strict=True):
        assert torch.allclose(restored, own, atol=2 / 255)
    solid = faded().convert("RGB")
    assert image_io.with_alpha(solid, "a.png") is solid


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16)])
def test_opacity_is_written_as_alpha(suffix, bits):
    x, opacity = torch.rand(1, 3, 20, 30), torch.linspace(0, 1, 600).view(1, 1, 20, 30)
    data = FileFormat(suffix, bits).encode(x, {"made": "here"}, opacity)
    found, alpha = image_io.read_with_opacity(data)
    assert torch.allclose(alpha, opacity, atol=1 / 255)
    seen = (opacity > 0.5).expand_as(x)
    assert torch.allclose(found[seen], x[seen], atol=0.02)
    if suffix == ".tif":
        levels = tifffile.imread(BytesIO(data))
        assert (levels.shape, levels.dtype.itemsize) == ((20, 30, 4), bits // 8)


def test_where_there_is_no_alpha_the_picture_lies_on_white():
    x, opacity = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    opacity[..., 16:] = 1
    found = image_io.read(FileFormat(".jpg").encode(x, {}, opacity))
    assert found[..., :8].min() > 0.98
    assert found[..., 24:].max() < 0.02
