"""Signals: a command that is told to terminate stops like one that is interrupted, and says so by its exit status."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

INTERRUPTED, TERMINATED = 130, 143
"""Exit status after Ctrl-C and after SIGTERM, as a shell reports them."""


@contextmanager
def terminating_as_interrupted() -> Iterator[Callable[[], int]]:
    """SIGTERM raises `KeyboardInterrupt` while the context lasts, for the main thread only.

    Yields:
        A function that gives the exit status of a command that was stopped. Dagster replaces handlers on the way, so
        the signal is read from where Python writes the number of every signal that arrives.
    """
    arrived, written = socket.socketpair()
    for end in (arrived, written):
        end.setblocking(False)
    fd = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def status() -> int:
        seen = b""
        with suppress(BlockingIOError):
            seen = arrived.recv(4096)
        first = next((number for number in seen if number in (signal.SIGINT, signal.SIGTERM)), signal.SIGINT)
        return TERMINATED if first == signal.SIGTERM else INTERRUPTED

    try:
        yield status
    finally:
        signal.set_wakeup_fd(fd)
        signal.signal(signal.SIGTERM, handler)
        arrived.close()
        written.close()
