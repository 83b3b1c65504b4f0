"""How many events Dagster's runs wrote into its database, and how large they are: counted in the records of a project.

A line for each run that made something: which assets, how many of their partitions, how many events by kind, and the
bytes of their JSON. The records must be SQLite's; in Postgres, the same events are rows of one table. Of two runs of
an asset with different numbers of partitions, the differences are what a partition takes, and the rest is the run's.

    python -m benchmarks.events DAGSTER_HOME
"""

import argparse
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MADE = "ASSET_MATERIALIZATION"


class Written(NamedTuple):
    """What one run wrote.

    Attributes:
        assets: keys of what it made, as Dagster's database has them.
        partitions: how many of them it made; an asset without partitions counts as one.
        kinds: how many events of which kind; of one that is none of Dagster's, ``log line``.
        size: bytes of all events' JSON.
    """

    assets: tuple[str, ...]
    partitions: int
    kinds: Counter[str]
    size: int


def written(home: Path) -> Iterator[Written]:
    """What each run in the records of a DAGSTER_HOME wrote, for those that made something.

    Raises:
        SystemExit: there are no such records.
    """
    files = [file for file in sorted((home / "history/runs").glob("*.db")) if file.name != "index.db"]
    if not files:
        raise SystemExit(f"{home} has no records of runs in SQLite: name a DAGSTER_HOME, such as out/demo/.dagster")
    for file in files:
        with sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True) as records:
            rows = records.execute(
                "SELECT dagster_event_type, asset_key, partition, length(CAST(event AS BLOB)) FROM event_logs"
            ).fetchall()
        made = {(asset, partition) for kind, asset, partition, _ in rows if kind == MADE}
        if made:
            kinds = Counter(kind or "log line" for kind, *_ in rows)
            yield Written(tuple(sorted({asset for asset, _ in made})), len(made), kinds, sum(row[-1] for row in rows))


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", type=Path, metavar="DAGSTER_HOME", help="folder of Dagster's records")
    args = parser.parse_args()

    print("| assets | partitions | events | kB | kB a partition | by kind |\n|---|---|---|---|---|---|")
    for run in written(args.home):
        kinds = ", ".join(f"{count} {kind}" for kind, count in run.kinds.most_common(4))
        print(
            f"| {' '.join(run.assets)} | {run.partitions} | {run.kinds.total()} | {run.size / 1000:.1f} "
            f"| {run.size / 1000 / run.partitions:.1f} | {kinds}, … |"
        )


if __name__ == "__main__":
    main()
