"""Source folders: every picture gets one slug; what can't be used is told in one line."""

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.sources import Folder, local


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return str(folder)


def test_pictures_are_told_by_their_suffix_in_any_case(tmp_path):
    folder = Folder.open(touch(tmp_path / "in", "a.JPG", "b.jpeg", "c.Png", "d.webp", "e.tif", "f.gif"), "content")
    assert list(folder.pictures) == list("abcdef")
    assert folder.left_out == ()


def test_other_files_are_reported_and_hidden_files_and_folders_are_not(tmp_path):
    (tmp_path / "in/deeper.png").mkdir(parents=True)
    folder = Folder.open(touch(tmp_path / "in", "a.png", "notes.txt", ".DS_Store", "._a.png"), "content")
    assert list(folder.pictures) == ["a"]
    assert len(folder.left_out) == 1
    assert "notes.txt" in folder.left_out[0]


def test_two_files_with_one_slug_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"My Cat\.jpg.*my-cat\.png.*rename") as error:
        Folder.open(touch(tmp_path / "in", "My Cat.jpg", "my-cat.png"), "content")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        (None, "no style folder: give --style"),
        ("missing", "does not exist"),
        ("file", "is no folder"),
        ("empty", "holds no picture"),
        ("texts", "holds no picture"),
        ("s3://bucket/styles", "is a URL"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, location, complaint):
    touch(tmp_path, "file")
    touch(tmp_path / "empty")
    touch(tmp_path / "texts", "a.txt")
    with pytest.raises(InputError, match=complaint):
        Folder.open(location and (location if "://" in location else str(tmp_path / location)), "style")


def test_the_digest_follows_the_bytes(tmp_path):
    folder = Folder.open(touch(tmp_path / "in", "a.png", "b.png"), "content")
    before = folder.digest("a")
    assert before != folder.digest("b")
    (tmp_path / "in/a.png").write_bytes(b"changed")
    assert folder.digest("a") != before
    (tmp_path / "in/b.png").write_bytes(b"changed")
    assert folder.digest("a") == folder.digest("b")


def test_a_picture_that_is_gone_is_named(tmp_path):
    folder = Folder.open(touch(tmp_path / "in", "a.png"), "content")
    with pytest.raises(InputError, match="no picture for 'b'"):
        folder.digest("b")


def test_home_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local("~/photos", "content") == tmp_path / "photos"
