"""The gallery in a real browser, opened from disk: filters, pictures side by side, keys; it requests only its files."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright isn't installed: pip install playwright")

from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from ui import CHROMIUM, FLAGS

from spnst_core import samples
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
from spnst_core.gallery.folder import render
from spnst_core.report.colour_maps import in_colour

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]

NASTY = [
    "<script>window.broken=1</script>",
    "W" * 300,
    "שלום עולם " * 12,
    "a/b?c#d%20e&f=g+h",
    "اسم طويل جدا للصورة",
    "名前" * 60,
]

HISTORY = {
    "step": list(range(1, 41)),
    "stage": [0] * 20 + [1] * 20,
    "style": [3 / step for step in range(1, 41)],
    "edge": [0.0] * 40,
    "total": [4 / step for step in range(1, 41)],
}


def picture(image, name: str) -> StoredPicture:
    small = image.copy()
    small.thumbnail((160, 160))
    return StoredPicture(f"../pastiche/{name}.png", name, *small.size, lambda: small)


def described(
    contents: list[str], styles: list[str], recipes: list[str], missing: tuple[str, str, str] | None = None
) -> Gallery:
    """A gallery whose pastiches are the style images; the score `edge` falls from cell to cell, `canny` rises."""
    content_images, style_images = list(samples.contents().values()), list(samples.styles(160, len(styles)).values())
    shown = {name: picture(content_images[i % len(content_images)], f"c{i}") for i, name in enumerate(contents)}
    painted = {name: picture(style_images[i % len(style_images)], f"s{i}") for i, name in enumerate(styles)}
    grid = [(r, c, s) for r in recipes for c in contents for s in styles]
    depth = {name: picture(in_colour(p.load(), "viridis"), f"d{p.version}") for name, p in shown.items()}
    return Gallery(
        title="Pastiches",
        fingerprint="f",
        contents=[Content(name, p, depth[name], depth[name]) for name, p in shown.items()],
        styles=[Style(name, p) for name, p in painted.items()],
        recipes=[RecipeInfo(name, f"What {name} does.") for name in recipes],
        cells={
            (r, c, s): Cell(
                painted[s],
                depth[c],
                depth[c],
                {"edge": 1 - n / 100, "canny": float("nan") if n == 1 else n / 100},
                {"canny": "no edge was found"},
                partial(Details, {"fingerprint": f"mark-{n}", "device": "cpu"}, HISTORY),
                str(n),
            )
            for n, (r, c, s) in enumerate(grid)
            if (r, c, s) != missing
        },
        gaps={missing: "blocked: of one colour"} if missing else {},
        metrics=[
            MetricInfo("canny", "Canny F", "higher", seen=False, description="Agreement of edges."),
            MetricInfo("edge", "edge error", "lower", seen=True),
        ],
        tables=[Table(["", "edge error"], [["structure", "0.5"]], "Means")],
        plots=[Plot("frontier", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 6"/>', "error against style")],
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 contents, 2 styles, 2 recipes; one cell is missing."""
    place = tmp_path_factory.mktemp("plain") / "gallery"
    gallery = described(["cat", "dog", "boat"], ["wave", "dots"], ["structure", "gatys"], ("gatys", "dog", "wave"))
    render(gallery).write(place)
    return place


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names that no layout was made for."""
    place = tmp_path_factory.mktemp("nasty") / "gallery"
    render(described(NASTY, NASTY[:3], ["W" * 200, "<b>gatys</b>"])).write(place)
    return place


@pytest.fixture
def tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address of a gallery. At the end, nothing may have been asked for but files of it, or gone wrong."""
    opened: list[Page] = []
    wrong: list[str] = []

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what was still loading when its page was left
            wrong.append(f"{request.failure}: {request.url}")

    def open_page(place: Path, address: str = "index.html", width: int = 1280, height: int = 900, **more: str) -> Page:
        page = browser.new_context(viewport={"width": width, "height": height}, **more).new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", failed)
        inside = (place.as_uri(), "data:,")
        page.on("request", lambda r: None if r.url.startswith(inside) else wrong.append(f"outside: {r.url}"))
        page.goto(f"{place.as_uri()}/{address}")
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.context.close()
    assert wrong == []


def tiles(page: Page) -> list[str]:
    return [link.get_attribute("href").partition("#")[2] for link in page.locator("#grid td a.tile").all()]


def cards(page: Page) -> list[str]:
    return [link.get_attribute("href").partition("#")[2] for link in page.locator(".cards a.tile").all()]


