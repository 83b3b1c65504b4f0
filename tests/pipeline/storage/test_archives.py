"""Archives as sources: read in place, as a folder of the same files would be, and hostile ones refused."""

import io
import os
import tarfile
import zipfile
from hashlib import sha256

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.sources import Source


def packed(path, files, changed=()):
    """Write an archive of names and bytes; ``changed`` are members as they are to be."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
            for member, data in changed:
                archive.writestr(member, data)
    else:
        with tarfile.open(path, "w") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            for member, data in changed:
                archive.addfile(member, io.BytesIO(data))
    return str(path)


@pytest.fixture(params=["p.zip", "p.TAR"])
def path(request, tmp_path):
    return tmp_path / request.param.replace("TAR", "tar")


def test_an_archive_holds_the_pictures_that_a_folder_of_its_files_would(path):
    source = Source.open(
        packed(path, {"cat.jpg": b"cat", "Wave 2.png": b"wave", "notes.txt": b"", ".x.jpg": b""}), "style"
    )
    assert list(source.pictures) == ["wave-2--a47608c1", "cat"]
    assert source.picture("cat").read() == b"cat"
    assert source.digest("cat") == sha256(b"cat").hexdigest()
    assert source.picture("cat").name == f"{path}/cat.jpg"
    [told] = source.left_out
    assert told.startswith(f"{path}/notes.txt has no suffix of a picture")


def test_blends_in_an_archive_are_made_of_its_pictures(path):
    defined = b"sunset: {cat: 0.7, dog: 0.3}\nlost: {cat: 1, owl: 1}\n"
    (path.parent / "blends.yaml").write_text("beside: {cat: 1, dog: 1}\n")  # of a folder, which this is none
    files = {"styles/cat.jpg": b"cat", "styles/dog.jpg": b"dog", "styles/blends.yaml": defined}
    source = Source.open(packed(path, files), "style")
    assert list(source.pictures) == ["cat", "dog", "sunset"]
    assert source.blend_of("sunset") == "0.7 cat + 0.3 dog"
    assert [file.read() for file in source.picture("sunset").files] == [b"cat", b"dog"]
    [line] = source.left_out
    assert line.startswith(f'blends {path}/blends.yaml: the blend "lost"')


def test_the_folder_that_everything_lies_in_doesnt_count(path):
    files = {"photos/cat.jpg": b"cat", "photos/more/dog.jpg": b"dog", "__MACOSX/._cat.jpg": b""}
    source = Source.open(packed(path, files), "content")
    assert list(source.pictures) == ["cat"]
    assert source.picture("cat").read() == b"cat"
    deep = Source.open(str(path), "content", subfolders=True)
    assert [file.read() for file in deep.pictures.values()] == [b"cat", b"dog"]
    assert list(deep.pictures)[1].startswith("more-dog--")


def test_maps_and_masks_are_found_in_an_archive(path):
    files = {"cat.jpg": b"", "cat.sky.mask.png": b"mask", "cat.depth.npy": b"depth"}
    source = Source.open(packed(path, files), "content")
    assert source.masks["cat", "sky"].read() == b"mask"
    assert source.maps["cat", "depth"].read() == b"depth"


def test_an_archive_that_was_written_again_isnt_read_as_it_was(path):
    source = Source.open(packed(path, {"cat.jpg": b"cat"}), "content")
    packed(path, {"cat.jpg": b"dog"})
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="is not what it was when listed"):
        source.digest("cat")
    assert Source.open(str(path), "content").digest("cat") == sha256(b"dog").hexdigest()


@pytest.mark.parametrize("name", ["../cat.jpg", "/cat.jpg", "a/../../cat.jpg"])
def test_a_name_that_leads_out_of_the_archive_is_left_out(path, name, tmp_path):
    packed(path, {"dog.jpg": b"dog", name: b"cat"})
    source = Source.open(str(path), "content", subfolders=True)
    assert [file.read() for file in source.pictures.values()] == [b"dog"]
    assert source.left_out[0].endswith("has a name that leads out of the archive")
    assert sorted(os.listdir(tmp_path)) == [path.name]  # nothing is unpacked


def test_a_name_that_is_there_twice_is_left_out(path):
    with pytest.warns(UserWarning, match="Duplicate") if path.suffix == ".zip" else pytest.MonkeyPatch.context():
        packed(
            path,
            {"cat.jpg": b"1", "dog.jpg": b""},
            [("cat.jpg" if path.suffix == ".zip" else tarfile.TarInfo("cat.jpg"), b"")],
        )
    source = Source.open(str(path), "content")
    assert list(source.pictures) == ["dog"]
    assert all(line.endswith("cat.jpg is in the archive twice") for line in source.left_out)


def test_links_and_devices_of_a_tar_are_left_out(tmp_path):
    link, fifo = tarfile.TarInfo("link.jpg"), tarfile.TarInfo("pipe.jpg")
    link.type, link.linkname, fifo.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.FIFOTYPE
    source = Source.open(packed(tmp_path / "p.tar", {"cat.jpg": b""}, [(link, b""), (fifo, b"")]), "content")
    assert list(source.pictures) == ["cat"]
    assert [line.rpartition("/")[2] for line in source.left_out] == [
        "link.jpg is not a regular file",
        "pipe.jpg is not a regular file",
    ]


def test_links_and_encrypted_files_of_a_zip_are_left_out(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    path = tmp_path / "p.zip"
    packed(path, {"cat.jpg": b"", "secret.jpg": b"abc"}, [(link, b"/etc/passwd")])
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of the second file, in both of its heads
        at = data.index(mark, data.index(mark) + 1)
        data[at + place] |= 1
    path.write_bytes(data)
    source = Source.open(str(path), "content")
    assert list(source.pictures) == ["cat"]
    assert [line.rpartition("/")[2] for line in source.left_out] == ["link.jpg is a link", "secret.jpg is encrypted"]


def test_a_bomb_is_left_out_by_the_size_that_it_states(tmp_path, monkeypatch):
    monkeypatch.setattr("spnst_pipeline.storage.sources.MAX_BYTES", 10**6)
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(10**7))
        archive.writestr("cat.png", b"cat")
    assert path.stat().st_size < 20_000
    source = Source.open(str(path), "content")
    assert list(source.pictures) == ["cat"]
    assert "bomb.png has 0.0 GB, and a picture at most" in source.left_out[0]


def test_a_bomb_that_states_a_smaller_size_is_read_no_further_than_that(tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(10**7))
    data = path.read_bytes()
    size, lie = (10**7).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(data.replace(size, lie))
    with pytest.raises(InputError, match=r"bomb\.png (can't be read: the archive is damaged|has another length)"):
        Source.open(str(path), "content").picture("bomb").read()


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + bytes(40)], ids=["empty", "text", "cut short"])
def test_what_is_no_archive_is_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"p\.(zip|tar) (isn't a whole \.zip or plain \.tar|holds no picture)"):
        Source.open(str(path), "content")


def test_a_damaged_member_costs_that_picture_alone(tmp_path):
    path = tmp_path / "p.zip"
    packed(path, {"cat.png": b"the bytes of a cat", "dog.png": b"the bytes of a dog"})
    path.write_bytes(path.read_bytes().replace(b"the bytes of a cat", b"the bytes of a cow"))
    source = Source.open(str(path), "content")
    with pytest.raises(InputError, match=r"cat\.png can't be read: the archive is damaged"):
        source.picture("cat").read()
    assert source.picture("dog").read() == b"the bytes of a dog"


@pytest.mark.parametrize("name", ["p.tar.gz", "p.tgz", "p.7z", "p.rar"])
def test_an_archive_that_cant_be_read_in_place_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=rf"{name} is compressed as a whole, .*: unpack it, or make a \.zip"):
        Source.open(str(tmp_path / name), "content")


def test_an_archive_that_isnt_there_is_named(path):
    with pytest.raises(InputError, match=r"p\.(zip|tar) does not exist: check it"):
        Source.open(str(path), "content")


def test_a_folder_may_be_called_like_an_archive(path):
    path.mkdir()
    (path / "cat.jpg").write_bytes(b"cat")
    assert list(Source.open(str(path), "content").pictures) == ["cat"]


def test_a_tar_of_a_folder_as_tar_itself_makes_it_can_be_read(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / f"photos/{name}.jpg").write_bytes(name.encode())
    with tarfile.open(tmp_path / "p.tar", "w") as archive:
        for name in ("cat", "dog"):
            archive.add(tmp_path / f"photos/{name}.jpg", f"./{name}.jpg")
        assert archive.getnames() == ["./cat.jpg", "./dog.jpg"]
    source = Source.open(str(tmp_path / "p.tar"), "content")
    assert {key: file.read() for key, file in source.pictures.items()} == {"cat": b"cat", "dog": b"dog"}


def test_a_name_that_isnt_the_text_it_says_is_refused(tmp_path):
    path = tmp_path / "p.zip"
    packed(path, {"c\u00e4t.jpg": b"cat"})
    path.write_bytes(path.read_bytes().replace("\u00e4".encode(), b"\xff\xfe"))
    with pytest.raises(InputError, match=r"p\.zip isn't a whole \.zip"):
        Source.open(str(path), "content")
