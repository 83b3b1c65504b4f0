"""A folder as a place of files: what a listing holds, and that a file is read as it was when it was listed."""

import os
import shutil
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import Folder, Unreachable, is_remote


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
    assert sorted(entry.name for entry in place.files("a")) == ["a/1.png", "a/b/2.png"]
    assert list(place.files("nothing")) == []


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


NOBODY = 65534


@contextmanager
def as_nobody():
    """Root may read and write everything; others may not."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed(tmp_path):
    """A folder whose file ``cat.png`` and whose folder ``deeper`` can't be read."""
    for name in ("cat.png", "deeper/dog.png"):
        Folder(tmp_path).write(name, b"12345")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o755)
    (tmp_path / "cat.png").chmod(0)
    (tmp_path / "deeper").chmod(0)
    yield Folder(tmp_path)
    (tmp_path / "deeper").chmod(0o700)


def test_what_cannot_be_read_for_now_is_unreachable_and_not_missing(closed):
    with as_nobody():
        [entry] = closed.children()
        for way in (
            lambda: closed.read("cat.png"),
            lambda: closed.read_listed(entry),
            lambda: closed.exists("deeper/dog.png"),
            lambda: list(closed.files("deeper")),
            lambda: Folder(closed.path / "deeper").children(),
        ):
            with pytest.raises(Unreachable, match=r"can't be (read|listed) \(Permission denied\): check it"):
                way()


def long(tmp_path):
    return tmp_path / "new" / ("a" * 300)


def leading_nowhere(tmp_path):
    (tmp_path / "link").symlink_to("nowhere/there")
    return tmp_path / "link"


def leading_to_itself(tmp_path):
    (tmp_path / "link").symlink_to("link")
    return tmp_path / "link" / "out"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            lambda tmp_path: Path("/proc/out"),
            r"/proc/out can't be written, because nothing can be written to /proc \(.*\): choose another",
        ),
        (
            lambda tmp_path: Path("/proc/self/task"),
            r"can't be written, because nothing can be written to .* \(.*\): choose another",
        ),
        (long, "can't be made, because a name may have 255 bytes: choose another"),
        (leading_nowhere, "link is a link that leads nowhere: choose another"),
        (leading_to_itself, "link is a link that leads nowhere: choose another"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told_beforehand(tmp_path, path, said):
    with pytest.raises(InputError, match=said) as error:
        Folder(path(tmp_path)).require_writable()
    assert "\n" not in str(error.value)


def test_a_folder_of_somebody_else_is_told_beforehand(tmp_path):
    tmp_path.chmod(0o555)
    with as_nobody(), pytest.raises(InputError, match=r"nothing can be written to .* \(Permission denied\)"):
        Folder(tmp_path / "out").require_writable()


def test_a_disk_without_room_is_told_beforehand(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr("spnst_pipeline.storage.places.LEAST_ROOM", 2 * free)
    with pytest.raises(InputError, match=r"has no room: the disk of .* MB free, and \d+ MB are needed\. Make room"):
        Folder(tmp_path / "out").require_writable()


def test_looking_whether_a_folder_can_be_written_leaves_nothing(tmp_path):
    Folder(tmp_path / "out").require_writable()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_an_endless_name_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="does not exist: check it"):
        Folder(tmp_path / ("a" * 300)).children()