# ---------------------------------------------------------------------------------------------------------- the index


def test_the_grid_shows_every_cell_in_its_place_and_labels_the_gap(tab, plain):
    page = tab(plain)
    expect(page.locator("#grid td a.tile")).to_have_count(11)
    assert tiles(page)[:4] == ["structure/cat/wave", "gatys/cat/wave", "structure/cat/dots", "gatys/cat/dots"]
    gap = page.locator("#grid .gap")
    assert gap.inner_text() == "blocked: of one colour"
    assert gap.evaluate("gap => [gap.closest('tr').rowIndex, gap.closest('td').cellIndex]") == [2, 1]
    assert page.locator("#count").inner_text() == "11 pastiches, 1 missing"
    page.wait_for_function(
        "[...document.querySelectorAll('#grid img')].every(image => image.complete && image.naturalWidth)"
    )


def test_every_picture_has_a_text(tab, plain):
    for address in ("index.html", "cell.html#structure/cat/wave"):
        page = tab(plain, address)
        page.wait_for_selector("main img")
        assert page.evaluate("[...document.images].filter(image => !image.alt).length") == 0


def test_regions_of_a_content_stand_beside_its_maps_with_a_legend(tab, tmp_path):
    gallery = described(["cat"], ["wave"], ["structure", "gatys"])
    (key, _), (cell, _) = gallery.cells, gallery.cells.values()
    tints = {"keep": "#e69f00", NASTY[0]: "#56b4e9"}
    shown = replace(cell, regions=RegionMap(replace(cell.picture, original=None, version="r"), tints))
    render(replace(gallery, cells={**gallery.cells, key: shown})).write(tmp_path)
    page = tab(tmp_path, "cell.html#structure/cat/wave")
    figure = page.locator(".maps figure").last
    assert figure.locator("img").get_attribute("alt") == "regions of the content cat"
    assert figure.locator(".legend li").all_inner_texts() == list(tints)
    colours = figure.locator(".tint").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert colours == ["rgb(230, 159, 0)", "rgb(86, 180, 233)"]
    expect(tab(tmp_path, "cell.html#gatys/cat/wave").locator(".maps .legend")).to_have_count(0)


def test_a_score_that_is_missing_is_a_dash_with_its_reason(tab, plain):
    page = tab(plain)
    assert page.locator("#grid .absent").get_attribute("title") == "no edge was found"
    assert page.locator("#grid .absent [aria-hidden]").inner_text() == "–"
    assert "NaN" not in page.locator("body").inner_text()


def test_a_filter_leaves_what_was_chosen_and_can_be_taken_back(tab, plain):
    page = tab(plain)
    page.locator("#filter-contents summary").click()
    page.locator("#filter-contents").get_by_label("dog").uncheck()
    assert all("/dog/" not in tile for tile in tiles(page)) and len(tiles(page)) == 8
    assert page.locator("#filter-contents summary").inner_text() == "Contents 2 of 3"
    page.locator("#filter-styles summary").click()
    expect(page.locator("#filter-contents")).not_to_have_attribute("open", "")
    page.locator("#filter-styles").get_by_label("dots").uncheck()
    page.locator("#filter-recipes summary").click()
    page.locator("#filter-recipes").get_by_label("gatys").uncheck()
    assert tiles(page) == ["structure/cat/wave", "structure/boat/wave"]
    page.reload()
    assert tiles(page) == ["structure/cat/wave", "structure/boat/wave"]
    page.locator("#filter-contents summary").click()
    page.locator("#filter-contents").get_by_text("none").click()
    assert tiles(page) == [] and page.locator("#count").inner_text() == "0 pastiches"
    page.locator("#filter-contents").get_by_text("all", exact=True).click()
    assert len(tiles(page)) == 3


def test_sorting_by_a_score_runs_both_ways_and_puts_missing_scores_last(tab, plain):
    page = tab(plain)
    page.get_by_role("radio", name="Sorted").check()
    by_canny = cards(page)
    assert by_canny[:2] == ["gatys/boat/dots", "gatys/boat/wave"]
    assert by_canny[-1] == "structure/cat/dots"
    page.locator("#order").select_option("worst")
    assert cards(page) == by_canny[-2::-1] + by_canny[-1:]
    page.locator("#metric").select_option(label="edge error ↓")
    page.locator("#order").select_option("best")
    values = [float(text) for text in page.locator(".cards .score").all_inner_texts()]
    assert values == sorted(values) and len(values) == 11


