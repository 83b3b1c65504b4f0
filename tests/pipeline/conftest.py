"""Fixtures over a small project: fresh, and after its first run."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_project import Run, Workplace, draw, furnish

from spnst_pipeline.settings import Settings


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny pictures gain nothing from threads, and lose much where processors are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in (*Settings.model_fields, "config"):
        monkeypatch.delenv(f"SPNST_{field.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """The function that draws small pictures."""
    return draw


@pytest.fixture
def fresh(tmp_path: Path) -> Workplace:
    """A project of which nothing was made yet."""
    return furnish(tmp_path / "project")


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, Run]:
    """A project after its first run. Shared: look, don't touch."""
    place = furnish(tmp_path_factory.mktemp("first") / "project")
    return place, place.run()


@pytest.fixture
def made(first_run: tuple[Workplace, Run], tmp_path: Path) -> Workplace:
    """A copy of a project in which everything is up to date, to change as a test likes."""
    root = tmp_path / "project"
    shutil.copytree(first_run[0].root, root)
    return Workplace(root)
