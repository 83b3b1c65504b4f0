"""Hosts for tests: network namespaces of this machine, joined by a bridge on the first, which the test moves to.

Each has an address, a network of its own and, where it needs one, a folder that the others see another in.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET, by which setns(2) knows a network namespace."""


@dataclass(frozen=True)
class Host:
    """A host, by the name of its namespace, its address and the bridge's end of its cable."""

    name: str
    address: str
    cable: str

    def command(self, *words: str, own: Path | None = None) -> list[str]:
        """A command line that runs there; under ``own`` it sees a folder that nobody else does."""
        if own is None:
            return ["ip", "netns", "exec", self.name, *words]
        script = 'mkdir -p "$0" "$0.$1" && mount --bind "$0.$1" "$0" && shift && exec "$@"'
        return ["ip", "netns", "exec", self.name, "sh", "-c", script, str(own), self.name, *words]

    def kill(self) -> None:
        """End everything that runs there, without warning."""
        for pid in _ip("netns", "pids", self.name).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def plug(self, state: str) -> None:
        """Pull the cable (``down``) or put it back (``up``)."""
        _ip("link", "set", self.cable, state)


def why_not() -> str:
    """Why there can be no such hosts; empty if there can."""
    try:
        _ip("netns", "add", f"spnst-{os.getpid()}")
        _ip("netns", "exec", f"spnst-{os.getpid()}", "true")
        _ip("netns", "delete", f"spnst-{os.getpid()}")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces can be made here: {getattr(error, 'stderr', '') or error}"
    return ""


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts, of which the first is this process's own until the end; what runs on the others ends then."""
    made = [Host(f"spnst-{os.getpid()}-{n}", f"10.77.0.{n + 1}", f"cable{n}") for n in range(count)]
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        for host in made:
            _ip("netns", "add", host.name)
            _ip("-n", host.name, "link", "set", "lo", "up")
        _enter(os.open(f"/run/netns/{made[0].name}", os.O_RDONLY))
        _ip("link", "add", "bridge", "type", "bridge")
        _ip("address", "add", f"{made[0].address}/24", "dev", "bridge")
        _ip("link", "set", "bridge", "up")
        _ip("route", "add", "default", "dev", "bridge")  # so that programs find out their own address
        for host in made[1:]:
            _ip("link", "add", host.cable, "type", "veth", "peer", "name", "net", "netns", host.name)
            _ip("link", "set", host.cable, "master", "bridge", "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "net")
            _ip("-n", host.name, "link", "set", "net", "up")
            _ip("-n", host.name, "route", "add", "default", "via", made[0].address)
        yield made
    finally:
        _enter(before)
        for host in made:
            with suppress(subprocess.CalledProcessError):
                host.kill()
                _ip("netns", "delete", host.name)


def _enter(namespace: int) -> None:
    """Move this thread, and whatever it starts from now on, to a network namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
