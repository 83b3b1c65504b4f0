"""Verification: every file of a store is read, and what is wrong is told by name."""

import os

import pytest

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put
from spnst_pipeline.artefacts.verification import artefacts, verify
from spnst_pipeline.storage.store import Store

SCORES = [Artefact(ArtefactId("metrics", "gatys", "cat", f"style{n}"), f"abc{n}") for n in range(40)]


@pytest.fixture
def store(tmp_path):
    store = Store.open(str(tmp_path / "out"))
    for wanted in SCORES:
        own = f'{{"fingerprint": "{wanted.fingerprint}", "seal": "%(seal)s"}}'
        put(store, wanted, lambda stamp, own=own: (own % stamp).encode(), {"depth": b"deep", "edges": b"sharp"})
    return store


def wrong(store):
    return {str(verdict.artefact): dict(verdict.wrong) for verdict in verify(store, artefacts(store)) if verdict.wrong}


def test_a_sound_store_has_nothing_wrong(store):
    verdicts = list(verify(store, artefacts(store)))
    assert [verdict.artefact for verdict in verdicts] == sorted((s.id for s in SCORES), key=lambda one: one.path)
    assert {(verdict.files, verdict.checked) for verdict in verdicts} == {(3, True)}
    assert wrong(store) == {}


def test_artefacts_of_before_there_were_digests_are_sound_without_those_or_their_list(tmp_path):
    store = Store.open(str(tmp_path / "out"))
    gallery = ArtefactId("gallery")
    store.write(gallery.path, b'<meta name="spnst-fingerprint" content="abc">')
    store.write(SCORES[0].path, b'{"fingerprint": "abc0"}')
    for path in SCORES[0].beside.values():
        store.write(path, b"deep")
    assert [(str(one.artefact), one.files, one.wrong, one.checked) for one in verify(store, artefacts(store))] == [
        ("metrics/gatys[cat|style0]", 3, {}, False),
        ("gallery", 1, {}, False),
    ]
    store.remove(SCORES[0].beside["depth"])
    assert wrong(store) == {str(SCORES[0].id): {SCORES[0].beside["depth"]: "missing"}}


def test_each_kind_of_damage_is_told_by_file_and_counts_from_then_on(store):
    cut, gone, replaced, no_json = SCORES[:4]
    for wanted in SCORES[:4]:
        assert Index(store).holds(wanted)
    file, status = store.locate(cut.path), os.stat(store.locate(cut.path))
    with open(file, "r+b") as data:
        data.seek(17)
        data.write(b"z")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    store.remove(gone.beside["depth"])
    store.write(replaced.path, store.read(SCORES[5].path).replace(b"abc5", b"abc2"))
    store.write(no_json.path, b"{")
    assert wrong(store) == {
        str(cut.id): {cut.path: "damaged or replaced"},
        str(gone.id): {gone.beside["depth"]: "missing"},
        str(replaced.id): {replaced.path: "damaged or replaced"},
        str(no_json.id): {no_json.path: "can't be read, or isn't an artefact"},
    }
    assert not any(Index(store).holds(wanted) for wanted in SCORES[:4])
    assert all(Index(store).holds(wanted) for wanted in SCORES[4:])
