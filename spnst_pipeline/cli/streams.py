"""Streams: standard input, output and error that may be closed, or lose their reader, without costing a run."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer


def keep_streams() -> None:
    """Give this process standard streams that last. Call it before anything else is opened.

    A closed stream is opened on the null device: otherwise the next file, such as a database, would take its
    number, and what libraries write to standard error would end up in that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = _lasting(1, sys.stdout), _lasting(2, sys.stderr)


class LastingFile(io.FileIO):
    """A file to write to that turns into the null device as soon as a write fails.

    Attributes:
        lost: why it failed; empty as long as nothing is lost, and when nobody reads any more, as after ``| head -1``.
    """

    lost = ""

    def write(self, data: Buffer, /) -> int:
        """Write as much as the system takes."""
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.lost = error.strerror or str(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)


def _lasting(number: int, stream: TextIO | None) -> io.TextIOWrapper:
    """A text stream like ``stream``, the one that Python opened; None: it was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(LastingFile(number, "w", closefd=False)),
        encoding=stream.encoding if stream else "utf-8",
        errors=stream.errors if stream else "backslashreplace",
        line_buffering=number == 2 or os.isatty(number),
    )


def lost_output() -> str:
    """Why standard output couldn't be written in full; empty if it could, or if nobody reads it any more."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, LastingFile) else ""
