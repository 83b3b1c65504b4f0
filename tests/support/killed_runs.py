"""Runs of a small project that are killed at random moments: ``python killed_runs.py FOLDER KILLS SEED``.

FOLDER/whole is brought up to date by one run, FOLDER/killed by many, each in a process of its own that the system
kills, at any instruction, after a random part of the time that is left. The first is killed within a cell that has left
a checkpoint, which chance might never do: painting is a short part of so small a project. A run that ends before it is
killed leaves everything made; then the store is emptied, so that there is something to do. At the end FOLDER/killed is
brought up to date without being killed.
Prints how many runs were killed, and how many checkpoints they had left behind, as JSON.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from small_project import Recorder, Workplace, furnish

RECIPE = "weights: {tv: 0.05}\nflat: 0\nstages: [{scale: 0.5, steps: 5}, {steps: 10}]\n"
OFTEN = 0.001
"""Seconds between two checkpoints, of which every step takes more."""


class Killed(Recorder):
    """Ends the process at the first step after which its cell has a checkpoint."""

    def __init__(self, place: Workplace) -> None:
        super().__init__()
        self.place = place

    def step(self, iterate) -> None:
        if checkpoints(self.place):
            os.kill(os.getpid(), signal.SIGKILL)


def checkpoints(place: Workplace) -> list[Path]:
    return list((place.out / ".dagster/checkpoint").rglob("[!.]*.safetensors"))


def work(place: Workplace, delay: float = 0.0, recorder: Recorder | None = None) -> int:
    """The wait status of a process that brings a project up to date, and is killed after so many seconds; 0: it isn't.

    Everything that takes long to import was imported before the process was forked.
    """
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process at once, as SIGKILL does
    signal.setitimer(signal.ITIMER_REAL, delay)
    run = place.run(recorder, recipes=(str(place.root / "structure.yaml"),), checkpoint_seconds=OFTEN)
    for line in run.failed:
        print(line, file=sys.stderr)
    os._exit(len(run.failed))


def make(folder: Path) -> Workplace:
    place = furnish(folder)
    (place.root / "contents/boat.png").unlink()
    (place.root / "structure.yaml").write_text(RECIPE)
    return place


def main(folder: Path, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    whole, place = make(folder / "whole"), make(folder / "killed")
    began = time.monotonic()
    assert work(whole) == 0
    longest = time.monotonic() - began
    assert os.WIFSIGNALED(work(place, recorder=Killed(place)))
    killed, emptied, begun = 1, 0, len(checkpoints(place))
    left = longest
    while killed < kills:
        delay = moments.uniform(0.02, left)
        status = work(place, delay)
        killed += os.WIFSIGNALED(status)
        left = max(left - delay / 2, longest / 4)  # much of a short run is the same beginning each time
        begun += len(checkpoints(place))
        if not os.WIFSIGNALED(status):
            assert status == 0
            emptied, left = emptied + 1, longest
            for path in place.out.iterdir():
                if path.name != ".dagster":
                    shutil.rmtree(path)
    assert work(place) == 0
    print(json.dumps({"killed": killed, "emptied": emptied, "checkpoints": begun, "seconds": longest}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
