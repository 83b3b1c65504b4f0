"""A Ray cluster on this machine, for the tests of the pool."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from servers import free_port, running

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Environment in which Ray writes no token into the user's home, and tells nobody that it is used."""


def start(*how: str) -> list[str]:
    """The command that starts a node, and runs until it is killed.

    On a busy machine Ray gives up after 15 seconds, in which its agents haven't started: then it is started again.
    """
    ray = str(Path(sys.executable).with_name("ray"))
    node = [ray, "start", "--block", "--object-store-memory=80000000", "--include-log-monitor=false", *how]
    return ["sh", "-c", 'until "$@"; do sleep 1; done', "start", *node]


@contextmanager
def ray_cluster(cpus: int) -> Iterator[None]:
    """A cluster with so many CPUs, to which this process is connected; its painters are gone at the end."""
    ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")
    port, clients = free_port(), free_port()
    ports = f"--port={port}", f"--ray-client-server-port={clients}", "--node-ip-address=127.0.0.1"
    head = start("--head", *ports, f"--num-cpus={cpus}", "--include-dashboard=false")
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        for name, value in {**QUIET, "RAY_TMPDIR": folder, "RAY_ADDRESS": f"127.0.0.1:{port}"}.items():
            patch.setenv(name, value)
        with running(head, dict(os.environ), Path(folder) / "log"):
            end = time.monotonic() + 300
            while not ray.is_initialized():
                try:
                    ray.init(log_to_driver=False)
                except (OSError, RuntimeError):
                    assert time.monotonic() < end
                    time.sleep(1)
            try:
                yield
            finally:
                ray.shutdown()
