"""HEIC and JPEG XL, by the decoders of the extra ``formats``."""

import numpy as np
import pytest

pytest.importorskip("pillow_heif", reason="the extra formats isn't installed")
pytest.importorskip("pillow_jxl", reason="the extra formats isn't installed")

from picture_files import HEIGHT, WIDTH, encoded, matrix_profile, pixels, smooth
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging import jxl
from spnst_core.imaging.decoding import OF_EXTRA, suffixes

ADOBE = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
FORMS = pytest.mark.parametrize("form", ["HEIF", "JXL"])


@pytest.fixture(scope="module", autouse=True)
def registered():
    assert set(OF_EXTRA) <= set(suffixes())


@FORMS
def test_pictures_come_through_nearly(form):
    image = image_io.decode(encoded(smooth(), form, quality=95))
    assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
    assert np.abs(pixels(image) - pixels(smooth())).mean() < 4


def test_jpeg_xl_without_loss_comes_through_exactly():
    assert np.array_equal(image_io.decode(encoded(smooth(), "JXL", lossless=True)), smooth())


def exif(orientation):
    found = Image.Exif()
    found[0x0112] = orientation
    return found.tobytes()


def test_an_orientation_in_the_exif_of_jpeg_xl_doesnt_count():
    """The format has one of its own, which the decoder heeds; its EXIF keeps what the camera wrote."""
    assert image_io.decode(encoded(smooth(), "JXL", exif=exif(6))).size == (WIDTH, HEIGHT)


def test_heic_is_turned_once_as_the_file_says():
    """The writer makes the format's own rotation of EXIF's."""
    image = image_io.decode(encoded(smooth(), "HEIF", quality=95, exif=exif(6)))
    assert image.size == (HEIGHT, WIDTH)
    upright = smooth().transpose(Image.Transpose.ROTATE_270)
    assert np.abs(pixels(image) - pixels(upright)).mean() < 4


def test_colours_of_heic_are_those_of_the_profile():
    profile = matrix_profile(np.array(ADOBE), 563 / 256)
    colours = pixels(smooth())[4:20, 4:28]  # edges of the gamut are clipped
    plain, wide = (
        pixels(image_io.decode(encoded(smooth(), "HEIF", quality=100, **more)))[4:20, 4:28]
        for more in ({}, {"icc_profile": profile})
    )
    assert np.abs(plain - colours).mean() < 4 < np.abs(wide - plain).mean()


@pytest.mark.parametrize("size", [(16, 16), (32, 24), (300, 200), (1000, 17), (40, 5000), (640, 360), (256, 2048)])
@pytest.mark.parametrize("boxed", [False, True])
def test_the_size_of_a_jpeg_xl_file_is_read_from_its_header(size, boxed):
    data = encoded(Image.new("RGB", size, "teal"), "JXL", use_container=boxed)
    assert data.startswith(jxl.CONTAINER if boxed else jxl.CODESTREAM)
    assert jxl.size(data) == size


@pytest.mark.parametrize("data", [jxl.CODESTREAM, jxl.CONTAINER, jxl.CONTAINER + bytes(40)])
def test_a_header_without_a_size_is_refused(data):
    with pytest.raises(ValueError, match="cut short|hold no picture"):
        jxl.size(data)


def test_a_jpeg_xl_bomb_isnt_decoded(monkeypatch):
    data = encoded(Image.new("RGB", (2000, 1000), "teal"), "JXL")
    assert len(data) < 1000
    monkeypatch.setattr("spnst_core.imaging.decoding.MAX_PIXELS", 10**6)
    monkeypatch.setattr("PIL.Image.open", lambda *args, **kwargs: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=r"cat has more than 1 million pixels"):
        image_io.decode(data, "cat")


@FORMS
def test_what_is_transparent_lies_on_white_and_is_known(form):
    image = smooth().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    found = image_io.decode(encoded(image, form))
    assert pixels(found).min() >= 254
    assert np.asarray(found.info["opacity"]).max() == 0


@FORMS
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_refused(form, kept):
    data = encoded(smooth(), form)
    with pytest.raises(InputError, match=r"cat.* (is damaged or cut short|is not a picture that can be read)"):
        image_io.decode(data[: int(kept * len(data))], "cat")
