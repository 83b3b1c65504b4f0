"""TIFF: Pillow and tifffile agree about what is left to Pillow; elsewhere tifffile's pixels are the file's."""

from contextlib import suppress
from io import BytesIO
from itertools import product

import numpy as np
import pytest
import tifffile
from picture_files import encoded, smooth
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging import tiff

HEIGHT, WIDTH = 20, 32
COLOURS = {"miniswhite": 1, "minisblack": 1, "rgb": 3, "separated": 4}
EXTRAS = {"": (), "alpha": ("unassalpha",), "opaque": ("assocalpha",), "other": ("unspecified",)}


def written(levels, photometric, extra=(), planar=False, byteorder="<", **options):
    """A TIFF with these levels (H, W, samples) as they are."""
    out = BytesIO()
    samples = np.moveaxis(levels, 2, 0) if planar else levels
    if levels.shape[2] == 1:
        samples = levels[..., 0]
    else:
        options["planarconfig"] = "separate" if planar else "contig"
    if extra:
        options["extrasamples"] = extra
    samples = samples.astype(samples.dtype.newbyteorder(byteorder))
    tifffile.imwrite(out, samples, photometric=photometric, byteorder=byteorder, metadata=None, **options)
    return out.getvalue()


def random(bits, samples, opaque=False):
    levels = np.random.default_rng(bits + samples).integers(0, 2**bits, (HEIGHT, WIDTH, samples))
    if opaque:
        levels[..., -1] = 2**bits - 1
    return levels.astype(f"u{bits // 8}")


def meant(levels, photometric):
    """RGB of 8 bits, by the definition of each layout; inks by Pillow's rule."""
    eight = np.round(levels[..., : COLOURS[photometric]] * (255 / np.iinfo(levels.dtype).max))
    if photometric == "separated":
        return np.asarray(Image.fromarray(eight.astype(np.uint8), "CMYK").convert("RGB"), int)
    grey = 255 - eight if photometric == "miniswhite" else eight
    return grey if photometric == "rgb" else np.repeat(grey, 3, 2)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", COLOURS)
@pytest.mark.parametrize("extra", EXTRAS)
def test_every_layout_gives_the_pixels_that_were_written(bits, photometric, extra):
    levels = random(bits, COLOURS[photometric] + len(EXTRAS[extra]), opaque=bool(extra))
    expected = meant(levels, photometric)
    ways = product((False, True), "<>", ({}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}))
    for (planar, byteorder, options), tile in product(ways, (None, (16, 16))):
        data = written(levels, photometric, EXTRAS[extra], planar, byteorder, tile=tile, **options)
        difference = np.abs(np.asarray(image_io.decode(data), int) - expected).max()
        rounding = 2 if photometric == "separated" else 1  # of two inks
        assert difference <= rounding, (planar, byteorder, options, tile)


@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "tiff_lzw", "packbits"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "I;16", "1", "P"])
def test_what_is_left_to_pillow_is_what_tifffile_reads(mode, compression):
    image = Image.fromarray(random(16, 1)[..., 0]) if mode == "I;16" else smooth().convert(mode)
    data = encoded(image, "TIFF", compression=compression)
    assert not tiff.layout(data).misread
    decoded = np.asarray(image_io.decode(data), int)
    if tiff.readable(tiff.layout(data)):
        assert np.abs(np.asarray(tiff.decode(data).convert("RGB"), int) - decoded).max() <= 1


