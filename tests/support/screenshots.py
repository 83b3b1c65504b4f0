"""The pictures in docs/pipeline.md, taken from Dagster's own UI: ``python tests/support/screenshots.py out/demo``.

Works on a copy of the demo's folder, whose pastiches by `structure` are taken away and painted again while we look.
"""

import shutil
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
from PIL import Image
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ui import browser, dagster_dev, launch_backfill, open_cell, open_lineage  # noqa: E402

ASSET = "pastiche/structure"
GROUPS = ["inputs", "targets", "pastiches", "films", "evaluation", "contact_sheets", "gallery"]
BYTES = 120_000
MINUTE = 60_000
MARGIN = 16


def main(demo: Path, pictures: Path) -> None:
    """Take all of them."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(shutil.copytree(demo, Path(folder) / "demo"))
        home = out / ".dagster"
        take(out, home, pictures)


def take(out: Path, home: Path, pictures: Path) -> None:
    """All pictures, from the project in ``out``, in the order in which the UI comes to show them."""
    contents = sorted(path.stem for path in (out / "content_image").glob("*.png"))
    styles = sorted(path.stem for path in (out / "style_image").glob("*.png"))
    half = len(contents) * len(styles) // 2
    with dagster_dev(home) as url, browser(1360, 800) as (page, _):
        page.set_viewport_size({"width": 2400, "height": 2400})  # nodes outside aren't drawn
        nodes = open_lineage(page, url, GROUPS)
        expect(nodes.get_by_text("metric_table")).to_be_visible(timeout=MINUTE)
        expect(page.get_by_text("Loading")).to_have_count(0, timeout=MINUTE)
        page.wait_for_timeout(2000)
        save(page, pictures / "lineage.png", clip=around(page.locator("foreignObject.group").all()))

        page.set_viewport_size({"width": 1360, "height": 940})
        open_cell(page, url, ASSET, contents[-1], styles[0])
        save(page, pictures / "cell.png")
        page.get_by_text("[Show Markdown]").first.click()
        expect(page.get_by_role("dialog").get_by_role("img", name="preview").first).to_be_visible()
        page.wait_for_timeout(1000)
        page.get_by_role("dialog").screenshot(path=pictures / "preview.jpg", type="jpeg", quality=85)
        page.keyboard.press("Escape")

        page.set_viewport_size({"width": 1360, "height": 760})
        page.goto(f"{url}/assets/{ASSET}?view=checks")
        page.get_by_text("style_fell").first.click()
        page.wait_for_timeout(2000)
        save(page, pictures / "check.png")

        shutil.rmtree(out / ASSET)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.wipe_assets([dg.AssetKey(ASSET.split("/"))])
        launch_backfill(page, url, ASSET)
        page.get_by_role("link", name="View").or_(page.get_by_role("button", name="View", exact=True)).first.click()
        page.wait_for_url("**/runs/b/**")
        backfill = page.url

        page.goto(f"{url}/assets/{ASSET}?view=partitions")
        end = time.monotonic() + 1800
        while len(list((out / ASSET).rglob("*.png"))) < half:
            assert time.monotonic() < end
            page.wait_for_timeout(500)
        open_cell(page, url, ASSET, contents[0], styles[0])
        save(page, pictures / "grid.png")
        page.goto(backfill)
        expect(page.get_by_text(ASSET.split("/")[1]).first).to_be_visible(timeout=MINUTE)
        page.wait_for_timeout(2000)
        save(page, pictures / "backfill.png", clip={"x": 0, "y": 0, "width": 1360, "height": 400})


def around(elements: list[Locator]) -> dict[str, float]:
    """The rectangle that holds all elements, with a margin."""
    boxes = [box for element in elements if (box := element.bounding_box())]
    left, top = min(box["x"] for box in boxes) - MARGIN, min(box["y"] for box in boxes) - MARGIN
    right, bottom = (max(box[at] + box[size] for box in boxes) for at, size in (("x", "width"), ("y", "height")))
    return {"x": left, "y": top, "width": right + MARGIN - left, "height": bottom + MARGIN - top}


def save(page: Page, path: Path, **options: Any) -> None:
    """A screenshot, in as few colours as make it small: the UI has not many."""
    page.wait_for_timeout(1000)
    image = Image.open(BytesIO(page.screenshot(**options))).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        few = image.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size <= BYTES:
            break
    print(f"{path}: {path.stat().st_size} bytes, {colours} colours")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo"), ROOT / "docs/pipeline")
