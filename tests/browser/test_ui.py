"""Dagster's UI as a user meets it: the graph, a backfill launched by clicks, a cell's picture, automation.

At last, with the same servers at work: a run of the command line beside those of the daemon.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product

import dagster as dg
import pytest
from playwright.sync_api import Page, expect
from small_project import CONTENTS, PAINTED, RECIPES, STYLES, draw, furnish
from typer.testing import CliRunner
from ui import CHROMIUM, browser, dagster_dev, launch_backfill, open_cell, open_lineage, switch_on

from spnst_pipeline.cli.execution import open_home
from spnst_pipeline.cli.main import app
from spnst_pipeline.definitions import defs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.daemon,
    pytest.mark.slow(100),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]

MINUTE = 60_000

UNFINISHED = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)

NEW = "newcomer"


def copy_in(place):
    """Put a new content into the folder that the catalogue's sensor watches."""
    if not (place.root / f"contents/{NEW}.png").exists():
        draw(77).save(place.root / f"contents/{NEW}.png")


def expect_preview(page):
    """Content, style and pastiche are shown, each as a whole."""
    dialog = page.get_by_role("dialog")
    pictures = dialog.get_by_role("img", name="preview")
    expect(pictures).to_have_count(3)
    for picture in pictures.all():
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.complete && image.naturalWidth") >= 48
        inside, around = picture.bounding_box(), dialog.bounding_box()
        assert around["x"] <= inside["x"]
        assert inside["x"] + inside["width"] <= around["x"] + around["width"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures, their targets and the pastiches of one recipe; those of the other are left to the UI."""
    place = furnish(tmp_path_factory.mktemp("ui") / "project")
    assert place.run(recipes=(str(place.root / "gatys.yaml"),), phases=PAINTED).failed == []
    open_home(place.settings()).dispose()
    return place


@pytest.fixture(scope="module")
def url(place) -> Iterator[str]:
    with dagster_dev(place.settings().dagster_home) as url:
        yield url


@pytest.fixture
def page(url) -> Iterator[Page]:
    """A browser in which nothing may go wrong, large enough for the whole lineage: what lies outside isn't drawn."""
    with browser(2400, 2400) as (page, errors):
        yield page
    assert errors == []


def test_the_lineage_shows_every_asset(page, url, place, monkeypatch):
    monkeypatch.setenv("SPNST_CONFIG", str(place.settings().dagster_home / "spnst.yaml"))
    specs = defs().resolve_all_asset_specs()
    nodes = open_lineage(page, url, sorted({spec.group_name for spec in specs}))
    for name, count in Counter(spec.key.path[-1] for spec in specs).items():
        named = nodes.get_by_text(name, exact=True)
        expect(named, f"nodes named {name}").to_have_count(count, timeout=MINUTE)


def test_a_backfill_launched_by_clicks_ends_in_pictures(page, url, place):
    cells = len(CONTENTS) * len(STYLES)
    pictures = place.out / "pastiche/structure"
    assert "structure" in RECIPES
    assert not pictures.exists()

    launch_backfill(page, url, "pastiche/structure")
    copy_in(place)  # the sensor takes a minute to trust a file: it may do so meanwhile
    page.get_by_role("link", name="View").or_(page.get_by_role("button", name="View", exact=True)).first.click()
    page.wait_for_url("**/runs/b/**")
    backfill = page.url

    page.goto(f"{url}/assets/pastiche/structure?view=partitions")
    expect(page.get_by_text(f"Materialized ({cells})")).to_be_visible(timeout=10 * MINUTE)
    assert len(list(pictures.rglob("*.png"))) == cells

    open_cell(page, url, "pastiche/structure", "cat", "wave")
    page.get_by_text("[Show Markdown]").first.click()
    expect_preview(page)

    page.goto(backfill)
    no_link = page.locator("xpath=//*[not(ancestor-or-self::a)]")  # a column of the table is headed like the status
    expect(page.get_by_text("Succeeded", exact=True).and_(no_link)).to_be_visible(timeout=5 * MINUTE)


def test_a_file_copied_in_becomes_a_partition_and_once_automation_is_on_pastiches(page, url, place):
    copy_in(place)
    switch_on(page, url, "stylize_at_once")
    end = time.monotonic() + 600
    while len(list(place.out.glob(f"pastiche/*/{NEW}/[!.]*.png"))) < len(RECIPES) * len(STYLES):
        assert time.monotonic() < end, "the sensors asked for no cells of the new content, or none was made"
        page.wait_for_timeout(500)

    open_cell(page, url, "pastiche/gatys", NEW, "wave")
    page.get_by_text("[Show Markdown]").first.click()
    expect_preview(page)


def test_a_run_of_the_command_line_beside_the_daemons_leaves_every_cell_whole(url, place):
    """Both may paint a cell. The automation that the test before switched on paints those of one more content."""
    path = place.root / "contents/second.png"
    draw(78).save(path)
    os.utime(path, (time.time() - 120,) * 2)  # the sensor trusts a file that has rested
    with place.instance() as instance:
        started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        wait_until(lambda: place.out.joinpath("content_image/second.png").exists() and instance.get_runs(started))
        began = time.time()
        run = place.run(phases=PAINTED)
        assert run.failed == []
        wait_until(lambda: instance.get_runs_count(dg.RunsFilter(statuses=[*UNFINISHED])) == 0)
        later = instance.get_runs(dg.RunsFilter(updated_after=datetime.fromtimestamp(began, UTC)))
    assert {run.status for run in later} == {dg.DagsterRunStatus.SUCCESS}
    cells = {f"{r}/{c}/{s}.png" for r, c, s in product(RECIPES, (*CONTENTS, NEW, "second"), STYLES)}
    assert {
        path.relative_to(place.out / "pastiche").as_posix() for path in place.out.glob("pastiche/*/*/[!.]*")
    } == cells
    answer = CliRunner().invoke(app, ["verify", str(place.out)])
    assert answer.exit_code == 0, answer.stdout


def wait_until(done: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.2)