def test_associated_alpha_is_divided_out():
    levels = np.full((HEIGHT, WIDTH, 4), (50, 100, 0, 100), np.uint8)
    for planar in (False, True):
        image = image_io.decode(written(levels, "rgb", ("assocalpha",), planar))
        assert np.allclose(image.getpixel((0, 0)), (50 + 155, 100 + 155, 155), atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_clear_becomes_white(bits):
    levels = np.zeros((HEIGHT, WIDTH, 2), f"u{bits // 8}")
    levels[:, WIDTH // 2 :, 1] = 2**bits - 1
    for planar in (False, True):
        image = image_io.decode(written(levels, "minisblack", ("unassalpha",), planar))
        assert (image.getpixel((0, 0)), image.getpixel((WIDTH - 1, 0))) == ((255, 255, 255), (0, 0, 0))


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (np.zeros((HEIGHT, WIDTH, 1), np.int8), r"TIFF layout grey, 1 × 8 bits signed"),
        (np.zeros((HEIGHT, WIDTH, 1), np.int16), r"TIFF layout grey, 1 × 16 bits signed"),
        (np.zeros((HEIGHT, WIDTH, 3), np.uint32), r"TIFF layout RGB, 3 × 32 bits unsigned"),
        (np.zeros((HEIGHT, WIDTH, 3), np.float32), r"TIFF layout RGB, 3 × 32 bits floating-point"),
        (np.zeros((HEIGHT, WIDTH, 1), np.float16), r"TIFF layout grey, 1 × 16 bits floating-point"),
        (np.zeros((HEIGHT, WIDTH, 1), np.float64), r"TIFF layout grey, 1 × 64 bits floating-point"),
    ],
)
def test_others_are_refused_in_a_line_that_names_layout_and_depth(levels, words):
    data = written(levels, "rgb" if levels.shape[2] == 3 else "minisblack")
    with pytest.raises(InputError, match=rf"cat has pixels that can't be decoded \({words}\); save it") as caught:
        image_io.decode(data, "cat")
    assert "\n" not in str(caught.value)


def test_subsampled_colours_are_refused_by_name_and_others_decoded():
    data = encoded(smooth(HEIGHT, WIDTH).convert("YCbCr"), "TIFF")
    decoded = np.asarray(image_io.decode(data), int)
    assert np.abs(decoded - np.asarray(smooth(HEIGHT, WIDTH), int)).mean() < 1.5, "rounded twice"
    with tifffile.TiffFile(BytesIO(data)) as file:
        at = file.pages[0].tags["StripByteCounts"].valueoffset
    short = data[:at] + (HEIGHT * WIDTH * 3 // 2).to_bytes(4, "little") + data[at + 4 :]
    with pytest.raises(InputError, match=r"TIFF layout YCbCr, 3 × 8 bits unsigned, subsampled"):
        image_io.decode(short)


def test_orientation_counts_there_as_well():
    levels = random(16, 3)
    data = written(levels, "rgb", planar=True, extratags=[(274, 3, 1, 6, True)])
    assert np.abs(np.asarray(image_io.decode(data), int) - np.rot90(meant(levels, "rgb"), -1)).max() <= 1


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_that_is_cut_short_is_refused(kept, compression):
    data = written(random(16, 3), "rgb", planar=True, compression=compression, rowsperstrip=4)
    with pytest.raises(InputError, match="is damaged or cut short|not a picture"):
        image_io.decode(data[: int(len(data) * kept)])


def test_a_part_that_inflates_beyond_its_size_is_refused():
    """The directory of a picture of 32 rows, in front of the pixels of one of 9000."""
    data = bytearray(written(np.zeros((9000, 32, 3), np.uint16), "rgb", planar=True, compression="zlib"))
    with tifffile.TiffFile(BytesIO(data)) as file:
        for tag in ("ImageLength", "RowsPerStrip"):
            at = file.pages[0].tags[tag].valueoffset
            data[at : at + 4] = (32).to_bytes(4, "little")
    with pytest.raises(InputError, match="inflates to more than it should"):
        image_io.decode(bytes(data))


def test_a_directory_of_nonsense_is_refused_in_silence(caplog):
    data = written(random(8, 3), "rgb")
    for at in range(8, 150):
        with suppress(InputError):
            assert image_io.decode(data[:at] + b"\xff\x7f" + data[at + 2 :]).mode == "RGB"
    assert not [record for record in caplog.records if record.name == "tifffile"]
