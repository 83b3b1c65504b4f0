"""How long it takes to write a large gallery, to bring it up to date, and to open it from disk in a headless browser.

    python -m benchmarks.gallery [--cells 2000] [--keep FOLDER]

It prints seconds. The first view is complete once every picture inside the window is drawn. It needs Chromium and
Playwright (``pip install playwright``), but not the browser that Playwright downloads.
"""

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from spnst_core.gallery.description import Cell, Content, Details, Gallery, MetricInfo, RecipeInfo, StoredPicture, Style
from spnst_core.gallery.folder import INDEX, render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

FIRST_VIEW = """
addEventListener("DOMContentLoaded", function look() {
  const seen = [...document.images].filter(image => {
    const {top, bottom, left, right} = image.getBoundingClientRect();
    return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  });
  if (seen.length && seen.every(image => image.complete && image.naturalWidth)) window.firstView = performance.now();
  else requestAnimationFrame(look);
});
"""
"""Stores the time from the start of the navigation until every picture inside the window is there."""


def generated(cells: int) -> Gallery:
    """A gallery of about ``cells`` small pictures: two recipes, and half as many styles as contents."""
    styles = max(1, round(math.sqrt(cells / 4)))
    contents = max(1, round(cells / (2 * styles)))
    names = [f"content-{number:03d}" for number in range(contents)]
    style_names = [f"style-{number:03d}" for number in range(styles)]
    metrics = [MetricInfo(f"score{n}", f"score {n}", "lower" if n % 2 else "higher", n < 4) for n in range(10)]
    random = np.random.default_rng(0)
    return Gallery(
        title="Generated",
        fingerprint="generated",
        contents=[Content(name, picture(f"content/{name}"), picture(f"depth/{name}")) for name in names],
        styles=[Style(name, picture(f"style/{name}")) for name in style_names],
        recipes=[RecipeInfo("structure"), RecipeInfo("gatys")],
        cells={
            (recipe, content, style): Cell(
                picture=picture(f"{recipe}/{content}/{style}"),
                scores=dict(zip((metric.key for metric in metrics), random.random(10).tolist(), strict=True)),
                details=partial(Details, {"seconds": "1"}, {"step": range(300), "total": random.random(300).tolist()}),
            )
            for recipe in ("structure", "gatys")
            for content in names
            for style in style_names
        },
        metrics=metrics,
    )


def picture(name: str, version: str = "1") -> StoredPicture:
    """A picture of 256x192 pixels: waves whose colours and directions depend on the name."""

    def load() -> Image.Image:
        random = np.random.default_rng(list(name.encode()))
        y, x = np.mgrid[0:192, 0:256] / 40
        waves = [np.sin(x * fx + y * fy + start) for fx, fy, start in random.uniform(-3, 3, (3, 3))]
        noise = random.normal(0, 12, (192, 256, 3))
        return Image.fromarray((np.stack(waves, 2) * 90 + 128 + noise).clip(0, 255).astype(np.uint8))

    return StoredPicture(f"../pastiche/{name}.png", name + version, 256, 192, load)


def timed(work: Callable[[], list[str]]) -> tuple[float, int]:
    """Seconds that the work took, and how many files it made."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, len(made)


def opened(page: Path, repeats: int) -> tuple[list[float], int]:
    """Seconds to the first view, each in a fresh browser; and the most elements that the page had."""
    from playwright.sync_api import sync_playwright

    seconds: list[float] = []
    elements = 0
    with sync_playwright() as playwright:
        for _ in range(repeats):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.add_init_script(FIRST_VIEW)
            tab.goto(page.as_uri(), wait_until="commit")
            tab.wait_for_function("window.firstView", timeout=60_000)
            seconds.append(tab.evaluate("window.firstView") / 1000)
            elements = max(elements, tab.evaluate("document.querySelectorAll('*').length"))
            browser.close()
    return seconds, elements


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=2000, help="approximate number of cells")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the gallery here and keep it")
    parser.add_argument("--repeats", type=int, default=3, help="how many times to open it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = given.keep or Path(temporary)
        gallery = generated(given.cells)
        print(f"{len(gallery.cells)} cells: {len(gallery.contents)} contents, {len(gallery.styles)} styles, 2 recipes")
        print("written        {:6.2f} s, {} files".format(*timed(lambda: render(gallery).write(place))))
        print("nothing new    {:6.2f} s, {} files".format(*timed(lambda: render(gallery).write(place))))
        key, cell = next(iter(gallery.cells.items()))
        changed = {**gallery.cells, key: replace(cell, picture=picture("another"))}
        gallery = replace(gallery, cells=changed)
        print("one cell new   {:6.2f} s, {} files".format(*timed(lambda: render(gallery).write(place))))
        sizes = {name: (place / name).stat().st_size / 1e6 for name in (INDEX, "data.js")}
        print("  ".join(f"{name} {size:.2f} MB" for name, size in sizes.items()))
        if CHROMIUM is None:
            sys.exit("no Chromium on this machine: the first view wasn't measured")
        seconds, elements = opened(place / INDEX, given.repeats)
        print(f"first view     {', '.join(f'{s:.2f}' for s in seconds)} s, {elements} elements")


if __name__ == "__main__":
    main()
