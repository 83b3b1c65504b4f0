"""Maps of a user's own: what a file can hold, exactly which values are read, and what is refused."""

from io import BytesIO

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import spnst_core as sp
from spnst_core.imaging.maps import agreement, decode_map, disagreement, read_map
from spnst_core.imaging.planes import at_shape, require_aspect

RAMP = np.linspace(-3, 7, 24 * 32, dtype=np.float32).reshape(24, 32)
SHARES = ((RAMP + 3) / 10).clip(0, 1)


def npy(values):
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def png(values, mode=None):
    file = BytesIO()
    Image.fromarray(values, mode).save(file, "PNG")
    return file.getvalue()


def tif(values, **options):
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def lzw(values):
    file = BytesIO()
    Image.fromarray(values).save(file, "TIFF", compression="tiff_lzw")
    return file.getvalue()


WORDS, BYTES = (SHARES * 65535).round().astype(np.uint16), (SHARES * 255).round().astype(np.uint8)
FILES = {
    "floats": ("a.npy", npy(RAMP), RAMP),
    "doubles in columns": ("a.npy", npy(np.asfortranarray(RAMP.astype(np.float64))), RAMP),
    "one channel": ("a.NPY", npy(RAMP[..., None]), RAMP),
    "signed integers": ("a.npy", npy((RAMP * 100).astype(np.int32)), (RAMP * 100).astype(np.int32)),
    "words": ("a.npy", npy(WORDS), WORDS / np.float32(65535)),
    "float TIFF": ("a.tif", tif(RAMP), RAMP),
    "deflated float TIFF": ("a.tiff", tif(RAMP, compression="zlib"), RAMP),
    "16-bit TIFF": ("a.tif", tif(WORDS), WORDS / np.float32(65535)),
    "float TIFF by LZW, as OpenCV writes it": ("a.tif", lzw(RAMP), RAMP),
    "16-bit PNG": ("a.png", png(WORDS), WORDS / np.float32(65535)),
    "8-bit PNG": ("a.png", png(BYTES), BYTES / np.float32(255)),
    "grey PNG in three channels": ("a.png", png(np.stack([BYTES] * 3, 2)), BYTES / np.float32(255)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_exactly_its_values(name, tmp_path):
    file, data, expected = FILES[name]
    found = decode_map(data, "depth", file)
    assert (found.dtype, found.shape) == (torch.float32, (1, 1, 24, 32))
    assert torch.equal(found[0, 0], torch.from_numpy(np.asarray(expected, np.float32)))
    (tmp_path / file).write_bytes(data)
    assert torch.equal(read_map(tmp_path / file, "depth"), found)


@pytest.mark.parametrize("given", [RAMP, torch.from_numpy(RAMP), torch.from_numpy(RAMP)[None, None]])
def test_an_array_and_a_tensor_are_maps_too(given):
    assert torch.equal(read_map(given, "depth")[0, 0], torch.from_numpy(RAMP))


def holed(value):
    values = RAMP.copy()
    values[3, 4] = value
    return values


def clear(values):
    return np.concatenate([np.stack([values] * 3, 2), np.full((*values.shape, 1), 200, np.uint8)], 2)


BAD = {
    "NaN": ("a.npy", npy(holed(np.nan)), "aren't finite"),
    "infinite": ("a.tif", tif(holed(np.inf)), "aren't finite"),
    "constant": ("a.npy", npy(np.full((24, 32), 2.5)), "is 2.5 everywhere: a constant map says nothing of depth"),
    "constant PNG": ("a.png", png(np.full((24, 32), 7, np.uint8)), "everywhere"),
    "too large": ("a.npy", npy(RAMP * 1e9), "beyond 1e"),
    "colour": ("a.png", png(np.stack([BYTES, BYTES, 255 - BYTES], 2)), "is in colour"),
    "transparent": ("a.png", png(clear(BYTES)), "is transparent in places"),
    "five channels": ("a.npy", npy(np.stack([RAMP] * 5)), r"has the shape \(5, 24, 32\)"),
    "text": ("a.npy", npy(np.full((24, 32), "a")), "holds <U1"),
    "objects": ("a.npy", npy(np.full((24, 32), None)), "holds object"),
    "complex": ("a.npy", npy(RAMP.astype(complex)), "holds complex"),
    "narrow": ("a.npy", npy(RAMP[:10]), "has 32×10 pixels: a map needs 16 on each side"),
    "cut short": ("a.npy", npy(RAMP)[:-50], "which it doesn't"),
    "cut short in its header": ("a.npy", npy(RAMP)[:40], "damaged"),
    "cut short TIFF": ("a.tif", tif(RAMP)[:-50], "damaged|missing"),
    "cut short PNG": ("a.png", png(WORDS)[:-80], "damaged"),
    "a spoilt header": ("a.npy", npy(RAMP).replace(b"(24, 32)", b"(1e9, 9)"), "damaged"),
    "a bomb": ("a.npy", npy(RAMP).replace(b"(24, 32), }      ", b"(99999, 99999), }"), "9,999,800,001 numbers"),
    "no picture": ("a.png", b"hello there", "is not a picture"),
    "nothing": ("a.npy", b"", "damaged"),
    "another suffix": ("a.pfm", b"", "must end in .npy or .png"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_map_is_refused_in_one_line_that_names_the_file(name):
    file, data, says = BAD[name]
    with pytest.raises(sp.InputError, match=says) as caught:
        decode_map(data, "depth", file)
    assert str(caught.value).startswith(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "says"), [("edges", "edges are from 0 to 1"), ("detail", "detail is from 0 to 1")])
@pytest.mark.parametrize("values", [RAMP, SHARES * 255])
def test_edges_and_detail_are_from_0_to_1(values, kind, says):
    assert read_map(SHARES, kind).max() == 1
    with pytest.raises(sp.InputError, match=says):
        read_map(values, kind, "the map")


@pytest.mark.parametrize("value", [0, 1])
def test_detail_that_is_the_same_everywhere_is_refused(value):
    with pytest.raises(sp.InputError, match=f"a.npy is {value} everywhere: a constant map says nothing of detail"):
        decode_map(npy(np.full((24, 32), value)), "detail", "a.npy")


@pytest.mark.parametrize(("given", "says"), [(None, "can't be a NoneType"), ("absent.npy", "doesn't exist")])
def test_what_is_neither_file_nor_array_is_told(given, says):
    with pytest.raises(sp.InputError, match=says):
        read_map(given, "depth")


def test_a_map_has_its_contents_aspect_within_a_pixel():
    content = torch.zeros(1, 3, 427, 640)
    for fits in ((427, 640), (171, 256), (170, 256), (854, 1280), (1281, 1920)):
        require_aspect(torch.zeros(1, 1, *fits), content, "a.npy")
    for off in ((640, 427), (171, 260), (427, 427), (480, 640)):
        with pytest.raises(sp.InputError, match=f"a.npy has {off[1]}×{off[0]} pixels, another aspect than"):
            require_aspect(torch.zeros(1, 1, *off), content, "a.npy")


def test_a_map_in_its_own_shape_is_itself_and_another_shape_has_no_overshoot():
    values = torch.rand(1, 1, 24, 32).round()
    assert at_shape(values, 24, 32) is values
    for shape in ((12, 16), (48, 64)):
        found = at_shape(values, *shape)
        assert found.shape == (1, 1, *shape)
        assert 0 <= found.min() <= found.max() <= 1


def test_a_map_that_runs_against_the_networks_is_warned_of():
    values = torch.rand(1, 1, 24, 32)
    assert agreement(values, 3 * values - 7) == pytest.approx(1)
    assert agreement(values, -values) == pytest.approx(-1)
    assert agreement(values, torch.ones_like(values)) == 0
    assert disagreement("depth", None, "a.npy") == disagreement("depth", 0.4, "a.npy") == ""
    assert "a.npy runs against what the network sees (correlation -0.80): larger values" in disagreement(
        "depth", -0.8, "a.npy"
    )
