"""Input images: whatever is in the folders becomes an upright 8-bit sRGB PNG, and says where it came from."""

from hashlib import sha256

import pytest
from PIL import Image
from small_project import draw

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.assets import input_images
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

DATA_VERSION = "dagster/data_version"


def add(place, kind, key):
    with place.instance() as instance:
        instance.add_dynamic_partitions(kind, [key])


def test_a_picture_is_turned_upright_and_converted_and_only_reduced_if_it_is_very_large(made, monkeypatch):
    monkeypatch.setattr(input_images, "LONGEST", 64)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by a quarter
    source = made.root / "contents/tower.jpg"
    draw(5, 128, 96).convert("L").save(source, exif=turned)
    add(made, "content", "tower")
    launched = made.launch("content_image", key="tower")
    assert (launched.failed, launched.keys) == ([], ["content_image/tower.png"])
    with Image.open(made.out / "content_image/tower.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (48, 64))
        assert image.text["fingerprint"] == Lineage(Project.open(made.settings())).content_image("tower").fingerprint
    shown = launched.told("content_image", "tower")
    assert (shown["width"], shown["height"], shown["source"]) == (48, 64, str(source))


def test_its_data_version_is_the_digest_of_its_file(made):
    launched = made.launch("style_image", key="wave")
    assert launched.keys == []  # it is up to date, and told of all the same
    *_, event = launched.events
    assert event.tags[DATA_VERSION] == sha256((made.root / "styles/wave.png").read_bytes()).hexdigest()


def test_a_partition_whose_file_is_gone_says_what_to_do(made):
    (made.root / "contents/cat.png").unlink()
    launched = made.launch("content_image", key="cat")
    assert launched.failed == [
        f"content_image[cat]: {made.root / 'contents'} holds no picture for 'cat': put it back or delete the partition"
    ]
    assert (launched.keys, launched.events) == ([], [])


def test_a_file_that_is_no_picture_is_named_and_what_was_made_of_it_stays(made):
    before = (made.out / "content_image/cat.png").read_bytes()
    (made.root / "contents/cat.png").write_bytes(b"no picture at all")
    [line] = made.launch("content_image", key="cat").failed
    assert line.startswith("content_image[cat]: ") and "cat.png" in line
    assert (made.out / "content_image/cat.png").read_bytes() == before
