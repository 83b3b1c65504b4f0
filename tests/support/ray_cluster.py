"""A Ray cluster on this machine, for the tests of the pool."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from servers import free_port, running

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Environment in which Ray writes no token into the user's home, and tells nobody that it is used."""

AGENTS = ("dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent", "metrics-export")
"""Ports of Ray's own that it would otherwise wait for, 15 seconds, which a busy machine may exceed."""


def start(*how: str, ports: Sequence[int] = range(52365, 52369)) -> list[str]:
    """The command that starts a node, with the ports of its agents; it runs until the node ends."""
    given = [f"--{agent}-port={port}" for agent, port in zip(AGENTS, ports, strict=True)]
    ray = str(Path(sys.executable).with_name("ray"))
    return [ray, "start", "--block", "--object-store-memory=80000000", "--include-log-monitor=false", *given, *how]


@contextmanager
def ray_cluster(cpus: int) -> Iterator[None]:
    """A cluster with so many CPUs, to which this process is connected; its painters are gone at the end."""
    ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")
    port, *agents = (free_port() for _ in range(5))
    how = ["--head", f"--port={port}", f"--num-cpus={cpus}", "--include-dashboard=false", "--ray-client-server-port=0"]
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        for name, value in {**QUIET, "RAY_TMPDIR": folder, "RAY_ADDRESS": f"127.0.0.1:{port}"}.items():
            patch.setenv(name, value)
        with running(start(*how, "--node-ip-address=127.0.0.1", ports=agents), dict(os.environ), Path(folder) / "log"):
            end = time.monotonic() + 120
            while not ray.is_initialized():
                try:
                    ray.init(log_to_driver=False)
                except (OSError, RuntimeError):
                    assert time.monotonic() < end
            try:
                yield
            finally:
                ray.shutdown()
