"""The store, in a folder, on S3, GCS and Azure: whole artefacts or none, and never outside its folder or prefix."""

import os
import resource
import sys
from threading import Thread

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.store import Store

SCHEMES = {"s3": "s3", "gcs": "gs", "azure": "az"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture(params=["folder", *(pytest.param(kind, marks=pytest.mark.s3) for kind in ("s3", "gcs", "azure"))])
def store(request, folder):
    if request.param == "folder":
        return Store.open(str(folder))
    request.getfixturevalue(request.param)
    return Store.open(f"{SCHEMES[request.param]}://bucket/some where/store/")


def test_what_was_written_is_read_back(store):
    store.write("pastiche/structure/cat/wave.png", b"picture")
    assert store.exists("pastiche/structure/cat/wave.png")
    assert store.read("pastiche/structure/cat/wave.png") == b"picture"
    assert store.read("pastiche/structure/cat/wave.png", 3) == b"pic"
    assert store.read("pastiche/structure/cat/wave.png", 300) == b"picture"


def test_an_empty_artefact_is_one(store):
    store.write("a/b.json", b"")
    assert store.exists("a/b.json")
    assert (store.read("a/b.json"), store.read("a/b.json", 10)) == (b"", b"")


def test_writing_again_replaces(store):
    store.write("a/b.json", b"old and longer")
    store.write("a/b.json", b"new")
    assert store.read("a/b.json") == b"new"


def test_a_missing_artefact_is_an_error_and_not_there(store):
    assert not store.exists("a/b.json")
    with pytest.raises(FileNotFoundError):
        store.read("a/b.json")
    with pytest.raises(FileNotFoundError):
        store.copy("a/b.json", "a/c.json")


def test_many_are_read_at_once_without_those_that_are_missing(store):
    keys = [f"a/{number}.json" for number in range(50)]
    for key in keys:
        store.write(key, key.encode() * 3)
    assert store.read_many([*keys, "a/none.json", "none/a.json"]) == {key: key.encode() * 3 for key in keys}
    assert store.read_many(keys[:3], 2) == dict.fromkeys(keys[:3], b"a/")
    assert store.read_many([]) == {}


def test_a_copy_has_the_bytes_and_replaces_what_was_there(store):
    store.write("a/cat.png", b"picture")
    store.write("a/dog.png", b"another, longer picture")
    store.copy("a/cat.png", "a/dog.png")
    store.copy("a/cat.png", "b/c/cat.png")
    assert store.read_many(["a/cat.png", "a/dog.png", "b/c/cat.png"]) == dict.fromkeys(
        ["a/cat.png", "a/dog.png", "b/c/cat.png"], b"picture"
    )


def test_a_reader_sees_old_or_new_bytes_and_never_a_part(store):
    """Large enough for S3 to take them in parts."""
    old, new = b"o" * (9 << 20), b"n" * (10 << 20)
    store.write("a/big.safetensors", old)
    writer = Thread(target=store.write, args=("a/big.safetensors", new))
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(store.read("a/big.safetensors"))
    assert all(data in (old, new) for data in seen)
    assert store.read("a/big.safetensors") == new
    assert store.list("a") == ["a/big.safetensors"]


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
        "a b",
    ],
)
def test_a_key_that_is_not_plain_is_refused(store, folder, key):
    for use in (
        lambda: store.write(key, b"x"),
        lambda: store.read(key),
        lambda: store.read_many(["a/b", key]),
        lambda: store.exists(key),
        lambda: store.copy(key, "a/b"),
        lambda: store.copy("a/b", key),
        lambda: store.list(key),
        lambda: store.locate(key),
    ):
        with pytest.raises(InputError, match="no path in the store"):
            use()
    assert not folder.exists()
    assert store.list("a") == []


def test_listing_is_sorted_and_holds_nothing_hidden(store):
    for key in ("m/b/2.json", "m/a/1.json", "m/a-b/1.json", "m2/x.json", "other/x.json"):
        store.write(key, b"")
    for name in ("m/a/.3f.part", "m/.cache/x.json"):
        store._place.write(name, b"half")
    assert store.list("m") == ["m/a-b/1.json", "m/a/1.json", "m/b/2.json"]
    assert store.list("nothing") == []


