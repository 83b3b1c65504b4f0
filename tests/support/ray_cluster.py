"""A Ray cluster on this machine, for the tests of the pool."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def ray_cluster(cpus: int) -> Iterator[None]:
    """A cluster with so many CPUs, to which this process is connected; its painters are gone at the end."""
    ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token is written into the user's home
        ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20)
        try:
            yield
        finally:
            ray.shutdown()
