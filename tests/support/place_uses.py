"""Every way of using a place that holds a store or pictures, and the line that each ends with where it fails."""

from collections.abc import Callable
from typing import Any

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage.sources import Source
from spnst_pipeline.storage.store import Store


def ways(location: str) -> dict[str, Callable[[], Any]]:
    """Every way of using a place, other than asking whether one artefact is there."""
    store = Store.open(location)
    return {
        "prove": store.require_writable,
        "read": lambda: store.read("a/b.json"),
        "read many": lambda: store.read_many(["a/b.json", "a/c.json"]),
        "write": lambda: store.write("a/b.json", b"x"),
        "copy": lambda: store.copy("a/b.json", "a/c.json"),
        "list": lambda: store.list("a"),
        "source": lambda: Source.open(location, "content"),
    }


def line(use: Callable[[], Any]) -> str:
    """The one line that using a place in some way ends with."""
    with pytest.raises(InputError) as error:
        use()
    assert "\n" not in str(error.value)
    return str(error.value)
