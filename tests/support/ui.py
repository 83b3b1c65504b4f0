"""Dagster's UI, for real: webserver and daemon over a DAGSTER_HOME, and a headless Chromium to look at them."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright
from servers import free_port, running, wait_for

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The system's browser; Playwright's own is never downloaded."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def dagster_dev(home: Path) -> Iterator[str]:
    """What ``make ui`` starts, on a free port: yields its address. Its log is printed at the end."""
    port = free_port()
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPNST_")}
    environment |= {"DAGSTER_HOME": str(home), "SPNST_CONFIG": str(home / "spnst.yaml")}
    log = home.parent / "dagster-dev.log"
    with running(command, environment, log) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/server_info", server)
        yield url


@contextmanager
def browser(width: int = 1400, height: int = 900) -> Iterator[tuple[Page, list[str]]]:
    """A page in a fresh headless Chromium, and the errors that its console has shown so far."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page, errors
        finally:
            chromium.close()


def open_lineage(page: Page, url: str, groups: list[str]) -> Locator:
    """The global lineage with these asset groups expanded: the nodes that are assets."""
    expanded = ",".join(f"global@global:{group}" for group in groups)
    page.goto(f"{url}/asset-groups?expanded={expanded}")
    return page.locator("foreignObject:not(.group)")


def open_cell(page: Page, url: str, asset: str, content: str, style: str) -> None:
    """The partitions of an asset, at a cell that is there, with what is known of it."""
    page.goto(f"{url}/assets/{asset}?view=partitions")
    page.get_by_text(content, exact=True).first.click()
    page.get_by_text(style, exact=True).first.click()
    page.get_by_text(f"{content}|{style}", exact=True).first.wait_for()
    page.get_by_text("fingerprint", exact=True).first.wait_for()


def launch_backfill(page: Page, url: str, asset: str) -> None:
    """Materialize all partitions of an asset, by clicks."""
    page.goto(f"{url}/assets/{asset}?view=partitions")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    choices = dialog.get_by_role("button", name="All", exact=True)
    choices.first.wait_for()
    for choice in choices.all():
        choice.click()
    dialog.get_by_role("button", name="Launch backfill").click()
    page.get_by_text("Created backfill").wait_for()


def switch_on(page: Page, url: str, sensor: str) -> None:
    """Start a sensor, on its page."""
    page.goto(f"{url}/locations/spnst_pipeline.definitions/sensors/{sensor}")
    switch = page.get_by_role("row", name="Running").get_by_role("checkbox")
    switch.press("Space")  # the checkbox itself lies outside of the window, what is seen is drawn
    expect(switch).to_be_checked()
