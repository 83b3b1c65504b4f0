"""What a cell and a run write and ask for: Dagster's events, which go to its database, and requests to S3.

Two small grids of one content, in few and in more styles, are painted and scored by real Dagster runs, on moto's S3
server on this machine. What the second needs beyond the first is for its additional cells; the rest is for the runs.
Planning again, with nothing left to make, tells what it asks for each cell that is there.

    python -m benchmarks.traffic [--size 320] [--profile embedded] [--few 2] [--more 6]

It needs moto's server, which `pip install '.[dev]'` brings.
"""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from spnst_core import samples
from spnst_pipeline.cli.execution import Execution, open_home
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.planning.plan import PREPARATION, Phase, measuring, painting
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.s3 import client

RECIPE = "name: short\nweights: {edge: 0.2, depth: 0.15, tv: 0.05}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n"
"""Events and files hardly depend on the number of steps."""

COUNTED = ("events", "event bytes", "PutObject", "GetObject", "HeadObject", "ListObjectsV2", "bytes up", "bytes down")
"""What is counted, in the order of the table."""


class Traffic(NamedTuple):
    """What was counted while a grid was made, by name.

    Attributes:
        made: of the runs that painted and scored, and the planning before them.
        planned: of planning both again, when everything was there.
        runs: how many Dagster runs there were.
    """

    made: Counter[str]
    planned: Counter[str]
    runs: int


@contextmanager
def s3_server() -> Iterator[Counter[str]]:
    """moto's server with an empty bucket named ``bucket``, and what this process asks of it, as it is counted."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print every request
    server.start()
    host, port = server.get_host_and_port()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_ACCESS_KEY_ID="anybody",
        AWS_SECRET_ACCESS_KEY="anything",  # noqa: S106
        AWS_DEFAULT_REGION="us-east-1",
    )
    client.cache_clear()
    counts = Counter[str]()

    def asked(request: Any, event_name: str, **_: Any) -> None:
        counts[event_name.rpartition(".")[2]] += 1
        counts["bytes up"] += int(request.headers.get("Content-Length", 0))

    def answered(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "GetObject":
            counts["bytes down"] += parsed.get("ContentLength", 0)

    try:
        client().create_bucket(Bucket="bucket")
        client().meta.events.register("before-send.s3", asked)
        client().meta.events.register("after-call.s3", answered)
        yield counts
    finally:
        server.stop()
        client.cache_clear()


def events(home: Path, runs: Sequence[str]) -> Counter[str]:
    """How many events some runs have in Dagster's records of SQLite, their kinds, and the bytes of their JSON.

    In Postgres they are rows of one table, with the same JSON.
    """
    found = Counter[str]()
    for run in runs:
        with sqlite3.connect(home / "history/runs" / f"{run}.db") as records:
            for kind, size in records.execute("SELECT dagster_event_type, length(CAST(event AS BLOB)) FROM event_logs"):
                found.update({"events": 1, "event bytes": size, f"  {kind or 'log line'}": 1})
    return found


def traffic(folder: Path, styles: int, size: int, profile: str, requests: Counter[str]) -> Traffic:
    """Make a grid of one content in some styles, and count."""
    for kind, pictures, count in (("content", samples.contents(), 1), ("style", samples.styles(), styles)):
        (folder / kind).mkdir(parents=True)
        for name, picture in islice(pictures.items(), count):
            picture.save(folder / kind / f"{name}.png")
    (folder / "short.yaml").write_text(RECIPE)
    settings = Settings.load(
        content=str(folder / "content"),
        style=str(folder / "style"),
        out=f"s3://bucket/{styles}",
        home=str(folder / "home"),
        recipes=(str(folder / "short.yaml"),),
        profile=profile,
        size=size,
    )
    project = checked(Project.open(settings))
    with open_home(settings) as instance:
        execution = Execution(project, instance, Listener())
        execution.bring_up_to_date(phases=PREPARATION)
        before, prepared = Counter(requests), len(execution.runs)
        cells: tuple[Phase, ...] = (painting, measuring)
        execution.bring_up_to_date(phases=cells)
        made, runs = requests - before, execution.runs[prepared:]
        before = Counter(requests)
        execution.bring_up_to_date(phases=cells)
        if execution.failed:
            raise SystemExit("\n".join(execution.failed))
    return Traffic(made + events(folder / "home", runs), requests - before, len(runs))


def main() -> None:
    """Count, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=320, help="long side of a pastiche in pixels")
    parser.add_argument("--profile", default="embedded", help="the networks")
    parser.add_argument("--few", type=int, default=2, help="styles of the first grid")
    parser.add_argument("--more", type=int, default=6, help="styles of the second grid")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder, s3_server() as requests:
        few, more = (
            traffic(Path(folder) / str(styles), styles, args.size, args.profile, requests)
            for styles in (args.few, args.more)
        )
    cells = args.more - args.few
    kinds = (*COUNTED, *sorted(kind for kind in more.made if kind.startswith("  ")))
    print(f"{args.size} px, {args.profile}; a cell is painted by one run and scored by another")
    print("| | a cell | a run | planning, for each cell that is there |")
    print("|---|---|---|---|")
    for kind in kinds:
        cell = (more.made[kind] - few.made[kind]) / cells
        run = (few.made[kind] - cell * args.few) / few.runs
        planned = (more.planned[kind] - few.planned[kind]) / cells
        print(f"| {kind} | {cell:,.1f} | {run:,.1f} | {planned:,.1f} |")


if __name__ == "__main__":
    main()
