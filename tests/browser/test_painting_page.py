"""The page that paints, opened from disk in a real browser, with the real runtime and a painter's network."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("playwright", reason="Playwright isn't installed: pip install playwright")
pytest.importorskip("onnxscript", reason="the extra onnx isn't installed: pip install 'spnst[onnx]'")

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from ui import CHROMIUM, FLAGS

from spnst_core import InputError, Recipe, samples
from spnst_core.gallery import runtime
from spnst_core.gallery.painting import BrowserPainter, Painting, painting_folder
from spnst_core.imaging import io as image_io
from spnst_core.painters.export import to_onnx
from spnst_core.painters.network import NARROW, SMALLEST_SIDE, PainterNet
from spnst_core.painters.painter import ARCHITECTURE, Painter

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow(40),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def painter(seed: int) -> Painter:
    torch.manual_seed(seed)
    network = PainterNet(NARROW).eval().requires_grad_(False)
    for weight in network.parameters():
        weight.add_(0.05 * torch.randn_like(weight))
    recipe = Recipe.load("structure")
    made = {"architecture": ARCHITECTURE, "width": NARROW, "size": 64, "recipe_name": recipe.name}
    return Painter(network, {**made, "recipe": recipe.to_yaml()})


@pytest.fixture(scope="module")
def fetched() -> runtime.Runtime:
    try:
        return runtime.find()
    except InputError as error:
        if "can't fetch" not in str(error):  # what npm brings must be right
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, fetched: runtime.Runtime) -> Path:
    """A folder with a page of two painters."""
    folder = tmp_path_factory.mktemp("page with a space")
    offered = [BrowserPainter(name, "structure", partial(to_onnx, painter(n)), name) for n, name in enumerate("ab")]
    versioned, pages = painting_folder(Painting(offered, lambda: fetched, SMALLEST_SIDE))
    for name, data in {**{name: make() for name, make in versioned.items()}, **pages}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, place: Path) -> Iterator[Page]:
    """The page from disk. At the end, nothing may have been asked for beyond its folder, or gone wrong."""
    wrong: list[str] = []
    opened = browser.new_page(viewport={"width": 1000, "height": 800})
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    inside = (place.as_uri(), "data:", "blob:")
    opened.on("request", lambda asked: None if asked.url.startswith(inside) else wrong.append(asked.url))
    opened.goto((place / "index.html").as_uri())
    yield opened
    opened.close()
    assert wrong == []


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A picture whose long side is one that the page offers, so that it isn't resized."""
    image = samples.contents()["chelsea"].convert("RGB").resize((256, 176), Image.Resampling.LANCZOS)
    image.save(tmp_path / "my cat.png")
    return tmp_path / "my cat.png"


def shown(page: Page, which: str) -> np.ndarray:
    """The pixels of a canvas, (H, W, 3) bytes."""
    script = "id => { const c = document.querySelector(`#${id} canvas`); return [c.width, c.height, "
    script += "Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)]; }"
    width, height, data = page.evaluate(script, which)
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def wait_until(page: Page, told: Callable[[str], bool]) -> str:
    """The status, once it says so."""
    page.wait_for_function("() => !/…|^$/.test(document.getElementById('status').textContent)")
    found = page.inner_text("#status")
    assert told(found), found
    return found


def test_it_paints_what_pytorch_paints(page: Page, content: Path) -> None:
    page.select_option("#size", "256")
    page.set_input_files("#file", content)
    assert wait_until(page, lambda told: "painted in" in told).startswith("256×176 px, painted in ")
    expected = image_io.to_image(painter(0).paint(image_io.read(content), 256))
    off = np.abs(shown(page, "after").astype(int) - np.asarray(expected.convert("RGB")).astype(int))
    assert off.max() <= 1
    assert np.array_equal(shown(page, "before"), np.asarray(Image.open(content)))

    with page.expect_download() as saved:
        page.click("#save")
    assert saved.value.suggested_filename == "my cat-a.png"
    assert np.array_equal(np.asarray(Image.open(saved.value.path()).convert("RGB")), shown(page, "after"))


def test_another_style_and_size_paint_it_again(page: Page, content: Path) -> None:
    page.select_option("#size", "256")
    page.set_input_files("#file", content)
    wait_until(page, lambda told: "painted in" in told)
    first = shown(page, "after")
    page.get_by_label("b", exact=True).check()
    page.wait_for_function("name => document.getElementById('save').download === name", arg="my cat-b.png")
    assert not np.array_equal(shown(page, "after"), first)
    page.select_option("#size", "384")
    expect(page.locator("#status")).to_contain_text("384×264 px, painted in")


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("text.png", b"no picture", "text.png isn't a picture that this browser can read."),
        ("empty.jpg", b"", "empty.jpg isn't a picture that this browser can read."),
    ],
)
def test_a_file_that_is_no_picture_is_refused(page: Page, name: str, data: bytes, told: str) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})
    expect(page.locator("#status")).to_have_text(told)
    expect(page.locator("#result")).to_be_hidden()


def test_a_picture_that_would_be_too_narrow_is_refused(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (1000, 20), "red").save(tmp_path / "line.png")
    page.set_input_files("#file", tmp_path / "line.png")
    told = "line.png would be 512×10 px, and a painter needs 32 px on each side: choose a larger size"
    expect(page.locator("#status")).to_contain_text(told)


def test_what_is_transparent_lies_on_white(page: Page, tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    page.select_option("#size", "256")
    page.set_input_files("#file", tmp_path / "clear.png")
    wait_until(page, lambda told: "painted in" in told)
    assert (shown(page, "before") == 255).all()
