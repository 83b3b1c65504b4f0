"""Soundness: what was damaged or replaced behind the store's back is noticed, told and made again, never used."""

import json
import os
import subprocess
from hashlib import sha256

import pytest
from PIL import Image

from spnst_core.imaging.io import encode_png
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import Damaged, digests, listed, put, take, written_list
from spnst_pipeline.artefacts.verification import artefacts, verify
from spnst_pipeline.storage.store import Store

MAP = Artefact(ArtefactId("metrics", "gatys", "cat", "wave"), "abc")
OTHER = Artefact(ArtefactId("metrics", "gatys", "cat", "dots"), "def")
GALLERY = ArtefactId("gallery")


@pytest.fixture
def store(tmp_path):
    return Store.open(str(tmp_path / "out"))


def put_scores(store, wanted, colour="teal"):
    picture = encode_png(Image.new("RGB", (9, 9), colour))
    beside = {"depth": picture, "edges": picture}
    put(store, wanted, lambda stamp: json.dumps({**stamp, "scores": {"ssim": 0.5}}).encode(), beside)


def harm(store, path, *, keep_time=False):
    """Flip a bit near the end of a file."""
    file = store.locate(path)
    status = os.stat(file)
    with open(file, "r+b") as data:
        data.seek(status.st_size - 3)
        byte = data.read(1)
        data.seek(-1, os.SEEK_CUR)
        data.write(bytes([byte[0] ^ 1]))
    if keep_time:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def every_file(wanted):
    return [wanted.path, *wanted.beside.values()]


def test_what_was_put_is_what_is_taken(store):
    put_scores(store, MAP)
    assert json.loads(take(store, MAP.id))["scores"] == {"ssim": 0.5}
    assert take(store, MAP.id, "depth") == store.read(MAP.beside["depth"])
    assert Index(store).holds(MAP)
    assert [verdict.wrong for verdict in verify(store, artefacts(store))] == [{}]


@pytest.mark.parametrize("path", every_file(MAP))
def test_a_flipped_bit_is_noticed_by_the_next_look(store, path):
    put_scores(store, MAP)
    assert Index(store).holds(MAP)
    harm(store, path)
    index = Index(store)
    assert not index.holds(MAP)
    assert index.damaged == {MAP.id: path}


@pytest.mark.parametrize("path", every_file(MAP))
def test_a_missing_end_is_noticed_by_the_next_look(store, path):
    put_scores(store, MAP)
    os.truncate(store.locate(path), os.path.getsize(store.locate(path)) - 1)
    index = Index(store)
    index.look(ArtefactId("metrics", "gatys"))
    assert not index.holds(MAP)
    assert index.damaged == {MAP.id: path}


@pytest.mark.parametrize("what", ["", "depth"])
def test_damage_that_keeps_size_and_time_is_noticed_in_use_and_from_then_on(store, what):
    put_scores(store, MAP)
    assert Index(store).holds(MAP)
    path = MAP.beside[what] if what else MAP.path
    harm(store, path, keep_time=True)
    assert Index(store).holds(MAP)  # a look trusts size and time
    with pytest.raises(Damaged, match=rf"{path} was damaged or replaced: run again, and metrics/gatys\[cat\|wave\]"):
        take(store, MAP.id, what)
    assert not Index(store).holds(MAP)


@pytest.mark.parametrize(("old", "new"), [(b'\\"depth', b'\\"dept_'), (b'"{\\"', b'"<\\"')], ids=["a key", "no JSON"])
def test_damage_to_the_digests_themselves_is_damage_to_the_file(store, old, new):
    put_scores(store, MAP)
    data = store.read(MAP.path)
    assert data.count(old) == 1
    store.write(MAP.path, data.replace(old, new))
    index = Index(store)
    assert not index.holds(MAP)
    assert index.damaged == {MAP.id: MAP.path}
    [verdict] = verify(store, artefacts(store))
    assert verdict.wrong[MAP.path] == "damaged or replaced"


def test_two_files_that_changed_places_are_noticed(store):
    put_scores(store, MAP)
    put_scores(store, OTHER, "orange")
    one, two = (store.locate(wanted.beside["depth"]) for wanted in (MAP, OTHER))
    os.rename(one, f"{one}.moved")
    os.rename(two, one)
    os.rename(f"{one}.moved", two)
    assert not Index(store).holds(MAP)
    assert not Index(store).holds(OTHER)


def test_an_artefact_without_digests_is_used_as_it_is(store):
    store.write(MAP.path, b'{"fingerprint": "abc"}')
    for path in MAP.beside.values():
        store.write(path, b"anything")
    assert Index(store).holds(MAP)
    assert take(store, MAP.id, "depth") == b"anything"
    assert [(verdict.checked, verdict.wrong) for verdict in verify(store, artefacts(store))] == [(False, {})]


def test_every_state_of_a_file_is_read_once(store, monkeypatch):
    put_scores(store, MAP)
    entries = store.entries("metrics")
    first = digests(store, entries)
    assert first[MAP.beside["depth"]] == sha256(store.read(MAP.beside["depth"])).hexdigest()
    monkeypatch.setattr(Store, "read", lambda *_: pytest.fail("read again"))
    assert digests(store, entries) == first


def test_a_list_of_files_is_one_that_sha256sum_checks(store):
    store.write("gallery/index.html", b'<meta name="spnst-fingerprint" content="ab">')
    store.write("gallery/small/cat.webp", b"cat")
    files = {name: sha256(store.read(f"gallery/{name}")).hexdigest() for name in ("index.html", "small/cat.webp")}
    store.write("gallery/files.sha256", written_list(files))
    assert listed(store, GALLERY) == {f"gallery/{name}": right for name, right in files.items()}
    folder = os.path.dirname(store.locate("gallery/index.html"))
    subprocess.run(["sha256sum", "--check", "--quiet", "files.sha256"], cwd=folder, check=True)
    assert Index(store).holds(Artefact(GALLERY, "ab"))
    harm(store, "gallery/small/cat.webp")
    index = Index(store)
    assert not index.holds(Artefact(GALLERY, "ab"))
    assert index.damaged == {GALLERY: "gallery/small/cat.webp"}
