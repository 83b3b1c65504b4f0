"""The gallery's folder: escaped pages, data that no name can break, copies made only of what changed."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import unquote

import pytest
from PIL import Image

from spnst_core.gallery.copies import THUMBNAIL, VIEW
from spnst_core.gallery.description import (
    Cell,
    Content,
    Details,
    Gallery,
    MetricInfo,
    Plot,
    RecipeInfo,
    RegionMap,
    StoredPicture,
    Style,
    Table,
)
from spnst_core.gallery.folder import HISTORY_POINTS, INDEX, render

NASTY = "</script><script>alert(1)</script>\u2028\u2029 & \"'"


def picture(name, version="1", size=(640, 480)):
    return StoredPicture(f"../pastiche/{name}.png", version, *size, lambda: Image.new("RGB", size, "red"))


def gallery(content="cat", style="wave", recipe="structure", **changes):
    cell = Cell(picture("p"), scores={"ssim": 0.5})
    page = {
        "title": "A & B",
        "fingerprint": "abc",
        "contents": [Content(content, picture("c"), picture("d"))],
        "styles": [Style(style, picture("s"))],
        "recipes": [RecipeInfo(recipe), RecipeInfo("gatys")],
        "cells": {(recipe, content, style): cell},
        "metrics": [
            MetricInfo("ssim", "SSIM", "higher", seen=False),
            MetricInfo("edge", "edge error", "lower", seen=True),
        ],
    }
    return Gallery(**{**page, **changes})


def data(made):
    """What the script data.js hands over."""
    text = made.pages["data.js"].decode("ascii")
    assert text.startswith("window.gallery = ") and text.endswith(";\n")
    return json.loads(text[len("window.gallery = ") : -2])


def details(made):
    (path,) = (path for path in made.versioned if path.startswith("details/"))
    return json.loads(made.versioned[path]().decode("ascii").partition(" = ")[2].rstrip(";\n"))


def only_cell(made):
    (cell,) = data(made)["cells"]
    return cell


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.addresses = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, text):
        self.text.append(text)


# ---------------------------------------------------------------------------------------------------------- the pages


def test_the_folder_is_complete_and_asks_for_nothing_from_outside():
    made = render(gallery())
    for name in ("index.html", "cell.html"):
        addresses = Page(made.pages[name].decode()).addresses
        assert {"gallery.css", "data.js", "page.js"} <= set(addresses)
        assert all(a in made.pages or a.startswith(("#", "data:,")) for a in addresses)
    for name, text in made.pages.items():
        assert re.findall(rb"https?://[^\"']+", text.replace(b"http://www.w3.org/2000/svg", b"")) == [], name


def test_pages_know_how_large_copies_are():
    assert data(render(gallery()))["sides"] == {"thumbnail": THUMBNAIL, "view": VIEW}


def test_pages_name_the_files_that_lie_beside_them():
    made = render(gallery())
    cell = only_cell(made)
    for address in (cell["picture"]["thumbnail"], cell["picture"]["view"], cell["details"]):
        assert unquote(address) in made.versioned
    assert cell["picture"]["original"] == "../pastiche/p.png"


def test_a_cell_has_the_regions_of_its_content_in_one_copy_for_all_styles():
    plain = gallery()
    (key,), (cell,) = plain.cells, plain.cells.values()
    shown = replace(cell, regions=RegionMap(replace(picture("r"), original=None), {"sky": "#e69f00"}))
    cells = {key: shown, (*key[:2], "dots"): shown, ("gatys", *key[1:]): replace(cell, regions=None)}
    made = render(gallery(styles=[*plain.styles, Style("dots", picture("s2"))], cells=cells))
    first, second, other = data(made)["cells"]
    assert first["regions"] == second["regions"]
    assert first["regions"]["tints"] == {"sky": "#e69f00"}
    assert first["regions"]["picture"]["original"] == first["regions"]["picture"]["view"]
    assert unquote(first["regions"]["picture"]["view"]) in made.versioned
    assert "regions" not in other


def test_index_is_the_last_page_and_carries_the_fingerprint():
    pages = render(gallery(fingerprint="f<1>")).pages
    assert list(pages)[-1] == INDEX
    tags = Page(pages[INDEX].decode()).tags
    assert ("meta", {"name": "spnst-fingerprint", "content": "f<1>"}) in tags


def test_no_text_is_read_as_markup():
    made = render(
        gallery(
            content=NASTY,
            style=NASTY,
            recipe=NASTY,
            title=NASTY,
            notice=NASTY,
            summary=NASTY,
            tables=[Table([NASTY], [[NASTY]], NASTY)],
            plots=[Plot(NASTY, b"<svg/>", NASTY, NASTY)],
            downloads={NASTY: "../" + NASTY},
        )
    )
    for name in ("index.html", "cell.html"):
        page = Page(made.pages[name].decode())
        assert [attributes for tag, attributes in page.tags if tag == "script" and "src" not in attributes] == []
        assert NASTY in page.text
    for address in Page(made.pages[INDEX].decode()).addresses:
        assert not set(address) & set("<>\"' \u2028") and "//" not in address


def test_no_text_can_end_the_data_or_its_lines():
    made = render(gallery(content=NASTY, cells={("structure", NASTY, "wave"): Cell(picture("p"))}))
    assert data(made)["contents"][0]["name"] == NASTY
    for text in (made.pages["data.js"], *(make() for path, make in made.versioned.items() if path.endswith(".js"))):
        assert not set(b"<>&") & set(text) and text.isascii() and text.count(b"\n") == 1


@pytest.mark.parametrize("original", ["javascript:alert(1)", 'a"b.png', "a?b#c.png", "a b.png"])
def test_a_path_is_never_more_than_a_path(original):
    shown = replace(picture("p"), original=original)
    address = only_cell(render(gallery(cells={("structure", "cat", "wave"): Cell(shown)})))["picture"]["original"]
    assert not set(address) & set(' "?#:')
    assert unquote(address) == original


@pytest.mark.parametrize("path", ["/srv/x.png", "//host/x.png"])
def test_a_path_that_leaves_the_store_is_refused(path):
    with pytest.raises(ValueError, match="must be relative to the gallery's folder"):
        render(gallery(downloads={"table": path}))


def test_a_notice_stands_under_the_heading_where_there_is_one():
    assert b'role="note"' not in render(gallery()).pages[INDEX]
    assert (
        b'role="note" dir="auto">stand-ins &amp; no more<' in render(gallery(notice="stand-ins & no more")).pages[INDEX]
    )


def test_the_comparison_is_a_table_with_headings_and_plots_with_words():
    shown = render(
        gallery(
            tables=[Table(["", "SSIM"], [["structure", "0.5"]], "Means")],
            plots=[
                Plot("frontier", b"\x89PNG..", "error against style"),
                Plot("strips", b"<svg/>", "strips", "s", b"<svg />"),
            ],
        )
    )
    page = Page(shown.pages[INDEX].decode())
    assert {"Means", "SSIM", "structure", "0.5"} <= set(page.text)
    assert "error against style" in [attributes.get("alt") for _, attributes in page.tags]
    files = {path: make() for path, make in shown.versioned.items() if path.startswith("plots/")}
    assert sorted(path.rsplit(".")[-1] for path in files) == ["png", "svg", "svg"]
    assert set(files.values()) == {b"\x89PNG..", b"<svg/>", b"<svg />"}
    assert set(files) <= set(page.addresses)


# ------------------------------------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_isnt_finite_is_missing_with_a_reason(value):
    cell = Cell(picture("p"), scores={"ssim": value, "edge": 0.25})
    shown = only_cell(render(gallery(cells={("structure", "cat", "wave"): cell})))
    assert shown["scores"] == [None, 0.25]
    assert shown["missing"] == {"0": "the result wasn't a finite number"}


def test_a_score_that_wasnt_taken_is_missing_with_the_given_reason():
    given = Cell(picture("p"), missing={"edge": "needs the pretrained profile"})
    shown = only_cell(render(gallery(cells={("structure", "cat", "wave"): given})))
    assert shown["missing"] == {"0": "not measured", "1": "needs the pretrained profile"}


def test_an_absent_cell_is_a_gap_with_its_reason():
    shown = data(render(gallery(cells={}, gaps={("gatys", "cat", "wave"): "blocked: of one colour"})))
    assert shown["cells"] == []
    assert shown["gaps"] == [
        {"at": [0, 0, 0], "reason": "not made"},
        {"at": [1, 0, 0], "reason": "blocked: of one colour"},
    ]


def test_cells_follow_the_order_of_the_grid():
    names = ["b", "a"]
    cells = {(r, c, s): Cell(picture("p")) for s in "yx" for c in "ab" for r in ("gatys", "structure")}
    shown = gallery(
        contents=[Content(n, picture("c")) for n in names], styles=[Style(s, picture("s")) for s in "xy"], cells=cells
    )
    places = [cell["at"] for cell in data(render(shown))["cells"]]
    assert places == sorted(places) and len(places) == 8


def test_a_history_is_thinned_but_keeps_its_ends():
    steps = list(range(1, 5001))
    history = {"step": steps, "stage": [0] * 5000, "total": [1 / step for step in steps], "edge": [float("nan")] * 5000}
    cell = Cell(picture("p"), details=lambda: Details({"seconds": "3"}, history))
    shown = details(render(gallery(cells={("structure", "cat", "wave"): cell})))
    assert shown["provenance"] == {"seconds": "3"}
    assert (shown["history"]["step"][0], shown["history"]["step"][-1]) == (1, 5000)
    assert {len(column) for column in shown["history"].values()} == {HISTORY_POINTS}
    assert set(shown["history"]["edge"]) == {None}


@pytest.mark.parametrize("length", [0, 1, 2, HISTORY_POINTS])
def test_a_short_history_is_kept_whole(length):
    cell = Cell(picture("p"), details=lambda: Details(history={"step": list(range(length))}))
    shown = details(render(gallery(cells={("structure", "cat", "wave"): cell})))
    assert shown["history"]["step"] == list(range(length))


# -------------------------------------------------------------------------------------------------------- the copies


def test_copies_are_small_jpegs_and_never_larger_than_the_original():
    made = render(gallery(contents=[Content("cat", picture("c", size=(4000, 3000)))], cells={}))
    sizes = {
        Image.open(BytesIO(make())).size for path, make in made.versioned.items() if path.startswith("pictures/content")
    }
    assert sizes == {(320, 240), (1280, 960)}
    tiny = render(gallery(contents=[Content("cat", picture("c", size=(64, 48)))], cells={}))
    (path,) = (path for path in tiny.versioned if path.startswith("pictures/content"))
    assert Image.open(BytesIO(tiny.versioned[path]())).format == "JPEG"
    assert Image.open(BytesIO(tiny.versioned[path]())).size == (64, 48)


def test_only_what_changed_is_made_again_and_what_went_is_removed(tmp_path):
    loads = []

    def watched(name, version):
        def load():
            loads.append(name)
            return Image.new("RGB", (640, 480), "red")

        return replace(picture(name, version), load=load)

    def shown(versions):
        cells = {
            ("structure", "cat", style): Cell(watched(style, version), details_version=version)
            for style, version in versions.items()
        }
        return render(gallery(styles=[Style(style, picture(style)) for style in versions], cells=cells))

    shown({"wave": "1", "dots": "1"}).write(tmp_path)
    assert sorted(set(loads)) == ["dots", "wave"]
    loads.clear()
    assert shown({"wave": "1", "dots": "1"}).write(tmp_path) == [] and loads == []
    made = shown({"wave": "1", "dots": "2"}).write(tmp_path)
    assert set(loads) == {"dots"} and len(made) == 3 and all("dots" in path for path in made)
    loads.clear()
    shown({"wave": "1"}).write(tmp_path)
    assert loads == []
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("dots" in path for path in left)
    assert set(left) == {*shown({"wave": "1"}).versioned, *shown({"wave": "1"}).pages}


def test_the_same_gallery_gives_the_same_bytes():
    one, two = (render(gallery()) for _ in range(2))
    assert one.pages == two.pages
    assert {path: make() for path, make in one.versioned.items()} == {
        path: make() for path, make in two.versioned.items()
    }


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "", ".", "..", "CON", "Éa", "x" * 5000, "名前", NASTY, "a\0b"]
)
def test_any_name_gets_files_of_its_own_inside_the_folder(name):
    shown = gallery(
        contents=[Content("cat", picture("c")), Content(name, picture("c"))],
        cells={("structure", n, "wave"): Cell(picture("p")) for n in ("cat", name)},
    )
    paths = list(render(shown).versioned)
    for path in paths:
        parts = path.split("/")
        assert all(re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,120}", part) and part.strip(".") for part in parts), path
    assert len([path for path in paths if path.startswith("details/")]) == 2


def test_names_that_differ_in_case_alone_get_files_that_do_not():
    shown = gallery(contents=[Content(name, picture("c")) for name in ("cat", "Cat", "CAT")], cells={})
    paths = [path.lower() for path in render(shown).versioned if path.startswith("pictures/content")]
    assert len(set(paths)) == 6


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipes": [RecipeInfo("gatys"), RecipeInfo("gatys")], "cells": {}}, "two of the recipe 'gatys'"),
        (
            {"cells": {("structure", "dog", "wave"): Cell(picture("p"))}},
            "of the content 'dog', which the gallery doesn't",
        ),
        ({"gaps": {("structure", "cat", "sea"): "not made"}}, "of the style 'sea', which the gallery doesn't have"),
        ({"metrics": [MetricInfo("a", "A", "lower", True)] * 2}, "two of the metric 'a'"),
    ],
)
def test_a_gallery_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        render(gallery(**changes))


def test_a_history_of_uneven_columns_is_refused():
    cell = Cell(picture("p"), details=lambda: Details(history={"step": [1, 2], "total": [1.0]}))
    with pytest.raises(ValueError, match=r"differ in length: \[1, 2\]"):
        details(render(gallery(cells={("structure", "cat", "wave"): cell})))
