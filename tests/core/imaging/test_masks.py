"""Masks: values from 0 to 1, from files and arrays, and what is refused."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

import spnst_core as sp
from spnst_core.imaging.masks import decode_mask, read_mask

HALF = np.zeros((24, 32), np.uint8)
HALF[:, 16:] = 255


def png(values):
    file = BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def npy(values):
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


FILES = {
    "grey": ("a.png", png(HALF)),
    "grey in three channels": ("a.png", png(np.stack([HALF] * 3, 2))),
    "black and white": ("a.png", png(HALF > 0)),
    "floats": ("a.npy", npy(HALF / 255)),
    "true and false": ("a.npy", npy(HALF > 0)),
}


@pytest.mark.parametrize("name", FILES)
def test_white_is_inside_and_black_is_outside(name):
    file, data = FILES[name]
    found = decode_mask(data, file)
    assert (found.dtype, found.shape) == (torch.float32, (1, 1, 24, 32))
    assert torch.equal(found[0, 0], torch.from_numpy(HALF / np.float32(255)))


def test_arrays_and_tensors_are_masks_too_and_one_may_cover_everything():
    for given in (HALF > 0, torch.from_numpy(HALF / 255), HALF):
        assert torch.equal(read_mask(given)[0, 0], torch.from_numpy(HALF / np.float32(255)))
    assert read_mask(np.ones((24, 32))).min() == 1


BAD = {
    "black": ("a.png", png(HALF * 0), "is black everywhere: paint the region white"),
    "colour": ("a.png", png(np.stack([HALF, HALF, 255 - HALF], 2)), "is in colour: a mask has one value for each"),
    "beyond 1": ("a.npy", npy(HALF.astype(np.int32)), "holds values from 0 to 255: a mask is from 0, outside, to 1"),
    "negative": ("a.npy", npy(HALF / 255 - 1), "holds values from -1 to 0"),
    "NaN": ("a.npy", npy(np.full((24, 32), np.nan)), "aren't finite"),
    "another suffix": ("a.jpg", b"", "can't be a mask: its name must end in .npy or .png"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_mask_is_refused_in_one_line_that_names_the_file(name):
    file, data, says = BAD[name]
    with pytest.raises(sp.InputError, match=says) as caught:
        decode_mask(data, file)
    assert str(caught.value).startswith(file)
    assert "\n" not in str(caught.value)
