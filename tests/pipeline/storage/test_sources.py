"""Sources of pictures, folders and prefixes: every picture gets one slug; what can't be used is told in one line."""

import hashlib
import os
import socket
import subprocess
import sys
from hashlib import sha256

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.slugs import slug
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


class Cloud:
    """A source on GCS or Azure."""

    def __init__(self, location):
        self.location = location
        self.place = open_place(location)

    def put(self, *names, data=None):
        for name in names:
            self.place.write(name, name.encode() if data is None else data)
        return self.location

    def remove(self, name):
        self.place.remove(name)


@pytest.fixture(params=["folder", *(pytest.param(kind, marks=pytest.mark.s3) for kind in ("s3", "gcs", "azure"))])
def place(request, tmp_path):
    if request.param == "folder":
        return Folder(tmp_path / "in")
    served = request.getfixturevalue(request.param)
    if request.param == "s3":
        return Bucket(served)
    return Cloud(f"{'gs' if request.param == 'gcs' else 'az'}://bucket/some where/in")


def test_pictures_are_told_by_their_suffix_in_any_case(place):
    source = Source.open(
        place.put("a.JPG", "b.jpeg", "c.Png", "d.webp", "e.tif", "f.gif", "g.jfif", "h.avif", "i.jp2"), "content"
    )
    assert list(source.pictures) == list("abcdefghi")
    assert source.left_out == ()
    assert source.location == place.location


def test_a_picture_is_known_by_its_path_or_address_and_read_when_asked(place):
    file = Source.open(place.put("My Cat.png", data=b"purr"), "content").picture(
        "my-cat--" + sha256(b"My Cat").hexdigest()[:8]
    )
    assert (file.name, file.size, file.read()) == (f"{place.location}/My Cat.png", 4, b"purr")


def test_other_files_are_reported_and_hidden_files_and_folders_are_not(place):
    place.put("a.png", "notes.txt", ".DS_Store", "._a.png", "deeper/b.png", "deeper.png/c.png")
    source = Source.open(place.location, "content")
    assert list(source.pictures) == ["a"]
    assert len(source.left_out) == 1
    assert f"{place.location}/notes.txt has no suffix" in source.left_out[0]


def test_files_whose_names_fold_to_one_are_two_pictures(place):
    names = [
        "写真 1.png",
        "絵 1.png",
        "Cat.png",
        "cat.png",
        "[x].png",
        "{x}.png",
        f"{'a' * 120}1.png",
        f"{'a' * 120}2.png",
    ]
    source = Source.open(place.put(*names), "content")
    assert (len(source.pictures), source.left_out) == (len(names), ())
    assert source.pictures["cat"].name.endswith("/cat.png")


def test_a_key_is_the_same_whatever_else_lies_there(place):
    before = Source.open(place.put("Cat.png", "wave.png"), "content").pictures
    after = Source.open(place.put("cat.png", "CAT.png", "wave 2.png"), "content").pictures
    assert {key: after[key].name for key in before} == {key: file.name for key, file in before.items()}


def test_files_that_differ_in_their_suffix_alone_are_two_pictures(place):
    source = Source.open(place.put("cat.jpg", "cat.png", "cat.webp"), "content")
    assert sorted(file.name.rpartition("/")[2] for file in source.pictures.values()) == [
        "cat.jpg",
        "cat.png",
        "cat.webp",
    ]
    assert source.pictures["cat"].name.endswith("cat.jpg"), "the first by name"


def test_a_source_without_pictures_can_be_scanned_but_not_used(place):
    place.put("a.txt")
    assert Source.scan(place.location, "style").pictures == {}
    with pytest.raises(InputError, match=r"style .*in holds no picture: put files in it ending in .*\.jpg"):
        Source.open(place.location, "style")


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        (None, "no style folder: give --style"),
        ("missing", "missing does not exist"),
        ("file", "file is no folder"),
        ("ftp://bucket/styles", "give a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"),
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


