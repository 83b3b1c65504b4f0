"""Runs in little memory: ``python limited_runs.py MEGABYTES FOLDER``, or ``python limited_runs.py MEGABYTES paint …``.

The process may take so much more than it takes once everything is imported. The first form brings the project
in FOLDER up to date as far as its pastiches, and the limit begins with the first batch of cells; it prints what failed,
as JSON. The second is the command `spnst paint`.
"""

import json
import sys
from pathlib import Path

from little_memory import limit_memory
from small_project import PAINTED, Recorder, Workplace

from spnst_core import painting  # noqa: F401  so that nothing is left to import when the limit begins
from spnst_pipeline.cli import main as command_line
from spnst_pipeline.cli import single_pastiche  # noqa: F401


class Limiting(Recorder):
    """Limits memory from the first batch on."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        self.megabytes = megabytes

    def batch(self, recipe, content, styles) -> None:
        if not self.batches:
            limit_memory(self.megabytes)
        super().batch(recipe, content, styles)


def main(megabytes: int, *rest: str) -> None:
    if rest[0] == "paint":
        limit_memory(megabytes)
        sys.argv[1:] = rest
        command_line.main()
    else:
        place = Workplace(Path(rest[0]))
        run = place.run(Limiting(megabytes), phases=PAINTED, size=SIZE, recipes=(str(place.root / "quick.yaml"),))
        print(json.dumps(run.failed))


SIZE = 448

if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