def test_metrics_are_grouped_by_whether_the_optimiser_saw_them(tab, plain):
    groups = tab(plain).locator("#metric optgroup")
    found = {group.get_attribute("label"): group.inner_text().strip() for group in groups.all()}
    assert found == {"Independent judges": "Canny F ↑", "Seen by the optimiser": "edge error ↓"}


def test_the_comparison_has_its_table_and_plot(tab, plain):
    page = tab(plain)
    expect(page.locator("#comparison")).to_be_hidden()
    page.get_by_role("radio", name="Comparison").check()
    expect(page.locator("#comparison table")).to_contain_text("structure")
    expect(page.get_by_alt_text("error against style")).to_be_visible()
    expect(page.locator("#grid")).to_be_hidden()


def test_the_keyboard_reaches_filters_grid_and_a_cell(tab, plain):
    page = tab(plain)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(e => e.id || e.name || (e.closest('td') && 'cell') || e.tagName)(document.activeElement)"
        )
        seen.append(name)
        if name == "cell":
            break
    assert {"view", "metric", "size", "SUMMARY", "cell"} <= set(seen)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "cell.html#structure/dog/dots"
    for key in ("ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "cell.html#structure/dog/wave"
    page.keyboard.press("Enter")
    page.wait_for_url("**/cell.html#structure/dog/wave")


# ------------------------------------------------------------------------------------------------------- a cell's page


def test_a_tile_leads_to_its_page_and_the_way_back_keeps_the_filter(tab, plain):
    page = tab(plain)
    page.locator("#filter-contents summary").click()
    page.locator("#filter-contents").get_by_label("cat").uncheck()
    page.locator("#grid td a.tile").first.click()
    expect(page.locator("h1")).to_have_text("dog × wave")
    page.go_back()
    expect(page.locator("#grid td a.tile")).to_have_count(7)


def split(page: Page) -> float:
    """Where the line is, as a share of the frame's width, by what is seen of the content."""
    return page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.frame')).getPropertyValue('--split')) / 100"
    )


def test_the_slider_follows_the_mouse(tab, plain):
    page = tab(plain, "cell.html#structure/cat/wave")
    box = page.locator(".frame").bounding_box()
    assert split(page) == 0.5
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.4, 0.25):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        assert split(page) == pytest.approx(share, abs=0.02)
    page.mouse.up()
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + 5)
    assert split(page) == pytest.approx(0.8, abs=0.02)
    clip = page.evaluate("getComputedStyle(document.querySelector('.frame .before')).clipPath")
    assert float(re.search(r"([\d.]+)%", clip)[1]) == pytest.approx(20, abs=2)


def test_scores_that_read_the_same_are_all_marked_as_the_best(tab, tmp_path):
    gallery = described(["cat"], ["wave"], ["structure", "gatys"])
    cells = {
        key: replace(cell, scores={"canny": 0.2, "edge": 0.5 + n / 1e5})
        for n, (key, cell) in enumerate(gallery.cells.items())
    }
    render(replace(gallery, cells=cells)).write(tmp_path / "gallery")
    page = tab(tmp_path / "gallery", "cell.html#structure/cat/wave")
    assert page.locator(".scores .best").all_inner_texts() == ["0.200", "0.200", "0.500", "0.500"]


def test_the_slider_follows_the_keys(tab, plain):
    page = tab(plain, "cell.html#structure/cat/wave")
    page.locator("#split").focus()
    page.keyboard.press("ArrowRight")
    assert split(page) == pytest.approx(0.505)
    page.keyboard.press("Home")
    assert split(page) == 0
    assert page.locator("#split").get_attribute("aria-valuetext") == "0 % content, 100 % structure"
    page.keyboard.press("End")
    assert split(page) == 1
    assert page.url.endswith("#structure/cat/wave")


def test_the_arrow_keys_go_to_the_next_cell_and_over_a_gap(tab, plain):
    page = tab(plain, "cell.html#gatys/cat/dots")
    expect(page.locator("#place")).to_have_text("2 of 5")
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_have_text("dog × dots")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_have_text("cat × dots")
    page.locator("#next").click()
    page.locator("#next").click()
    page.locator("#next").click()
    expect(page.locator("h1")).to_have_text("boat × dots")
    expect(page.locator("#next")).to_be_hidden()