class TestEntriesThatAreNoPictures:
    """One of them never costs the others."""

    @pytest.fixture
    def folder(self, tmp_path):
        place = Folder(tmp_path / "in")
        place.put("a.png")
        return place

    def left_out(self, folder):
        source = Source.open(folder.location, "content")
        assert list(source.pictures) == ["a"]
        [line] = source.left_out
        assert "\n" not in line
        return line

    def test_a_link_to_a_picture_is_a_picture(self, folder):
        os.symlink(folder.path / "a.png", folder.path / "b.png")
        assert list(Source.open(folder.location, "content").pictures) == ["a", "b"]

    def test_a_link_that_leads_nowhere(self, folder):
        os.symlink(folder.path / "none.png", folder.path / "b.png")
        assert "b.png can't be read: No such file" in self.left_out(folder)

    def test_a_link_that_points_at_itself(self, folder):
        os.symlink("b.png", folder.path / "b.png")
        assert "b.png can't be read: Too many levels" in self.left_out(folder)

    def test_a_fifo(self, folder):
        os.mkfifo(folder.path / "b.png")
        assert "b.png is not a regular file" in self.left_out(folder)

    def test_a_device(self, folder):
        os.symlink("/dev/zero", folder.path / "b.png")
        assert "b.png is not a regular file" in self.left_out(folder)

    def test_a_socket(self, folder, monkeypatch):
        monkeypatch.chdir(folder.path)  # the path of a socket may have 107 bytes
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("b.png")
            assert "b.png is not a regular file" in self.left_out(folder)

    def test_a_sparse_file_of_forty_gigabytes(self, folder):
        with open(folder.path / "b.png", "wb") as file:
            file.truncate(40 * 10**9)
        assert "b.png has 40.0 GB, and a picture at most 1" in self.left_out(folder)

    def test_a_name_that_is_not_utf_8(self, folder):
        with open(os.fsencode(folder.path) + b"/caf\xe9.png", "wb"):
            pass
        assert self.left_out(folder).endswith(r"caf\xe9.png has a name that isn't UTF-8: rename it")

    def test_a_name_that_would_steer_a_terminal(self, folder):
        folder.put("\x1b[2J\nfailed: all\u202e.txt")
        assert r"\x1b[2J\nfailed: all\u202e.txt has no suffix" in self.left_out(folder)

    def test_such_a_name_of_a_picture_is_escaped_wherever_it_is_told(self, folder):
        folder.put("\x1b[2J\n.png")
        [file] = [f for key, f in Source.open(folder.location, "content").pictures.items() if key != "a"]
        assert file.name.endswith(r"\x1b[2J\n.png")
        assert file.read() == b"\x1b[2J\n.png"


def test_a_users_own_maps_belong_to_the_content_beside_which_they_lie(place):
    names = (
        "cat.jpg",
        "cat.depth.npy",
        "cat.edges.PNG",
        "cat.detail.png",
        "My Dog.png",
        "My Dog.depth.tif",
        "wave.depth.png",
    )
    source = Source.open(place.put(*names), "content")
    dog = slug("My Dog")
    assert set(source.pictures) == {"cat", dog, "wave.depth"}  # there is no wave
    found = {key: file.name.rpartition("/")[2] for key, file in source.maps.items()}
    assert found == {
        ("cat", "depth"): "cat.depth.npy",
        ("cat", "edges"): "cat.edges.PNG",
        ("cat", "detail"): "cat.detail.png",
        (dog, "depth"): "My Dog.depth.tif",
    }
    assert source.left_out == ()
    assert source.without({"wave.depth": "it is none"}).maps == source.maps


def test_maps_that_belong_to_nothing_are_files_like_others(place):
    source = Source.open(place.put("cat.png", "dog.depth.npy", "cat.mist.npy", "cat.depth.jpg"), "content")
    assert set(source.pictures) == {"cat", "cat.depth"}
    assert [line.partition(" has no suffix")[0].rpartition("/")[2] for line in source.left_out] == [
        "cat.mist.npy",
        "dog.depth.npy",
    ]


def test_of_two_maps_of_one_kind_one_is_told(place):
    source = Source.open(place.put("cat.png", "cat.depth.npy", "cat.depth.png"), "content")
    assert source.maps["cat", "depth"].name.endswith("cat.depth.npy")
    assert ["cat.depth.png is a second map of cat: keep one of them" in line for line in source.left_out] == [True]


def test_styles_have_no_maps(place):
    source = Source.open(place.put("wave.png", "wave.depth.png"), "style")
    assert (set(source.pictures), source.maps) == ({"wave", "wave.depth"}, {})


