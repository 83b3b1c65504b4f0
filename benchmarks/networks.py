"""Networks to measure with: the embedded ones, and the pretrained profile's from files of stand-in weights."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from spnst_core import load_models
from spnst_core.models import stand_ins, weights
from spnst_core.models.profiles import Models

KINDS = ("embedded", "published")
SEED = 1

Load = Callable[[], Models]
"""A function that loads the networks from their files."""


@contextmanager
def networks(kind: str, device: str = "cpu") -> Iterator[Load]:
    """A loader for networks of one kind, valid while the context lasts.

    ``published`` is the pretrained profile with stand-in weights in a temporary folder: its time, memory and
    arithmetic are those of the real weights, and its values are finite.
    """
    if kind == "embedded":
        yield partial(load_models, "embedded", device)
        return
    before = os.environ.get(weights.FOLDER)
    with TemporaryDirectory() as folder:
        stand_ins.write(Path(folder), SEED)
        os.environ[weights.FOLDER] = folder
        try:
            yield partial(load_models, "pretrained", device)
        finally:
            del os.environ[weights.FOLDER]
            if before is not None:
                os.environ[weights.FOLDER] = before
