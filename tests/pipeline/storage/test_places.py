"""A folder as a place of files: what a listing holds, and that a file is read as it was when it was listed."""

import os
from hashlib import sha256

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import Folder, is_remote


@pytest.fixture
def place(tmp_path):
    return Folder(tmp_path / "place")


def test_children_are_the_files_directly_in_it_by_name(place):
    for name in ("wave.png", "cat.png", "deeper/dog.png"):
        place.write(name, b"12345")
    assert [(entry.name, entry.size) for entry in place.children()] == [("cat.png", 5), ("wave.png", 5)]


def test_names_are_those_at_any_depth_below_a_folder(place):
    for name in ("a/1.png", "a/b/2.png", "c/3.png"):
        place.write(name, b"")
    assert sorted(place.names("a")) == ["a/1.png", "a/b/2.png"]
    assert list(place.names("nothing")) == []


def test_a_folder_that_is_not_there_or_is_a_file_cannot_be_listed(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="nothing does not exist: check it"):
        Folder(tmp_path / "nothing").children()
    with pytest.raises(InputError, match="file is no folder: check it"):
        Folder(tmp_path / "file").children()


def test_an_entry_tells_a_file_that_was_written_again(place):
    place.write("cat.png", b"first")
    [before] = place.children()
    place.write("cat.png", b"again")
    os.utime(place.locate("cat.png"), ns=(1, 1))
    [after] = place.children()
    assert (before.name, before.size) == (after.name, after.size)
    assert before.modified != after.modified


def test_a_file_is_read_as_it_was_listed_or_not_at_all(place):
    place.write("cat.png", b"first")
    [entry] = place.children()
    assert place.read_listed(entry) == b"first"
    assert place.digest(entry) == sha256(b"first").hexdigest()
    place.write("cat.png", b"another")
    with pytest.raises(InputError, match=r"cat\.png is not what it was when listed: run again"):
        place.read_listed(entry)
    place.remove("cat.png")
    with pytest.raises(InputError, match=r"cat\.png can't be read: No such file"):
        place.digest(entry)


def test_the_first_bytes_of_a_file_can_be_read_alone(place):
    place.write("cat.png", b"header and body")
    assert place.read("cat.png", 6) == b"header"
    assert place.read_many(["cat.png", "dog.png"], 6) == {"cat.png": b"header"}
    with pytest.raises(FileNotFoundError):
        place.read("dog.png")


def test_what_is_not_there_cannot_be_copied_and_may_be_removed(place):
    with pytest.raises(FileNotFoundError):
        place.copy("cat.png", "dog.png")
    place.remove("cat.png")
    assert not place.exists("dog.png")


def test_a_folder_cannot_be_removed_as_a_file(place):
    place.write("cat/1.png", b"")
    with pytest.raises(InputError, match=r"cat can't be removed: "):
        place.remove("cat")


@pytest.mark.parametrize(("location", "remote"), [("s3://bucket/made", True), ("gs://bucket", True), ("out", False)])
def test_an_address_is_told_from_a_path(location, remote):
    assert is_remote(location) == remote


def test_a_path_opens_as_a_folder_below_the_users_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    place = open_place("~/made")
    assert isinstance(place, Folder)
    assert place.path == tmp_path / "made"
