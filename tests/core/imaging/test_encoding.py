"""Files of finished pictures: their levels, what they say about themselves, and what no file can be."""

from io import BytesIO

import av
import numpy as np
import pytest
import tifffile
import torch
from picture_files import smooth
from PIL import Image, ImageCms

from spnst_core import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.encoding import FileFormat

TEXTS = {"made": '{"size": "4 \\u00d7 3"}', "history": "{}"}

PICTURE = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))


def levels(bits):
    return PICTURE[0].permute(1, 2, 0).double().mul(2**bits - 1).round().numpy()


def opened(suffix, x=PICTURE, **options):
    return Image.open(BytesIO(FileFormat(suffix, **options).encode(x, TEXTS)))


@pytest.mark.parametrize(("suffix", "form"), [(".png", "PNG"), (".jpg", "JPEG"), (".JPEG", "JPEG"), (".TIF", "TIFF")])
def test_the_suffix_chooses_the_format_and_our_decoder_reads_it(suffix, form):
    x = image_io.to_tensor(smooth())
    data = FileFormat(suffix).encode(x)
    assert Image.open(BytesIO(data)).format == form
    assert np.abs(np.asarray(image_io.decode(data), int) - np.asarray(smooth(), int)).mean() < 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_eight_bits_are_the_nearest_levels_and_come_back_as_they_are(suffix):
    data = FileFormat(suffix, 8).encode(PICTURE)
    assert np.array_equal(Image.open(BytesIO(data)), levels(8))
    assert np.array_equal(image_io.decode(data), levels(8))


def test_tiff_has_sixteen_bits_unless_told_otherwise():
    found = tifffile.imread(BytesIO(FileFormat(".tif").encode(PICTURE)))
    assert found.dtype == np.uint16
    assert np.array_equal(found, levels(16))


def test_png_has_sixteen_bits_if_told_so():
    found = sixteen_bits(FileFormat(".png", 16).encode(PICTURE, TEXTS))
    assert np.array_equal(found, levels(16))


def sixteen_bits(data):
    """The levels of a PNG, (H, W, 3), by FFmpeg."""
    with av.open(BytesIO(data), format="png_pipe") as container:
        [frame] = container.decode(video=0)
    assert frame.format.name == "rgb48be"
    return frame.to_ndarray()


FORMATS = [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8)]


@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_every_file_has_the_profile_of_srgb_a_resolution_and_texts(suffix, bits):
    image = opened(suffix, bits=bits, dpi=300)
    profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert [round(float(value)) for value in image.info["dpi"]] == [300, 300]
    if suffix == ".png":
        assert {key: image.info[key] for key in TEXTS} == TEXTS
    else:
        lines = image.tag_v2[270] if suffix == ".tif" else image.info["comment"].decode()
        assert dict(line.split(": ", 1) for line in lines.splitlines()) == TEXTS


@pytest.mark.parametrize(("suffix", "bits"), FORMATS)
def test_equal_pictures_give_equal_bytes_and_say_no_resolution_unasked(suffix, bits):
    data = FileFormat(suffix, bits).encode(PICTURE, TEXTS)
    assert data == FileFormat(suffix, bits).encode(PICTURE.clone(), dict(reversed(TEXTS.items())))
    image = Image.open(BytesIO(data))
    assert image.info.get("dpi", (1, 1))[0] in (1, 72)  # what readers take it to be


def test_texts_beyond_ascii_are_kept_as_far_as_a_format_can():
    text = {"note": "4 × 3 \N{GREEK SMALL LETTER LAMDA}"}
    assert image_io.png_text(FileFormat(".png", 16).encode(PICTURE, text))["note"] == text["note"]
    tiff = Image.open(BytesIO(FileFormat(".tif").encode(PICTURE, text)))
    assert tiff.tag_v2[270] == "note: 4 \\xd7 3 \\u03bb"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((".gif",), 'suffix ".gif": use one of .png, .jpg, .jpeg, .tif, .tiff'),
        ((".jpg", 16), "a .jpg file has 8 bits a channel, not 16"),
        ((".tif", 32), "a .tif file has 8 or 16 bits a channel, not 32"),
        ((".png", None, 0), "dpi is from 1 to 10,000, not 0"),
        ((".png", None, 20_000), "dpi is from 1 to 10,000, not 20000"),
    ],
)
def test_a_file_that_cannot_be_is_refused(arguments, says):
    with pytest.raises(InputError, match=says):
        FileFormat(*arguments)
