"""The files of the page that paints: scripts that hold data, under names that carry their version."""

import base64
import gzip
import json

import pytest
from PIL import Image

from spnst_core.gallery.description import Gallery, StoredPicture
from spnst_core.gallery.folder import render
from spnst_core.gallery.painting import BrowserPainter, Painting, painting_folder
from spnst_core.gallery.runtime import Runtime

RUNTIME = Runtime(b"the script", b"the module", b"the code")
NASTY = "</script><b>W/..\\שלום"


def painting(*names, version="1"):
    image = Image.new("RGB", (40, 30))
    picture = StoredPicture("../style_image/a.png", version, 40, 30, lambda: image)
    return Painting(
        [BrowserPainter(name, "fast", lambda name=name: name.encode(), version, picture) for name in names],
        lambda: RUNTIME,
        32,
    )


def written(painting):
    versioned, pages = painting_folder(painting)
    return {**{name: make() for name, make in versioned.items()}, **pages}


def value(script):
    return json.loads(script.decode().partition(" = ")[2].rstrip(";\n"))


def test_every_file_that_is_named_is_there():
    files = written(painting("wave", "dots"))
    told = value(files["painters.js"])
    named = [told["runtime"], *(each[key] for each in told["painters"] for key in ("file", "picture"))]
    assert set(named) <= set(files)
    assert set(files) == {*named, "index.html", "gallery.css", "paint.js", "painters.js"}
    assert "://" not in files["index.html"].decode()


def test_a_painters_script_holds_its_network_under_its_own_address():
    files = written(painting("wave"))
    [told] = value(files["painters.js"])["painters"]
    script = files[told["file"]].decode()
    assert script.startswith(f'(window.networks ??= {{}})["{told["file"]}"] = ')
    assert base64.b64decode(value(files[told["file"]])) == b"wave"


def test_the_runtimes_script_holds_its_three_files_and_the_worker():
    files = written(painting("wave"))
    told = value(files[value(files["painters.js"])["runtime"]])
    assert (told["script"], told["module"]) == ("the script", "the module")
    assert gzip.decompress(base64.b64decode(told["code"])) == b"the code"
    assert "importScripts" in told["worker"]


def test_a_new_version_of_a_painter_gives_its_file_another_name():
    first, second = (painting_folder(painting("wave", version=v))[0] for v in "12")
    changed = {name for name in first if name not in second}
    assert {name.partition("/")[0] for name in changed} == {"painters", "pictures"}
    assert [name for name in first if name in second] == [name for name in first if "/runtime." in name]


def test_names_are_data_and_never_markup_or_paths():
    files = written(painting(NASTY))
    assert value(files["painters.js"])["painters"][0]["name"] == NASTY
    assert all(b"</script><b>" not in data for data in files.values())
    assert all(".." not in name and "\\" not in name for name in files)


@pytest.mark.parametrize("painters", [None, painting("wave")], ids=["without painters", "with a painter"])
def test_a_gallery_leads_to_the_page_if_it_has_painters(painters):
    files = render(Gallery("Pastiches <1>", "f", [], [], [], {}), painters)
    assert (b'href="paint.html"' in files.pages["index.html"]) == (painters is not None)
    assert ("paint.html" in files.pages) == (painters is not None)
    if painters:
        assert '<a href="index.html" dir="auto">Pastiches &lt;1&gt;</a>' in files.pages["paint.html"].decode()
        assert not files.stale([*files.versioned, *files.pages])
