"""Servers for tests: real processes on free ports of the loopback interface, stopped when a test is over."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The project's folder."""


@contextmanager
def running(
    command: list[str], environment: dict[str, str], log: Path, folder: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A server with everything that it starts, stopped at the end. Its log is printed then."""
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            # Dagster stops as on Ctrl-C, which a process started in the background of a shell would ignore.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield server
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        print(log.read_text(errors="replace"))


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Until a server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError) as error:
            if getattr(error, "code", None) == 401:  # it asks for a log-in
                return
            assert server.poll() is None, f"{server.args} ended with status {server.returncode}"
            assert time.monotonic() < end, f"{url} didn't answer in {seconds} s"
            time.sleep(0.2)


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
