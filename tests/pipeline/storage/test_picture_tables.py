"""Tables as sources: paths and addresses, with ids where files' names don't serve."""

import os
import threading
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import Unreachable
from spnst_pipeline.storage.sources import Source


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / f"photos/{name}.jpg").write_bytes(name.encode())
    return tmp_path


def table(folder, text, name="t.csv"):
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.fixture
def web(folder, monkeypatch):
    """A server of the folder: its address, and the requests that it was sent."""
    monkeypatch.setenv("SPNST_PATIENCE", "0.2")
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            asked.append(self.path)

        def do_GET(self):
            if self.path.startswith("/busy"):
                self.send_error(503)
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_paths_count_from_the_tables_folder_and_ids_name_the_pictures(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "cat.jpg"
    other.write_bytes(b"other")
    source = Source.open(table(folder, f"id,path\ntom,photos/cat.jpg\n,photos/dog.jpg\nmia,{other}\n"), "content")
    assert {key: file.read() for key, file in source.pictures.items()} == {
        "dog": b"dog",
        "mia": b"other",
        "tom": b"cat",
    }
    assert source.picture("mia").name == str(other)
    assert source.left_out == ()


def test_a_parquet_file_serves_as_a_csv_file_does(folder):
    pd.DataFrame({"path": ["photos/cat.jpg", None], "id": [7, 8], "camera": ["a", "b"]}).to_parquet(
        folder / "t.parquet"
    )
    source = Source.open(str(folder / "t.parquet"), "content")
    assert {key: file.read() for key, file in source.pictures.items()} == {"7": b"cat"}
    assert source.left_out == (f"a row of {folder}/t.parquet has no path",)


def test_rows_that_cant_be_used_are_named_and_the_others_are(folder):
    text = "path\nphotos/cat.jpg\nphotos/owl.jpg\nphotos/cat.jpg\nftp://host/a.jpg\nnotes.txt\n~nobody-here/b.jpg\nc\0.jpg\n"
    source = Source.open(table(folder, text), "content")
    assert list(source.pictures) == ["cat"]
    told = "\n".join(source.left_out)
    assert f"{folder}/photos/owl.jpg does not exist" in told or "photos/owl.jpg does not exist" in told
    assert 'photos/cat.jpg is another row called "cat": give each an id' in told
    assert "ftp://host/a.jpg can't be used: " in told
    assert "~nobody-here/b.jpg can't be used: " in told
    assert "has a NUL in its path" in told
    assert "notes.txt does not exist" in told or "notes.txt has no suffix of a picture" in told


def test_pictures_of_a_web_server_are_read_as_they_were_listed(folder, web):
    address, asked = web
    text = f"id,path\ntom,{address}/photos/cat.jpg?signature=secret\nnone,{address}/photos/owl.jpg\n"
    source = Source.open(table(folder, text), "content")
    assert {key: file.read() for key, file in source.pictures.items()} == {"tom": b"cat"}
    assert source.digest("tom") == sha256(b"cat").hexdigest()
    assert source.picture("tom").name == f"{address}/photos/cat.jpg"
    assert source.left_out == (f"{address}/photos/owl.jpg can't be had: the server answers 404 File not found",)
    assert "/photos/cat.jpg?signature=secret" in "".join(asked)


def test_blends_beside_a_table_are_made_of_the_rows_by_their_ids(folder, web):
    address, _ = web
    (folder / "blends.yaml").write_text("sunset: {tom: 0.7, dog: 0.3}\nlost: {tom: 1, cat: 1}\n")
    location = table(folder, f"id,path\ntom,{address}/photos/cat.jpg\n,photos/dog.jpg\n")
    source = Source.open(location, "style")
    assert source.blend_of("sunset") == "0.7 tom + 0.3 dog"
    assert [file.read() for file in source.picture("sunset").files] == [b"cat", b"dog"]
    [line] = source.left_out
    assert line.startswith(f'blends {folder}/blends.yaml: the blend "lost" can\'t be used: there is no style "cat"')
    contents = Source.open(location, "content")  # in the same folder, and of no concern to contents
    assert (list(contents.pictures), contents.left_out) == (["dog", "tom"], ())


def test_blends_beside_a_parquet_file_are_read_anew_when_they_change(folder):
    pd.DataFrame({"path": ["photos/cat.jpg", "photos/dog.jpg"]}).to_parquet(folder / "t.parquet")
    (folder / "blends.yaml").write_text("both: {cat: 1, dog: 1}\n")
    before = Source.open(str(folder / "t.parquet"), "style")
    (folder / "blends.yaml").write_text("both: {cat: 1, dog: 3}\n")
    after = Source.open(str(folder / "t.parquet"), "style")
    assert (before.blend_of("both"), after.blend_of("both")) == ("0.5 cat + 0.5 dog", "0.25 cat + 0.75 dog")
    assert before.picture("both").modified != after.picture("both").modified


def test_a_picture_of_the_web_that_has_changed_is_refused(folder, web):
    address, _ = web
    source = Source.open(table(folder, f"path\n{address}/photos/cat.jpg\n"), "content")
    (folder / "photos/cat.jpg").write_bytes(b"another cat")
    os.utime(folder / "photos/cat.jpg", (1, 1))
    with pytest.raises(InputError, match=r"photos/cat\.jpg is not what it was when listed"):
        source.picture("cat").read()


@pytest.mark.parametrize("path", ["/busy/cat.jpg", ""], ids=["in trouble", "no server"])
def test_a_server_that_doesnt_answer_leaves_everything_as_it_was(folder, web, path):
    address, _ = web
    where = f"{address}{path}" if path else "http://127.0.0.1:9/cat.jpg"
    with pytest.raises(Unreachable, match=r"answers 503|can't be reached"):
        Source.open(table(folder, f"path\n{where}\n"), "content")


@pytest.mark.s3
def test_pictures_of_several_buckets_can_be_named(folder, s3):
    s3.put_object(Bucket="bucket", Key="some where/cat.jpg", Body=b"cat on s3")
    source = Source.open(table(folder, "id,path\na,s3://bucket/some where/cat.jpg\nb,photos/dog.jpg\n"), "content")
    assert {key: file.read() for key, file in source.pictures.items()} == {"a": b"cat on s3", "b": b"dog"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("picture\na.jpg\n", 'has no column "path": give paths or addresses'),
        ("", "isn't a whole table of its kind"),
        ('path\n"a.jpg\n', "isn't a whole table of its kind"),
        ("path\n", "holds no picture"),
    ],
    ids=["another column", "empty", "an open quote", "no rows"],
)
def test_a_table_that_cant_be_used_is_refused(folder, text, told):
    with pytest.raises(InputError, match=told):
        Source.open(table(folder, text), "content")


def test_a_text_that_is_no_parquet_is_refused(folder):
    with pytest.raises(InputError, match="isn't a whole table of its kind"):
        Source.open(table(folder, "path\na.jpg\n", "t.parquet"), "content")


def test_a_table_that_isnt_there_is_named(folder):
    with pytest.raises(InputError, match=r"t\.csv does not exist"):
        Source.open(str(folder / "t.csv"), "content")
