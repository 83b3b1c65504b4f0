"""OpenEXR as maps and masks: which channel counts, exactly its values, and what is refused before it is decoded."""

import struct

import numpy as np
import pytest

pytest.importorskip("OpenEXR", reason="the extra formats isn't installed")

import OpenEXR
import torch

import spnst_core as sp
from spnst_core.imaging import exr
from spnst_core.imaging.maps import decode_map, read_map
from spnst_core.imaging.masks import read_mask

RAMP = np.linspace(-3, 7, 24 * 32, dtype=np.float32).reshape(24, 32)
OTHER = RAMP[::-1].copy()
ONES = np.ones_like(RAMP)


@pytest.fixture
def written(tmp_path):
    """Writes channels as a file and gives its bytes."""

    def write(channels, **header):
        OpenEXR.File(header, channels).write(str(tmp_path / "a.exr"))
        return (tmp_path / "a.exr").read_bytes()

    return write


HALF, WORDS = RAMP.astype(np.float16), (RAMP * 1000 + 5000).astype(np.uint32)
TILED = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
FILES = {
    "luminance": ({"Y": RAMP}, {}, RAMP),
    "depth": ({"Z": RAMP}, {}, RAMP),
    "value": ({"V": RAMP}, {}, RAMP),
    "the only one, by any name": ({"distance": RAMP}, {}, RAMP),
    "of 16 bits": ({"Y": HALF}, {}, HALF),
    "integers": ({"Y": WORDS}, {}, WORDS / np.float32(2**32 - 1)),
    "grey as RGB": ({"R": HALF, "G": HALF, "B": HALF}, {}, HALF),
    "with alpha": ({"Y": RAMP, "A": ONES}, {}, RAMP),
    "the depth beside a picture": ({"R": RAMP, "G": OTHER, "B": OTHER, "A": ONES * 0, "Z": HALF}, {}, HALF),
    "the depth in a layer": ({"scene.R": RAMP, "scene.G": OTHER, "scene.Z": HALF}, {}, HALF),
    "not compressed": ({"Z": RAMP}, {"compression": OpenEXR.NO_COMPRESSION}, RAMP),
    "wavelets": ({"Z": RAMP}, {"compression": OpenEXR.PIZ_COMPRESSION}, RAMP),
    "tiles": ({"Z": RAMP}, TILED, RAMP),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_exactly_its_values(name, written, tmp_path):
    channels, header, expected = FILES[name]
    found = decode_map(written(channels, **header), "depth", "a.EXR")
    assert (found.dtype, found.shape) == (torch.float32, (1, 1, 24, 32))
    assert torch.equal(found[0, 0], torch.from_numpy(np.asarray(expected, np.float32)))
    assert torch.equal(read_map(tmp_path / "a.exr", "depth"), found)


def test_masks_are_read_as_well(written, tmp_path):
    written({"Y": (RAMP > 0).astype(np.float16)})
    assert torch.equal(read_mask(tmp_path / "a.exr", "the mask")[0, 0].bool(), torch.from_numpy(RAMP > 0))


BAD = {
    "colour": ({"R": RAMP, "G": RAMP, "B": OTHER}, "is in colour: a map has one value for each pixel"),
    "two depths": ({"left.Z": RAMP, "right.Z": OTHER}, "is in colour"),
    "transparent": ({"Y": RAMP, "A": ONES / 2}, "holds transparent pixels, which isn't read as a map"),
    "alpha alone": ({"A": ONES}, "holds no channel but alpha"),
    "NaN": ({"Z": np.where(RAMP > 0, RAMP, np.nan)}, "aren't finite"),
    "a renderer's background": ({"Z": np.where(RAMP > 0, RAMP, np.float32(1e10))}, "beyond 1e.*scale it down"),
    "constant": ({"Z": ONES}, "is 1 everywhere"),
    "narrow": ({"Z": RAMP[:10]}, "has 32×10 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_map_is_refused_in_one_line_that_names_the_file(name, written):
    channels, says = BAD[name]
    assert_refused(written(channels), says)


def assert_refused(data, says):
    with pytest.raises(sp.InputError, match=says) as caught:
        decode_map(data, "depth", "a.exr")
    assert str(caught.value).startswith("a.exr ")
    assert "\n" not in str(caught.value)


def with_windows(data, data_window, display_window):
    """The file with other corners, the least and the largest x and y, of its windows."""
    for name, corners in (("dataWindow", data_window), ("displayWindow", display_window)):
        start = data.index(name.encode() + b"\0box2i\0") + len(name) + 1 + 6 + 4
        data = data[:start] + struct.pack("<4i", *corners) + data[start + 16 :]
    return data


SPOILT = {
    "nothing": (lambda data: b"", "damaged or cut short"),
    "no EXR": (lambda data: b"hello there, this is no picture", "damaged or cut short"),
    "cut short": (lambda data: data[:-900], "damaged or cut short"),
    "cut short in its header": (lambda data: data[:100], "damaged or cut short"),
    "deep": (lambda data: data[:5] + b"\x08" + data[6:], "holds several parts or deep pixels"),
    "parts": (lambda data: data[:5] + b"\x10" + data[6:], "holds several parts or deep pixels"),
    "a crop": (lambda data: with_windows(data, (0, 0, 31, 23), (0, 0, 63, 23)), "holds a part of a larger picture"),
    "a bomb": (lambda data: with_windows(data, *[(0, 0, 49_999, 49_999)] * 2), "has more than 100 million pixels"),
    "the largest bomb": (lambda data: with_windows(data, *[(-(2**30), 0, 2**30, 2**30)] * 2), "million|damaged"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_file_is_refused_before_it_takes_memory(name, written, monkeypatch):
    spoil, says = SPOILT[name]
    if "bomb" in name:
        monkeypatch.setattr(exr, "plane", lambda data: pytest.fail("it was decoded"))
    assert_refused(spoil(written({"Z": RAMP})), says)


def test_without_a_decoder_the_line_says_what_to_install(written, monkeypatch):
    monkeypatch.setattr(exr, "installed", lambda: False)
    assert_refused(written({"Z": RAMP}), r"needs a decoder that isn't installed: pip install 'spnst\[formats\]'")
