"""A grid in which one operation in five fails: nothing is lost, and nothing is painted twice."""

import random
from collections import Counter

import pytest
from PIL import Image
from small_project import PAINTED, Recorder, Workplace, draw

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import Folder

pytestmark = [pytest.mark.project, pytest.mark.slow(40)]

SIDE = 6
CELLS = {f"pastiche/quick/c{row}/s{column}.png" for row in range(SIDE) for column in range(SIDE)}


class Unlucky(Recorder):
    """Fails in one batch of five, in its middle."""

    def __init__(self, luck):
        super().__init__()
        self.luck = luck

    def step(self, iterate):
        if iterate.step == 2 and self.luck.random() < 0.2:
            raise RuntimeError("a step failed")


@pytest.fixture
def grid(tmp_path):
    for folder, letter in (("contents", "c"), ("styles", "s")):
        (tmp_path / folder).mkdir()
        for number in range(SIDE):
            draw(10 * number + len(folder), 32, 24).save(tmp_path / folder / f"{letter}{number}.png")
    (tmp_path / "quick.yaml").write_text("weights: {tv: 0.05}\nflat: 0\nstages: [{steps: 3}]\n")
    return Workplace(tmp_path)


def test_six_by_six_cells_land_once_each_whatever_fails(grid, monkeypatch):
    luck, landed, faults, runs = random.Random(4), Counter(), Counter(), 0
    put = Folder._put

    def unlucky(self, name, fill):
        if self.path == grid.out and luck.random() < 0.2:
            faults["writes"] += 1
            raise InputError(f"{self.locate(name)} can't be written: No space left on device")
        put(self, name, fill)

    monkeypatch.setattr(Folder, "_put", unlucky)
    failed = ["not begun"]
    while failed:
        recorder = Unlucky(luck)
        failed = grid.run(recorder, phases=PAINTED, size=32, recipes=(str(grid.root / "quick.yaml"),)).failed
        landed.update(path for path in recorder.keys if path.startswith("pastiche/"))
        runs += 1
        faults["told"] += len(failed)
        assert runs < 20
    assert landed == Counter(CELLS)
    assert faults["writes"] > 10
    assert faults["told"] > 0
    for path in CELLS:
        with Image.open(grid.out / path) as picture:
            picture.load()
