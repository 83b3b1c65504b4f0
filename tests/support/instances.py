"""Dagster instances for tests: each is as new, on databases that were made once, as that takes a third of a second."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg


@cache
def _new() -> TemporaryDirectory:
    """A home in which nothing happened yet; it is removed when the process ends."""
    home = TemporaryDirectory()
    with dg.instance_for_test(temp_dir=home.name) as instance:
        instance.get_dynamic_partitions("content")
    return home


def make_databases(home: Path) -> None:
    """Put the databases of a new instance into a home."""
    shutil.copytree(_new().name, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("dagster.yaml"))


@contextmanager
def new_instance(overrides: Mapping[str, object] | None = None) -> Iterator[dg.DagsterInstance]:
    """An instance on a home of its own, with these changes to its configuration."""
    with TemporaryDirectory() as home:
        make_databases(Path(home))
        with dg.instance_for_test(overrides=overrides, temp_dir=home) as instance:
            yield instance