def test_a_cell_shows_scores_beside_other_recipes_losses_and_provenance(tab, plain):
    page = tab(plain, "cell.html#structure/cat/wave")
    assert page.locator(".scores thead").inner_text().split() == ["Metric", "structure", "gatys"]
    assert page.locator(".scores .best").all_inner_texts() == ["0.060", "0.940"]
    expect(page.locator(".provenance")).to_contain_text("mark-0")
    expect(page.locator(".curves svg")).to_have_attribute(
        "aria-label", re.compile("Losses over 40 steps: style from 3.000")
    )
    assert page.locator(".curves path").count() == 2
    assert page.locator(".curves .label").all_text_contents() == ["total", "style"]
    expect(page.locator(".losses .faint")).to_contain_text("and their weighted total")
    assert page.locator(".curves .stage").count() == 1
    assert page.locator(".maps figcaption").all_inner_texts() == [
        "depth of the content",
        "depth of the pastiche",
        "edges of the content",
        "edges of the pastiche",
    ]
    assert [a.get_attribute("href") for a in page.locator(".originals a").all()][1] == "../pastiche/s0.png"
    page.locator(".others a").click()
    expect(page.locator(".provenance")).to_contain_text("mark-6")


def test_the_slider_also_compares_depth_and_other_recipes(tab, plain):
    page = tab(plain, "cell.html#structure/cat/wave")
    before = page.locator(".frame .before")
    assert before.get_attribute("alt") == "the content cat"
    page.get_by_role("radio", name="depth").check()
    assert before.get_attribute("alt") == "depth of the content cat"
    page.locator("#before").select_option("gatys")
    assert before.get_attribute("alt") == "depth of cat in the style of wave, by the recipe gatys"


# --------------------------------------------------------------------------------------------------- side by side


def panes(page: Page) -> list[str]:
    return page.locator(".panes figcaption a").all_inner_texts()


@pytest.fixture
def beside(tab, plain) -> Page:
    """The page of a cell that two recipes painted, in its view of pictures side by side."""
    page = tab(plain, "cell.html#structure/cat/wave")
    page.get_by_role("radio", name="side by side").check()
    return page


def transforms(page: Page) -> list[tuple[str, str]]:
    return [
        tuple(pair)
        for pair in page.evaluate(
            "[...document.querySelectorAll('.pane img')].map(i => [i.style.transform, i.style.transformOrigin])"
        )
    ]


def test_content_style_and_every_recipes_pastiche_stand_side_by_side(beside):
    assert panes(beside) == ["content", "structure", "gatys", "style"]
    alts = [image.get_attribute("alt") for image in beside.locator(".pane img").all()]
    assert alts[0] == "the content cat" and alts[-1] == "the style wave"
    expect(beside.locator(".frame")).to_have_count(0)
    beside.get_by_role("radio", name="slider").check()
    expect(beside.locator(".frame")).to_be_visible()


def test_what_is_chosen_stays_chosen_from_cell_to_cell(beside):
    for name in ("content", "style"):
        beside.locator(".chosen").get_by_label(name).uncheck()
    assert panes(beside) == ["structure", "gatys"]
    beside.locator("#next").click()
    expect(beside.locator("h1")).to_have_text("cat × dots")
    assert panes(beside) == ["structure", "gatys"]
    for name in ("structure", "gatys"):
        beside.locator(".chosen").get_by_label(name).uncheck()
    expect(beside.locator(".panes")).to_have_text("Choose what to show.")


def test_panes_show_maps_where_a_picture_has_them(beside):
    beside.get_by_role("radio", name="depth").check()
    assert beside.locator(".pane img").first.get_attribute("alt") == "depth of the content cat"
    assert beside.locator(".panes figcaption").last.inner_text() == "style has no depth"


def test_panes_are_zoomed_and_moved_together(beside):
    beside.get_by_role("button", name="zoom in").click()
    beside.get_by_role("button", name="zoom in").click()
    assert set(transforms(beside)) == {("scale(2.25)", "50% 50%")} and len(transforms(beside)) == 4
    box = beside.locator(".pane").first.bounding_box()
    beside.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    beside.mouse.down()
    beside.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    beside.mouse.up()
    [(_, origin)] = set(transforms(beside))
    assert float(origin.split("%")[0]) == pytest.approx(50 + 25 / 1.25, abs=1)
    beside.get_by_role("button", name="fit").click()
    assert set(transforms(beside)) == {("scale(1)", "50% 50%")}


def test_the_keys_zoom_a_pane_and_move_in_it_and_leave_it_for_the_next_cell_when_it_fits(beside):
    beside.locator(".pane").first.focus()
    beside.keyboard.press("+")
    beside.keyboard.press("ArrowRight")
    [(scale, origin)] = set(transforms(beside))
    assert scale == "scale(1.5)" and origin.startswith("70%")
    expect(beside.locator("h1")).to_have_text("cat × wave")
    beside.keyboard.press("0")
    beside.keyboard.press("ArrowRight")
    expect(beside.locator("h1")).to_have_text("cat × dots")


