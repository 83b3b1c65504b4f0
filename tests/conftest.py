"""For every test: one thread in each process, and the marker of each server that a test asks for."""

import os

import pytest

# Set before PyTorch is imported, and inherited by the processes that tests start. Tests run in one process per CPU and
# small images gain nothing from threads; OpenMP's threads would spin, and take the CPUs from each other's tests.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GOMP_SPINCOUNT"] = "0"

SERVERS = {"s3_server": "s3", "database": "postgres", "deployment": "daemon"}
"""Fixtures that start a server, and the marker of every test that uses one of them, directly or not."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers before pytest chooses tests by ``-m``."""
    for item in items:
        if isinstance(item, pytest.Function):
            for fixture in SERVERS.keys() & set(item.fixturenames):
                item.add_marker(SERVERS[fixture])
