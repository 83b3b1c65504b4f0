"""A disk that is really full in the middle of a run: it is told in one line, and the next run, with room, goes on."""

import shutil
import subprocess
from contextlib import suppress

import pytest
from PIL import Image
from small_project import CONTENTS, PAINTED, STYLES, Recorder, furnish

from spnst_core.errors import InputError

pytestmark = pytest.mark.project

CELLS = [f"pastiche/gatys/{content}/{style}.png" for content in CONTENTS for style in STYLES]


class Filling(Recorder):
    """Fills the disk at the first step of the optimiser."""

    def __init__(self, disk):
        super().__init__()
        self.disk = disk

    def step(self, iterate):
        super().step(iterate)
        if self.steps == 1:
            with suppress(OSError), (self.disk / "ballast").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, in memory, a little larger than what a run asks for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount"):
        pytest.skip("there is no command mount")
    command = ["mount", "-t", "tmpfs", "-o", "size=130m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {' '.join(mounted.stderr.split())}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def run(place, recorder=None, **where):
    return place.run(recorder, phases=PAINTED, recipes=(str(place.root / "gatys.yaml"),), **where)


def assert_made_whole(place, disk, **where):
    assert list(disk.rglob(".*.part")) == []
    (disk / "ballast").unlink()
    again = run(place, **where)
    assert again.failed == []
    assert sorted(disk.rglob("pastiche/gatys/*/*.png")) == [disk / "out" / path for path in CELLS]
    for path in CELLS:
        Image.open(disk / "out" / path).load()
    assert run(place, **where).recorder.keys == []


@pytest.mark.slow(20)
def test_a_full_disk_of_the_store_fails_each_cell_in_one_line(disk, tmp_path):
    place = furnish(tmp_path / "project")
    where = {"out": str(disk / "out"), "home": str(tmp_path / "home")}
    failed = run(place, Filling(disk), **where).failed
    assert [line.partition(": ")[0] for line in failed] == [
        f"pastiche/gatys[{c}|{s}]" for c in CONTENTS for s in STYLES
    ]
    assert all(line.endswith("can't be written: No space left on device: make room, and run again") for line in failed)
    assert_made_whole(place, disk, **where)


@pytest.mark.slow(6)
def test_a_full_disk_of_the_records_too_ends_the_run_in_one_line(disk, tmp_path):
    place = furnish(tmp_path / "project")
    where = {"out": str(disk / "out")}
    with pytest.raises(InputError, match="can't be written .*: make room on its disk") as error:
        run(place, Filling(disk), **where)
    assert "\n" not in str(error.value)
    assert_made_whole(place, disk, **where)
