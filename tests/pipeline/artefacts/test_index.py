"""What the store carries: read in bulk, once, and compared with what an artefact should carry."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.storage.store import Store

CELL = Artefact(ArtefactId("pastiche", "gatys", "cat", "wave"), "abc")
TARGETS = Artefact(ArtefactId("depth_map", content="cat"), "abc", sizes=(64, 128))
FILM = Artefact(ArtefactId("timelapse", "gatys", "cat", "wave"), "abc", every=2)


class Counting(Store):
    """A store that counts how it is asked."""

    def __init__(self, place):
        super().__init__(place)
        self.asked = []

    def entries(self, prefix):
        self.asked.append(f"list {prefix}")
        return super().entries(prefix)

    def exists(self, key):
        self.asked.append(f"exists {key}")
        return super().exists(key)

    def read(self, key, size=-1):
        self.asked.append(f"read {key}")
        return super().read(key, size)


@pytest.fixture
def store(tmp_path):
    return Counting.open(str(tmp_path))


def put_picture(store, key, **texts):
    store.write(key, image_io.encode_png(Image.new("RGB", (1, 1)), texts))


def put_targets(store, key, **texts):
    header = json.dumps({"__metadata__": texts}).encode()
    store.write(key, len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize("looked", [True, False], ids=["in bulk", "one by one"])
def test_it_tells_what_artefacts_carry_and_which_are_not_there(store, looked):
    put_picture(store, CELL.path, fingerprint="abc", blocked="faded")
    put_targets(store, TARGETS.path, fingerprint="def")
    store.write("depth_map/damaged.safetensors", b"no such thing")
    index = Index(store)
    if looked:
        index.look(CELL.id.whole, TARGETS.id.whole)
    assert index.carried(CELL.id) == {"fingerprint": "abc", "blocked": "faded"}
    assert index.carried(TARGETS.id)["fingerprint"] == "def"
    assert index.carried(ArtefactId("depth_map", content="damaged")) == {}
    assert index.carried(ArtefactId("depth_map", content="dog")) == {}
    assert index.has(CELL.id)
    assert not index.has(ArtefactId("pastiche", "gatys", "cat", "dots"))


def test_after_a_look_no_question_about_the_assets_is_asked_again(store):
    put_picture(store, CELL.path, fingerprint="abc")
    put_picture(store, "metrics/gatys/cat/wave.depth.png")
    index = Index(store)
    index.look(CELL.id.whole, ArtefactId("metrics", "gatys"))
    index.look(CELL.id.whole)
    assert [asked for asked in store.asked if asked.startswith("list")] == ["list pastiche/gatys", "list metrics/gatys"]
    store.asked.clear()
    assert index.holds(CELL)
    for style in ("wave", "dots"):
        assert index.carried(ArtefactId("metrics", "gatys", "cat", style)) == {}
        index.has(ArtefactId("pastiche", "gatys", "cat", style))
    assert store.asked == []


def test_one_index_is_one_look_and_the_next_sees_what_has_changed(store):
    index = Index(store)
    assert not index.holds(CELL)
    put_picture(store, CELL.path, fingerprint="abc")
    assert not index.holds(CELL)
    assert Index(store).holds(CELL)


@pytest.mark.parametrize(
    ("carried", "held"),
    [
        ({"fingerprint": "abc", "sizes": "64 128"}, True),
        ({"fingerprint": "abc", "sizes": "32 64 128"}, True),
        ({"fingerprint": "abc", "sizes": "64"}, False),
        ({"fingerprint": "abc"}, False),
        ({"fingerprint": "abd", "sizes": "64 128"}, False),
        ({}, False),
    ],
)
def test_targets_are_held_with_their_fingerprint_and_at_least_their_sizes(store, carried, held):
    put_targets(store, TARGETS.path, **carried)
    put_picture(store, TARGETS.beside["picture"])
    assert Index(store).holds(TARGETS) == held


def test_layers_are_held_as_sizes_are(store):
    grams = Artefact(ArtefactId("style_grams", style="wave"), "abc", layers=("bank1", "bank2"))
    put_targets(store, grams.path, fingerprint="abc", layers="bank1 bank2 colour")
    index = Index(store)
    assert index.holds(grams)
    assert not index.holds(replace(grams, layers=("bank3",)))


def test_an_artefact_is_not_held_without_a_file_beside_it(store):
    put_targets(store, TARGETS.path, fingerprint="abc", sizes="64 128")
    assert not Index(store).holds(TARGETS)


def test_decoded_pictures_are_alike_that_carry_one_fingerprint(store):
    for name, fingerprint in (("cat", "abc"), ("lion", "abc"), ("dog", "def")):
        put_picture(store, f"content_image/{name}.png", fingerprint=fingerprint)
    put_picture(store, "content_image/foreign.png")
    put_picture(store, "style_image/wave.png", fingerprint="ghi")
    index = Index(store)
    cat, lion = (ArtefactId("content_image", content=name) for name in ("cat", "lion"))
    wave = ArtefactId("style_image", style="wave")
    assert index.alike(cat) == index.alike(lion) == [cat, lion]
    assert index.alike(wave) == [wave]
    assert index.alike(ArtefactId("content_image", content="foreign")) == []
    assert index.alike(ArtefactId("style_image", style="gone")) == []


def test_it_can_look_at_the_cells_of_some_contents_alone(store):
    for content in ("boat", "cat"):
        put_picture(store, f"pastiche/gatys/{content}/wave.png", fingerprint="abc")
    store.asked.clear()
    index = Index(store)
    index.look(ArtefactId("pastiche", "gatys"), contents=["cat"])
    assert store.asked[0] == "list pastiche/gatys/cat"
    assert not [asked for asked in store.asked if "boat" in asked]
    store.asked.clear()
    assert index.holds(CELL)
    assert store.asked == []
