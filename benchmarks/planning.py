"""How long it takes to plan a large grid, how much memory that needs, and how many runs the plan has.

The store is filled with files that carry the metadata of real ones but hold pictures of one pixel, and with nearly
a third of the cells. Then everything that `stylize_missing` must launch is computed.

    python -m benchmarks.planning [--side 100] [--recipes 1] [--batch 64] [--folder DIR]
"""

import argparse
import json
import resource
import tempfile
import time
import tracemalloc
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.planning.plan import EVERYTHING, Grid, Plan
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.store import Store

DONE = 0.3
PIXEL = Image.new("RGB", (1, 1))
RECIPES = ("structure", "gatys", "smallstroke_preserve", "largestroke_preserve")


def put(store: Store, artefact: Artefact, **more: str) -> None:
    """A file with the artefact's metadata and almost no data."""
    stamp = {**artefact.stamp, **more}
    if artefact.path.endswith(".png"):
        data = image_io.encode_png(PIXEL, stamp)
    elif artefact.path.endswith(".json"):
        data = json.dumps(stamp).encode()
    elif artefact.path.endswith(".html"):
        data = f'<meta name="spnst-fingerprint" content="{artefact.fingerprint}">'.encode()
    elif artefact.path.endswith(".parquet"):
        out = BytesIO()
        pq.write_table(pa.table({"ssim": [0.5]}).replace_schema_metadata(stamp), out)
        data = out.getvalue()
    else:
        header = json.dumps({"__metadata__": stamp}).encode()
        data = len(header).to_bytes(8, "little") + header
    for key in (artefact.path, *artefact.beside.values()):
        store.write(key, data)


def furnish(project: Project, done: NDArray[np.bool_]) -> None:
    """Pictures, targets and the cells that are done, with their scores."""
    contents, styles = list(project.contents.pictures), list(project.styles.pictures)
    rules = Lineage(project, ahead=True)
    for content in contents:
        for rule in (rules.content_image, rules.depth_map, rules.edge_map):
            put(project.store, rule(content))
    for style in styles:
        put(project.store, rules.style_image(style))
        put(project.store, rules.style_grams(style))
    made = json.dumps({"recipe": "structure", "steps": 300, "seconds": 12.5, "losses": dict.fromkeys("abcde", 0.123)})
    for row, column in np.argwhere(done).tolist():
        for recipe in project.recipes:
            put(project.store, rules.pastiche(recipe, contents[row], styles[column]), made=made)
            put(project.store, rules.metrics(recipe, contents[row], styles[column]))


def open_project(folder: Path, side: int, recipes: int, batch: int) -> Project:
    """A project of ``side`` contents and as many styles."""
    for kind in ("content", "style"):
        (folder / kind).mkdir(parents=True)
        for number in range(side):
            data = image_io.encode_png(PIXEL, {"number": f"{kind} {number}"})
            (folder / kind / f"{kind}-{number:04d}.png").write_bytes(data)
    return Project.open(
        Settings.load(
            content=str(folder / "content"),
            style=str(folder / "style"),
            out=str(folder / "out"),
            recipes=RECIPES[:recipes],
            profile="embedded",
            batch=batch,
        )
    )


def plans(project: Project) -> list[Plan]:
    """Everything that is missing, phase by phase."""
    grid = Grid(sorted(project.contents.pictures), sorted(project.styles.pictures), project.recipes)
    lineage = Lineage(project, ahead=True)
    return [phase(lineage, grid) for phase in EVERYTHING]


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=100, help="number of contents, and of styles")
    parser.add_argument("--recipes", type=int, default=1, choices=range(1, len(RECIPES) + 1), help="number of recipes")
    parser.add_argument("--batch", type=int, default=64, help="largest number of cells in a run")
    parser.add_argument("--folder", type=Path, help="folder for the store; by default a temporary one")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        project = open_project(Path(folder), args.side, args.recipes, args.batch)
        _ = project.identity
        for name, share in (("nothing done", 0.0), ("30 % done, at random", DONE)):
            furnish(project, np.random.default_rng(0).random((args.side, args.side)) < share)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            wall, processor = time.perf_counter(), time.process_time()
            planned = plans(project)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print(
                f"{args.side} × {args.side}, {args.recipes} recipe(s), {name}: {wall:.2f} s "
                f"({processor:.2f} s of processor time), {grown:.0f} MB more memory"
            )
            for plan in planned:
                if plan.launches:
                    print(f"  {plan.phase}: {sum(plan.wanted.values())} partitions in {len(plan.launches)} runs")
        tracemalloc.start()
        plans(project)
        print(f"objects at their peak {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