def test_a_store_that_can_be_written_is_no_fuller_for_having_been_asked(store):
    store.require_writable()
    store.require_writable()
    assert store.list("a") == []
    store.write("a/b.json", b"x")
    store.require_writable()
    assert store.list("a") == ["a/b.json"]


@pytest.mark.parametrize("location", ["ftp://bucket/store", "http://host/store", "file:///store"])
def test_other_addresses_are_refused(location):
    with pytest.raises(InputError, match="give a folder, s3://bucket/prefix, gs://bucket/prefix or az://container"):
        Store.open(location)


class TestInAFolder:
    @pytest.fixture
    def store(self, folder):
        return Store.open(str(folder))

    def test_artefacts_are_its_files(self, store, folder):
        store.write("a/b.json", b"x")
        assert (folder / "a/b.json").read_bytes() == b"x"
        assert store.location == str(folder)
        assert store.locate("a/b.json") == str(folder / "a/b.json")

    def test_home_is_expanded(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert Store.open("~/made").location == str(tmp_path / "made")

    def test_a_full_disk_leaves_the_old_bytes_and_no_litter(self, store, folder):
        """The system really refuses to write more: here by a limit on a file's size."""
        store.write("a/b.json", b"old")
        store.write("a/source.json", b"x" * 2_000_000)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        try:
            for put in (
                lambda: store.write("a/b.json", b"new" * 1_000_000),
                lambda: store.copy("a/source.json", "a/b.json"),
            ):
                with pytest.raises(InputError, match=r"a/b\.json can't be written: File too large") as error:
                    put()
                assert "\n" not in str(error.value)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.read("a/b.json") == b"old"
        assert sorted(os.listdir(folder / "a")) == ["b.json", "source.json"]

    def test_a_symbolic_link_cannot_lead_outside(self, store, folder, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        folder.mkdir()
        (folder / "pastiche").symlink_to(outside)
        with pytest.raises(InputError, match="outside"):
            store.write("pastiche/cat.png", b"x")
        store.write("a/cat.png", b"x")
        with pytest.raises(InputError, match="outside"):
            store.copy("a/cat.png", "pastiche/cat.png")
        assert list(outside.iterdir()) == []

    def test_the_folder_itself_may_be_a_link(self, store, folder, tmp_path):
        (tmp_path / "disk").mkdir()
        folder.symlink_to(tmp_path / "disk")
        store.write("a/b.json", b"x")
        assert (tmp_path / "disk/a/b.json").read_bytes() == b"x"

    def test_it_is_not_made_before_something_is_written(self, store, folder):
        store.require_writable()
        assert not folder.exists()

    def test_a_file_in_its_place_is_told(self, tmp_path):
        (tmp_path / "file").write_text("x")
        for location in (tmp_path / "file", tmp_path / "file/deeper"):
            with pytest.raises(InputError, match=r"can't be a folder, because .*file is a file"):
                Store.open(str(location)).require_writable()

    def test_something_else_in_an_artefacts_place_is_told(self, store, folder):
        (folder / "a/b.json").mkdir(parents=True)
        assert not store.exists("a/b.json")
        assert store.read_many(["a/b.json"]) == {}
        with pytest.raises(InputError, match=r"b\.json can't be read: Is a directory"):
            store.read("a/b.json")
        with pytest.raises(InputError, match=r"b\.json can't be written: Is a directory"):
            store.write("a/b.json", b"x")
        assert os.listdir(folder / "a") == ["b.json"]


def test_without_boto3_folders_work_and_s3_tells_how_to_get_it(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "spnst_pipeline.storage.s3")
    Store.open(str(folder)).write("a/b.json", b"x")
    with pytest.raises(InputError, match=r"s3://bucket/x can't be used without boto3: pip install boto3"):
        Store.open("s3://bucket/x")


@pytest.mark.parametrize("location", ["gs://bucket/x", "az://bucket/x"])
def test_without_obstore_gcs_and_azure_tell_how_to_get_it(monkeypatch, location):
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "spnst_pipeline.storage.gcs_azure", raising=False)
    with pytest.raises(InputError, match=f"{location} can't be used without obstore: pip install obstore"):
        Store.open(location)
