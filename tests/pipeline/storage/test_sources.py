"""Sources of pictures, folders and S3 prefixes: every picture gets one slug; what can't be used is told in one line."""

import hashlib
import os
import subprocess
import sys

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.sources import Source


class Folder:
    """A source in a folder."""

    def __init__(self, path):
        self.location = str(path)
        self.path = path

    def put(self, *names, data=None):
        for name in names:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(name.encode() if data is None else data)
        return self.location

    def remove(self, name):
        (self.path / name).unlink()


class Bucket:
    """A source on S3."""

    def __init__(self, client):
        self.location = "s3://bucket/some where/in"
        self.client = client

    def put(self, *names, data=None):
        for name in names:
            body = name.encode() if data is None else data
            self.client.put_object(Bucket="bucket", Key=f"some where/in/{name}", Body=body)
        return self.location

    def remove(self, name):
        self.client.delete_object(Bucket="bucket", Key=f"some where/in/{name}")


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def place(request, tmp_path):
    return Folder(tmp_path / "in") if request.param == "folder" else Bucket(request.getfixturevalue("s3"))


def test_pictures_are_told_by_their_suffix_in_any_case(place):
    source = Source.open(place.put("a.JPG", "b.jpeg", "c.Png", "d.webp", "e.tif", "f.gif"), "content")
    assert list(source.pictures) == list("abcdef")
    assert source.left_out == ()
    assert source.location == place.location


def test_a_picture_is_known_by_its_path_or_address_and_read_when_asked(place):
    file = Source.open(place.put("My Cat.png", data=b"purr"), "content").picture("my-cat")
    assert (file.name, file.size, file.read()) == (f"{place.location}/My Cat.png", 4, b"purr")


def test_other_files_are_reported_and_hidden_files_and_folders_are_not(place):
    place.put("a.png", "notes.txt", ".DS_Store", "._a.png", "deeper/b.png", "deeper.png/c.png")
    source = Source.open(place.location, "content")
    assert list(source.pictures) == ["a"]
    assert len(source.left_out) == 1
    assert f"{place.location}/notes.txt has no suffix" in source.left_out[0]


def test_two_files_with_one_slug_are_refused_by_name(place):
    with pytest.raises(InputError, match=r"My Cat\.jpg.*my-cat\.png.*rename") as error:
        Source.open(place.put("My Cat.jpg", "my-cat.png"), "content")
    assert "\n" not in str(error.value)


def test_a_source_without_pictures_can_be_scanned_but_not_used(place):
    place.put("a.txt")
    assert Source.scan(place.location, "style").pictures == {}
    with pytest.raises(InputError, match=r"style .*in holds no picture: put files in it ending in one of \.bmp"):
        Source.open(place.location, "style")


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        (None, "no style folder: give --style"),
        ("missing", "missing does not exist"),
        ("file", "file is no folder"),
        ("gs://bucket/styles", "give a folder or s3://bucket/prefix"),
    ],
)
@pytest.mark.parametrize("way", [Source.open, Source.scan])
def test_folders_that_cannot_be_used(tmp_path, location, complaint, way):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=complaint):
        way(location and (location if "://" in location else str(tmp_path / location)), "style")


def test_the_digest_follows_the_bytes(place):
    def digests():
        source = Source.open(place.location, "content")
        return [source.digest(key) for key in source.pictures]

    place.put("a.png", "b.png")
    assert digests() == [hashlib.sha256(data).hexdigest() for data in (b"a.png", b"b.png")]
    place.put("a.png", "b.png", data=b"changed")
    assert digests() == [hashlib.sha256(b"changed").hexdigest()] * 2


def test_a_picture_is_hashed_once_for_each_state_of_its_file(place, monkeypatch):
    read = []
    source = Source.open(place.put("once.png", "twice.png", data=b"bytes"), "content")
    real = type(source.picture("once")._place).read_listed
    monkeypatch.setattr(
        type(source.picture("once")._place),
        "read_listed",
        lambda self, entry: (read.append(entry.name), real(self, entry))[1],
    )
    source.hash(source.pictures)
    assert sorted(read) == ["once.png", "twice.png"]
    again = Source.open(place.location, "content")
    for key in again.pictures:
        again.digest(key)
    assert len(read) == 2


def test_on_s3_another_process_downloads_only_what_has_changed(s3, proxy):
    place = Bucket(s3)
    place.put("changed.png", "same.png")
    program = (
        "from spnst_pipeline.storage.sources import Source\n"
        f"source = Source.open({place.location!r}, 'content')\n"
        "print(*map(source.digest, source.pictures))"
    )
    source = Source.open(place.location, "content")
    digests = list(map(source.digest, source.pictures))

    place.put("changed.png", data=b"another")
    proxy.requests.clear()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [hashlib.sha256(b"another").hexdigest(), digests[1]]
    read = [path.rpartition("/")[2] for _, path, _ in proxy.requests if "list-type" not in path]
    assert read == ["changed.png"]


def test_a_file_that_changes_after_it_was_listed_is_not_taken_for_what_it_was(place):
    source = Source.open(place.put("copied.png", "gone.png", data=b"the first half"), "content")
    before = source.picture("copied").modified
    place.put("copied.png", data=b"the first half and the second")
    place.remove("gone.png")
    for use in (source.digest, lambda key: source.picture(key).read()):
        with pytest.raises(InputError, match=r"copied\.png is not what it was when listed: run again"):
            use("copied")
        with pytest.raises(InputError, match=r"gone\.png (is not what it was|can't be read: No such file)"):
            use("gone")
    source.hash(source.pictures)
    assert Source.open(place.location, "content").picture("copied").modified != before


def test_without_some_pictures_says_why(place):
    source = Source.open(place.put("a.png", "b.png"), "content").without({"a": "a.png is too small"})
    assert (list(source.pictures), source.left_out) == (["b"], ("a.png is too small",))


def test_a_picture_that_is_gone_is_named(place):
    source = Source.open(place.put("a.png"), "content")
    with pytest.raises(InputError, match=r"in holds no picture for 'b'"):
        source.digest("b")


def test_home_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    Folder(tmp_path / "contents").put("a.png")
    assert Source.open("~/contents", "content").picture("a").name == str(tmp_path / "contents/a.png")


def test_a_file_is_the_same_under_another_name(place):
    """What a picture is called doesn't count for its digest."""
    source = Source.open(place.put("a.png", "b.png", data=b"same"), "content")
    assert source.digest("a") == source.digest("b")


def test_an_object_that_stands_for_the_prefix_is_no_file(s3):
    s3.put_object(Bucket="bucket", Key="in/", Body=b"")
    s3.put_object(Bucket="bucket", Key="in/a.png", Body=b"x")
    source = Source.open("s3://bucket/in/", "content")
    assert (list(source.pictures), source.left_out) == (["a"], ())


def test_a_link_to_a_picture_is_one_and_a_broken_link_is_not(tmp_path):
    place = Folder(tmp_path / "in")
    place.put("a.png")
    os.symlink(place.path / "a.png", place.path / "b.png")
    os.symlink(place.path / "none.png", place.path / "c.png")
    assert list(Source.open(place.location, "content").pictures) == ["a", "b"]
