"""The pipeline's overhead: the share of a run's time that isn't spent in the library.

A grid of samples is made from nothing at the demo's size. Every few milliseconds the stack of the working thread is
looked at: a moment counts as the library's if `spnst_core` is on it (decoding, networks, optimiser, encoding, drawing)
and as the pipeline's if not (Dagster, its records, previews, plans, the store).

    python -m benchmarks.overhead [--side 4] [--recipes structure gatys] [--shorten 1]

With ``--shorten N`` the optimiser takes one N-th of its steps, and the time of all steps is extrapolated from them.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import spnst_core
from spnst_core import samples
from spnst_core.imaging import io as image_io
from spnst_core.optim import optimize
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.cli.execution import Execution, open_home
from spnst_pipeline.cli.main import DEMO_SIZES
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

INTERVAL = 0.01
LIBRARY = str(Path(spnst_core.__file__).parent)
OPTIMISER = str(Path(optimize.__file__))


class Sampler(threading.Thread):
    """Samples the stack of one thread until it is stopped."""

    def __init__(self, watched: int) -> None:
        super().__init__(daemon=True)
        self.counts: Counter[str] = Counter()
        self._watched, self._stopped = watched, threading.Event()

    def run(self) -> None:
        """Sample the thread's stack; the time between two samples is attributed to what the second one shows."""
        last = time.perf_counter()
        while not self._stopped.wait(INTERVAL):
            frame, where = sys._current_frames().get(self._watched), "pipeline"
            while frame:
                file = frame.f_code.co_filename
                if file == OPTIMISER:
                    where = "optimiser"
                elif file.startswith(LIBRARY) and where == "pipeline":
                    where = "library"
                frame = frame.f_back
            now = time.perf_counter()
            self.counts[where] += now - last  # type: ignore[assignment]
            last = now

    def stop(self) -> None:
        """Stop sampling."""
        self._stopped.set()
        self.join()


def shortened(recipe: Recipe, times: int) -> Recipe:
    """The recipe with an N-th of its steps."""
    stages = [stage.model_copy(update={"steps": max(1, stage.steps // times)}) for stage in recipe.stages]
    return recipe.model_copy(update={"stages": tuple(stages)})


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=4, help="number of contents, and of styles")
    parser.add_argument("--recipes", nargs="+", default=["structure", "gatys"], help="recipes to paint")
    parser.add_argument("--shorten", type=int, default=1, help="divide the optimiser's steps by this")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, pictures in (("content", samples.contents()), ("style", samples.styles())):
            (folder / kind).mkdir()
            for slug, picture in list(pictures.items())[: args.side]:
                (folder / kind / f"{slug}.png").write_bytes(image_io.encode_png(picture))
        settings = Settings.load(
            content=str(folder / "content"),
            style=str(folder / "style"),
            out=str(folder / "out"),
            recipes=tuple(args.recipes),
            profile="embedded",
            size=DEMO_SIZES["embedded"],
        )
        project = Project.open(settings)
        project = replace(project, recipes=tuple(shortened(r, args.shorten) for r in project.recipes))
        sampler = Sampler(threading.get_ident())
        started = time.perf_counter()
        sampler.start()
        with open_home(settings) as instance:
            execution = Execution(checked(project), instance, Listener())
            execution.bring_up_to_date()
        wall = time.perf_counter() - started
        sampler.stop()
        if execution.failed:
            raise RuntimeError("; ".join(execution.failed))
        overhead = sampler.counts["pipeline"]
        cells = len(project.contents.pictures) * len(project.styles.pictures) * len(project.recipes)
        print(f"{cells} cells in {len(execution.runs)} runs: {wall:.0f} s, the pipeline's {overhead:.1f} s")
        full = wall + sampler.counts["optimiser"] * (args.shorten - 1)
        reckoned = "" if args.shorten == 1 else f" of {full:.0f} s, reckoned for all steps"
        print(f"overhead {overhead / full:.1%}{reckoned}; {overhead / cells:.2f} s a cell")


if __name__ == "__main__":
    main()