@pytest.mark.parametrize("kind", ["content", "style"])
def test_masks_belong_to_the_picture_beside_which_they_lie(place, kind):
    names = (
        "cat.jpg",
        "cat.mask.png",
        "cat.Red Sky.mask.NPY",
        "My Dog.png",
        "My Dog.keep.mask.tif",
        "cow.sea.mask.png",
    )
    source = Source.open(place.put(*names), kind)
    dog = slug("My Dog")
    assert set(source.pictures) == {"cat", dog, "cow.sea.mask"}  # there is no cow
    found = {key: file.name.rpartition("/")[2] for key, file in source.masks.items()}
    assert found == {
        ("cat", "mask"): "cat.mask.png",
        ("cat", "Red Sky"): "cat.Red Sky.mask.NPY",
        (dog, "keep"): "My Dog.keep.mask.tif",
    }
    assert [*source.masks_of("cat")] == ["Red Sky", "mask"]
    assert (source.masks_of("cow"), source.left_out) == ({}, ())


def test_of_two_masks_of_one_region_one_is_told(place):
    source = Source.open(place.put("cat.png", "cat.sky.mask.npy", "cat.sky.mask.png"), "content")
    assert source.masks["cat", "sky"].name.endswith("cat.sky.mask.npy")
    [line] = source.left_out
    assert line.endswith('cat.sky.mask.png is a second mask of "sky" of cat: keep one of them')


def test_the_style_of_a_region_belongs_to_the_content_beside_which_it_lies(place):
    location = place.put(
        "cat.png",
        "cat.sky.style.jpg",
        "cat.sky.style.png",
        "cat.keep.style.png",
        "cat.style.png",
        "cat.mask.npy",
        "dog.png",
        "dog.style.png",  # a picture, as there is no dog.mask.png
        "cow.sea.style.png",  # nor a cow
    )
    source = Source.open(location, "content")
    assert set(source.pictures) == {"cat", "dog", "dog.style", "cow.sea.style"}
    assert {region: file.name.rpartition("/")[2] for region, file in source.styles_of("cat").items()} == {
        "mask": "cat.style.png",
        "sky": "cat.sky.style.jpg",
    }
    kept, second = source.left_out
    assert "cat.keep.style.png is the style of a region that stays as it is" in kept
    assert second.endswith('cat.sky.style.png is a second style of "sky" of cat: keep one of them')
    assert source.only(["dog"]).region_styles == {}
    assert "cat.sky.style" in Source.open(location, "style").pictures  # a style has no style


def test_a_mask_of_a_picture_whose_name_has_a_dot_is_its_own(place):
    source = Source.open(place.put("cat.png", "cat.sky.png", "cat.sky.mask.png"), "content")
    assert [*source.masks] == [("cat.sky", "mask")]


def test_subfolders_count_if_asked_for_and_keep_names_apart(place):
    location = place.put("cat.jpg", "a/cat.jpg", "b/cat.jpg", "b/c/cat.jpg", ".hidden/cat.jpg", "a/.cat.jpg")
    assert list(Source.open(location, "content").pictures) == ["cat"]
    source = Source.open(location, "content", subfolders=True)
    read = {key: file.read() for key, file in source.pictures.items()}
    assert sorted(read.values()) == [b"a/cat.jpg", b"b/c/cat.jpg", b"b/cat.jpg", b"cat.jpg"]
    assert read["cat"] == b"cat.jpg"
    assert {key.partition("--")[0] for key in read} == {"cat", "a-cat", "b-cat", "b-c-cat"}


def test_maps_and_masks_in_a_subfolder_belong_to_the_picture_beside_them(place):
    location = place.put("a/cat.jpg", "b/cat.jpg", "a/cat.depth.npy", "b/cat.sky.mask.png")
    source = Source.open(location, "content", subfolders=True)
    [a, b] = source.pictures
    assert set(source.maps) == {(a, "depth")}
    assert set(source.masks) == {(b, "sky")}


def test_that_pictures_lie_in_subfolders_is_hinted_at(place):
    with pytest.raises(InputError, match="those in folders below count with --subfolders"):
        Source.open(place.put("a/cat.jpg"), "content")


def test_a_picture_without_its_decoder_names_the_extra(place, monkeypatch):
    monkeypatch.setattr("spnst_pipeline.storage.sources.suffixes", lambda: (".jpg",))
    source = Source.open(place.put("cat.HEIC", "dog.jpg", "owl.jxl"), "content")
    assert list(source.pictures) == ["dog"]
    assert all(line.endswith("isn't installed: pip install 'spnst[formats]'") for line in source.left_out)
    assert len(source.left_out) == 2
