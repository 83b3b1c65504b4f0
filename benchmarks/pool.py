"""What a cell costs beside its painting: in a run of its own for each rectangle of eight cells, and by a warm painter.

Both paint the same eight cells into the same store. A run of its own is a new process that imports everything, opens
the project, loads the networks and paints. The warm painter is an actor on a Ray cluster of this machine that has
painted them before; its time is from sending the batch to the last outcome. Overhead is that time less the seconds that
the pastiches themselves say their painting took.

Then more cells are painted by one warm painter and by several, one thread each, in turn. Each painter should have a
core of its own, and nothing else should run.

    python -m benchmarks.pool [--profile embedded] [--size 64] [--times 3] [--painters 2] [--cells 36] [--steps 60]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import ray
from PIL import ImageFilter

from spnst_core import samples
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.stored_provenance import how_made
from spnst_pipeline.cli.execution import Execution, open_home
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.painting import paint
from spnst_pipeline.defs.pool.cluster import hiring
from spnst_pipeline.defs.pool.dispatch import Dispatch
from spnst_pipeline.defs.rows import Landed, Row, look_up
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.planning.plan import PREPARATION
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

CELLS = 8

BATCH = 2
"""Cells in a batch where painters share the work: few, so that they end at nearly the same time."""


def main() -> None:
    """Measure each comparison in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--painters", type=int, default=2, help="how many to compare with one")
    parser.add_argument("--cells", type=int, default=36, help="that one painter and several paint")
    parser.add_argument("--steps", type=int, default=60, help="of these cells")
    parser.add_argument("--fresh", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fresh:
        _painted(paint(_row(Settings.load(**_settings(Path(given.fresh), given))), Listener()))
        return
    with TemporaryDirectory() as name:
        compare_with_fresh_runs(Path(name), given)
    with TemporaryDirectory() as name:
        compare_with_several(Path(name), given)


def compare_with_fresh_runs(folder: Path, given: argparse.Namespace) -> None:
    """A warm painter against a run of its own for the same cells."""
    settings = Settings.load(**_settings(folder, given))
    _prepare(folder, settings, CELLS, steps=5)  # the time of the steps isn't counted
    again = [sys.executable, "-m", "benchmarks.pool", f"--fresh={folder}", f"--profile={given.profile}"]
    command = [*again, f"--size={given.size}"]
    fresh = [_overhead(lambda: subprocess.run(command, check=True), settings) for _ in range(given.times)]  # noqa: S603
    ray.init(num_cpus=given.painters, include_dashboard=False, log_to_driver=False)
    row = _row(settings)

    def warm() -> None:
        _painted(Dispatch(hiring(row[0].project), 1, CELLS, Listener()).paint(row))

    warm()
    kept = [_overhead(warm, settings) for _ in range(given.times)]
    print(f"a run of its own: {median(fresh):.2f} s a cell beside painting, a warm painter: {median(kept):.2f} s")
    print(f"ratio {median(kept) / median(fresh):.3f}")


def compare_with_several(folder: Path, given: argparse.Namespace) -> None:
    """One warm painter against several, which share the same cells."""
    settings = Settings.load(**_settings(folder, given))
    _prepare(folder, settings, given.cells, given.steps)
    row = _row(settings)
    taken: dict[int, list[float]] = {1: [], given.painters: []}
    for _ in range(1 + given.times):  # the first time warms them
        for painters, seconds in taken.items():
            began = time.perf_counter()
            _painted(Dispatch(hiring(row[0].project), painters, BATCH, Listener()).paint(row))
            seconds.append(time.perf_counter() - began)
    one, several = (median(seconds[1:]) for seconds in taken.values())
    print(f"{given.cells} cells: one painter {one:.1f} s, {given.painters} painters {several:.1f} s")
    print(f"ratio {one / several:.2f}")


def _settings(folder: Path, given: argparse.Namespace) -> dict[str, object]:
    places = {"content": str(folder / "contents"), "style": str(folder / "styles"), "out": str(folder / "out")}
    return {
        **places,
        "profile": given.profile,
        "size": given.size,
        "recipes": (str(folder / "few_steps.yaml"),),
        "device": "cpu",
    }


def _prepare(folder: Path, settings: Settings, cells: int, steps: int) -> None:
    """One content and as many styles as there are to be cells, decoded and with their targets, and the recipe."""
    (folder / "few_steps.yaml").write_text(f"stages: [{{steps: {steps}}}]\n")
    [(name, content), *_] = samples.contents().items()
    for axis in ("contents", "styles"):
        (folder / axis).mkdir()
    content.save(folder / f"contents/{name}.png")
    pictures = list(samples.styles().values())
    for number in range(cells):
        style = pictures[number % len(pictures)].filter(ImageFilter.GaussianBlur(number // len(pictures)))
        style.save(folder / f"styles/style{number}.png")
    with open_home(settings) as instance:
        Execution(checked(Project.open(settings)), instance, Listener()).bring_up_to_date(phases=PREPARATION)


def _row(settings: Settings) -> list[Row]:
    """The row of all cells, whether they are painted already or not."""
    project = Project.open(settings)
    [recipe], [content], styles = project.recipes, project.contents.pictures, list(project.styles.pictures)
    work = look_up(Lineage(project), recipe, content, styles, Paint.model_validate({"force": True}), ["pastiche"])
    return [row for row in work if isinstance(row, Row)]


def _painted(outcomes: Iterable[Landed]) -> None:
    for landed in outcomes:
        if landed.error:
            raise landed.error


def _overhead(work: Callable[[], object], settings: Settings) -> float:
    """Seconds a cell that some work takes, less those of the painting."""
    began = time.perf_counter()
    work()
    taken = time.perf_counter() - began
    project = Project.open(settings)
    painting = sum(float(how_made(project.store, path)["seconds"]) for path in project.store.list("pastiche"))
    return (taken - painting) / CELLS


if __name__ == "__main__":
    main()
