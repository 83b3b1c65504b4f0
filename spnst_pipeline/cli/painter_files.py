"""Painters' files, as commands are given them."""

from __future__ import annotations

from pathlib import Path

from spnst_core.errors import InputError
from spnst_core.painters.painter import Painter

SUFFIX = ".safetensors"
"""Of a painter's file."""


def read_painter(file: Path) -> Painter:
    """The painter in a file.

    Raises:
        InputError: it can't be read, or holds no painter.
    """
    try:
        return Painter.from_bytes(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(f"painter {file} can't be read: {error.strerror}") from error