@pytest.mark.parametrize("mode", ["slider", "side by side"])
def test_no_picture_is_larger_than_it_is(tab, plain, mode):
    shown = "[...document.images].filter(i => i.offsetParent)"
    loaded = f"{shown}.every(i => i.complete && i.naturalWidth)"
    larger = "i => i.clientWidth > i.naturalWidth + 1 || i.clientHeight > i.naturalHeight + 1"
    stretched = f"{shown}.filter({larger}).map(i => i.alt)"
    page = tab(plain, "cell.html#structure/cat/wave", 2400, 2400)
    page.get_by_role("radio", name=mode).check()
    page.wait_for_function(loaded)
    assert page.evaluate(stretched) == []
    page.goto(f"{plain.as_uri()}/index.html#size=320")
    page.wait_for_function(loaded)
    assert page.evaluate(stretched) == []


def test_four_maps_stand_in_a_row_on_a_wide_screen(tab, plain):
    page = tab(plain, "cell.html#structure/cat/wave")
    assert len({figure.bounding_box()["y"] for figure in page.locator(".maps figure").all()}) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("cell.html#gatys/dog/wave", "blocked: of one colour"),
        ("cell.html#gatys/cow/wave", "The address names no cell"),
        ("cell.html", "The address names no cell"),
        ("cell.html#%E0%A4%A", "The address names no cell"),
    ],
)
def test_a_cell_that_isnt_there_says_so(tab, plain, address, words):
    expect(tab(plain, address).locator("main")).to_contain_text(words)


# ------------------------------------------------------------------------------------------------- any name, any width


def overflowing(page: Page) -> list[str]:
    """Elements that stick out of the window sideways and aren't inside something that scrolls or cuts."""
    return page.evaluate("""() => {
      const cut = e => { for (let p = e; p && p !== document.body; p = p.parentElement) {
        if (getComputedStyle(p).overflowX !== "visible" || p.closest(".skip, .hidden")) return true; } return false; };
      const wide = document.documentElement.clientWidth + 1;
      return [...document.body.querySelectorAll("*")].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width && (box.right > wide || box.left < -1) && !cut(e.parentElement) && !cut(e);
      }).map(e => `${e.tagName}.${e.className.baseVal ?? e.className} ${JSON.stringify(e.getBoundingClientRect())}`);
    }""")


def test_a_box_that_scrolls_says_so_until_its_end_is_seen(tab, plain):
    page = tab(plain, "index.html#size=200", 390)
    hint = page.locator("#grid .more-hint")
    expect(hint).to_be_visible()
    expect(hint).not_to_have_class(re.compile("away"))
    page.locator("#grid .scroll").evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    expect(hint).to_have_class(re.compile("away"))
    wide = tab(plain, "index.html#view=comparison", 1280)
    expect(wide.locator("#comparison .more-hint").first).to_be_hidden()


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize(
    "address",
    ["index.html", "index.html#view=sorted", "index.html#view=comparison", "first cell", "right to left", "panes"],
)
def test_no_name_leaves_its_box(tab, nasty, width, address):
    page = tab(nasty, "index.html", width)
    if not address.startswith("index"):
        hrefs = page.evaluate("gallery.cells.map(cell => addressOf(cell.at))")
        page.goto(f"{nasty.as_uri()}/{hrefs[6 if 'right' in address else 0]}")
        page.wait_for_selector(".provenance dl")
        if address == "panes":
            page.get_by_role("radio", name="side by side").check()
    else:
        page.goto(f"{nasty.as_uri()}/{address}")
        page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert overflowing(page) == []
    assert page.evaluate("window.broken") is None


def test_cells_of_any_name_have_pages_and_neighbours(tab, nasty):
    page = tab(nasty)
    page.locator("#grid td a.tile").first.click()
    page.wait_for_selector(".provenance dl")
    count = 18
    for number in range(1, count):
        expect(page.locator("#place")).to_have_text(f"{number} of {count}")
        page.keyboard.press("ArrowRight")
    expect(page.locator(".provenance")).to_contain_text("mark-17")


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(250, 248, 244)"), ("dark", "rgb(21, 20, 18)")])
def test_pages_follow_the_colour_scheme(tab, plain, scheme, paper):
    for address in ("index.html", "cell.html#structure/cat/wave"):
        page = tab(plain, address, color_scheme=scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
