"""Figures for Prometheus, in files that node_exporter's textfile collector reads.

A run takes minutes, and then its process is gone, often before anybody has asked it for figures: if it served them
itself, the last would be lost, and every run would be a target of its own whose counters begin at 0. So all runs of a
machine add to one file, whose counters never fall.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from spnst_core.errors import printable
from spnst_pipeline.defs.run_log import LogListener

if TYPE_CHECKING:
    from spnst_core.recipes.recipe import Recipe
    from spnst_pipeline.artefacts.identity import ArtefactId
    from spnst_pipeline.progress import Spent

_log = logging.getLogger(__name__)

PAINTING, QUEUE = "spnst_painting.prom", "spnst_queue.prom"
"""Names of the files: what runs add to, and what the sensor writes."""

COUNTERS = {
    "spnst_cells": ("Cells that ended, by outcome: done or failed", ("recipe", "outcome")),
    "spnst_stage_seconds": ("Time in which batches were painted, by stage of the recipe, from 1", ("recipe", "stage")),
}
"""Counters by name, to which Prometheus adds ``_total``: what is said of each, and its labels."""

GAUGES = {
    "spnst_gpu_memory_peak_bytes": ("Most memory of the GPU that the latest batch had at once", ("recipe",)),
}
"""Gauges likewise, without a suffix."""

Figure = tuple[str, tuple[str, ...]]
"""A name of `COUNTERS` or `GAUGES`, and the values of its labels."""


class CountingListener(LogListener):
    """Writes to the log of the Dagster run, and cells, seconds and memory to the file of this machine.

    Painters of a pool send the seconds of a batch back with its cells: whoever paints, it is the run that counts, and a
    batch that is sent again because its painter was lost counts once.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / PAINTING

    def spent(self, recipe: Recipe, spent: Spent) -> None:
        super().spent(recipe, spent)
        seconds: dict[Figure, float] = {
            ("spnst_stage_seconds", (recipe.name, str(stage + 1))): time for stage, time in spent.seconds.items()
        }
        memory = dict[Figure, float]()
        if spent.memory is not None:
            memory["spnst_gpu_memory_peak_bytes", (recipe.name,)] = spent.memory
        if seconds or memory:
            update(self._file, seconds, memory)

    def made(self, artefact: ArtefactId) -> None:
        super().made(artefact)
        self._ended(artefact, "done")

    def failed(self, artefact: ArtefactId, reason: str) -> None:
        super().failed(artefact, reason)
        self._ended(artefact, "failed")

    def _ended(self, artefact: ArtefactId, outcome: str) -> None:
        if artefact.asset == "pastiche":
            assert artefact.recipe is not None
            update(self._file, {("spnst_cells", (artefact.recipe, outcome)): 1})


def update(file: Path, amounts: Mapping[Figure, float], latest: Mapping[Figure, float] | None = None) -> None:
    """Add amounts to the counters in a file, and set gauges to their latest values.

    Any number of processes may do so at once; a reader sees a whole file.

    A file that can't be written costs figures alone, and the process warns of it once.
    """
    try:
        with FileLock(file.with_suffix(".lock")):
            figures = defaultdict(float, read(file))
            for counter, amount in amounts.items():
                figures[counter] += amount
            _write(file, _families({**figures, **(latest or {})}))
    except (OSError, ValueError) as error:  # ValueError: not the text of Prometheus's format
        _warn(printable(f"{file} can't be added to ({error}), so nothing is counted: check it, or remove it"))


def read(file: Path) -> Mapping[Figure, float]:
    """The counters and gauges in a file; none if there is no file.

    Raises:
        OSError: it can't be read.
        ValueError: it isn't in Prometheus's text format.
    """
    if not file.exists():
        return {}
    families, known = text_string_to_metric_families(file.read_text(encoding="utf-8")), COUNTERS | GAUGES
    return {
        (family.name, tuple(sample.labels[label] for label in known[family.name][1])): sample.value
        for family in families
        if family.name in known
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def write_queue(folder: Path, runs: Mapping[str, int]) -> None:
    """Write how many runs there are by status.

    Raises:
        OSError: the file can't be written.
    """
    family = GaugeMetricFamily("spnst_runs", "Runs that wait in the queue, or are painting", labels=["status"])
    for status, count in runs.items():
        family.add_metric([status], count)
    _write(folder / QUEUE, [family])


def _families(figures: Mapping[Figure, float]) -> Iterator[Metric]:
    counters = {name: CounterMetricFamily(name, said, labels=labels) for name, (said, labels) in COUNTERS.items()}
    gauges = {name: GaugeMetricFamily(name, said, labels=labels) for name, (said, labels) in GAUGES.items()}
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {**counters, **gauges}
    for (name, values), value in sorted(figures.items()):
        families[name].add_metric(values, value)
    yield from (family for family in families.values() if family.samples)


def _write(file: Path, families: Iterable[Metric]) -> None:
    registry = CollectorRegistry()
    registry.register(_Given(families))
    write_to_textfile(str(file), registry)  # under another name first, so that no half of it is read


class _Given(Collector):
    """Hands out what it was given."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


@cache
def _warn(line: str) -> None:
    """Log a line once in a process."""
    _log.warning(line)
