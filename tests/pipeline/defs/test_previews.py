"""Previews: as large as an event allows, and never larger than what they show."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from spnst_core import samples
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.previews import PREVIEW_BYTES, PREVIEW_HEIGHT, PREVIEW_WIDTH, preview, small_pictures
from spnst_pipeline.storage.store import Store

CELL = ArtefactId("pastiche", "a", "b", "c")


def shown(*pictures):
    """The images of a preview, and how many bytes their addresses take."""
    uris = re.findall(r"!\[preview\]\(data:image/webp;base64,(.*?)\)", preview(*pictures).value)
    return [Image.open(BytesIO(b64decode(uri))) for uri in uris], sum(map(len, uris))


@pytest.fixture(scope="module")
def pictures():
    """Samples of 512 px, of contents and of a style."""
    chosen = [*list(samples.contents().values())[:2], *samples.styles(512, 1).values()]
    return [picture.convert("RGB").resize((640, 512)) for picture in chosen]


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_pictures_are_shown_at_512_pixels(pictures, count):
    images, size = shown(*pictures[:count])
    assert [image.size for image in images] == [(640, 512)] * count
    assert PREVIEW_HEIGHT == 512
    assert size <= PREVIEW_BYTES


def test_three_pictures_are_reduced_alike_to_what_an_event_may_hold(pictures):
    images, size = shown(*pictures)
    assert len(images) == 3
    assert len({image.size for image in images}) == 1
    assert 256 < images[0].height < 512
    assert 0.6 * PREVIEW_BYTES < size <= PREVIEW_BYTES


def test_noise_fits_as_well():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (512, 1500, 3), dtype=np.uint8))
    assert shown(noise, noise)[1] <= PREVIEW_BYTES


def test_small_pictures_are_not_enlarged_beyond_the_tallest():
    images, _ = shown(Image.new("RGB", (80, 60)), Image.new("RGB", (40, 30)))
    assert [image.size for image in images] == [(80, 60), (80, 60)]


@pytest.mark.parametrize("size", [(3000, 600), (5000, 20), (1, 5000)])
def test_no_picture_is_wider_than_the_dialog_that_shows_it(size):
    (image,), _ = shown(Image.new("RGB", size))
    assert max(image.width, PREVIEW_WIDTH) == PREVIEW_WIDTH
    assert image.height <= PREVIEW_HEIGHT


def test_small_copies_have_the_side_that_is_asked_for(tmp_path):
    store = Store.open(str(tmp_path))
    out = BytesIO()
    Image.new("RGB", (900, 600)).save(out, "PNG")
    store.write(CELL.path, out.getvalue())
    assert small_pictures(store)(CELL).size == (320, 213)
    assert small_pictures(store, 512)(CELL).size == (512, 341)
