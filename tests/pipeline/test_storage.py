"""The store writes whole files or none, and never outside its root."""

import os

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_what_was_written_is_read_back(store):
    store.write("pastiche/structure/cat/wave.png", b"picture")
    assert store.exists("pastiche/structure/cat/wave.png")
    assert store.read("pastiche/structure/cat/wave.png") == b"picture"
    assert store.read("pastiche/structure/cat/wave.png", 3) == b"pic"


def test_writing_again_replaces(store):
    store.write("a/b.json", b"old and longer")
    store.write("a/b.json", b"new")
    assert store.read("a/b.json") == b"new"


def test_a_missing_artefact_is_an_error_and_not_there(store):
    assert not store.exists("a/b.json")
    with pytest.raises(FileNotFoundError):
        store.read("a/b.json")


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_write_that_fails_leaves_the_old_bytes_and_no_litter(store, monkeypatch, step):
    store.write("a/b.json", b"old")

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes" if step == "write_bytes" else "os.replace", disk_full)
    with pytest.raises(OSError, match="No space"):
        store.write("a/b.json", b"new")
    monkeypatch.undo()
    assert store.read("a/b.json") == b"old"
    assert os.listdir(store.root / "a") == ["b.json"]


def test_readers_see_a_new_file_only_when_it_is_whole(store, monkeypatch):
    seen = []
    real = os.replace

    def look_then_replace(source, target):
        seen.append((store.exists("a/b.json"), list(store.list("a"))))
        real(source, target)

    monkeypatch.setattr(os, "replace", look_then_replace)
    store.write("a/b.json", b"x")
    assert seen == [(False, [])]
    assert list(store.list("a")) == ["a/b.json"]


@pytest.mark.parametrize(
    "key",
    [
        "../outside.json",
        "a/../../outside.json",
        "/etc/outside.json",
        "a//b.json",
        "a/./b.json",
        ".hidden",
        "a/.hidden",
        "",
        "a\\b.json",
        "a\nb",
        "a/b\0.json",
        "C:/b.json",
    ],
)
def test_a_key_that_is_not_plain_is_refused(store, key):
    for use in (lambda: store.write(key, b"x"), lambda: store.read(key), lambda: store.exists(key)):
        with pytest.raises(InputError, match="no key for the store"):
            use()
    assert not store.root.exists()


def test_a_symbolic_link_cannot_lead_outside(store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    store.root.mkdir()
    (store.root / "pastiche").symlink_to(outside)
    with pytest.raises(InputError, match="outside the store"):
        store.write("pastiche/cat.png", b"x")
    assert list(outside.iterdir()) == []


def test_the_root_itself_may_be_a_link(store, tmp_path):
    (tmp_path / "disk").mkdir()
    store.root.symlink_to(tmp_path / "disk")
    store.write("a/b.json", b"x")
    assert (tmp_path / "disk/a/b.json").read_bytes() == b"x"


def test_listing_is_sorted_and_skips_hidden_and_half_written_files(store):
    for key in ("m/b/2.json", "m/a/1.json", "other/x.json"):
        store.write(key, b"")
    (store.root / "m/a/.3f.part").write_bytes(b"half")
    (store.root / "m/.cache").mkdir()
    (store.root / "m/.cache/x.json").write_bytes(b"")
    assert list(store.list("m")) == ["m/a/1.json", "m/b/2.json"]
    assert list(store.list("nothing")) == []
