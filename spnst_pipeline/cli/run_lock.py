"""Run lock: one command line at a time works on a store. A second one waits, and says for whom."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

LOCK, HOLDER = "run.lock", "run.json"
"""Files in Dagster's home: the lock, which the system frees when its process ends, and who holds it."""


@contextmanager
def run_lock(home: Path, told: Callable[[str], None]) -> Iterator[bool]:
    """Hold the lock of a store while the context lasts; yields whether another process had to be waited for.

    So no run deletes partitions under another, none paints what another is painting, and Dagster's records, which two
    processes that open them for the first time at once would spoil, are opened by one.

    Args:
        home: folder of Dagster's records, which must exist.
        told: called with one line before it waits.
    """
    lock, waited = FileLock(home / LOCK), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
        told(f"Waiting for {_holder(home)}, which works on the same store. Ctrl-C leaves.")
        lock.acquire(poll_interval=0.2)
    try:
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        holder = {"process": os.getpid(), "machine": socket.gethostname(), "began": began}
        (home / HOLDER).write_text(json.dumps(holder), "utf-8")
        yield waited
    finally:
        (home / HOLDER).unlink(missing_ok=True)
        lock.release()


def holder(home: Path) -> str:
    """Who works on a store at the moment; empty if nobody does.

    Args:
        home: folder of Dagster's records, which must exist.
    """
    try:
        with FileLock(home / LOCK, timeout=0):
            return ""
    except Timeout:
        return _holder(home)


def _holder(home: Path) -> str:
    """Who holds the lock, as far as is known: between two runs it may just have changed."""
    try:
        holder = json.loads((home / HOLDER).read_text("utf-8"))
        return f"process {holder['process']} on {holder['machine']} (since {holder['began']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another spnst run"
