"""Partitions: one for each content, one for each style, and the grid of both."""

import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

import dagster as dg

CONTENT = dg.DynamicPartitionsDefinition(name="content")
STYLE = dg.DynamicPartitionsDefinition(name="style")
GRID = dg.MultiPartitionsDefinition({"content": CONTENT, "style": STYLE})

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LONGEST = 100

Span = tuple[str, str]
"""The first and the last partition key of a range run; for the grid, opposite corners of a rectangle."""


def slug(name: str) -> str:
    """The partition key for a file name without its suffix: lower-case ASCII letters, digits and ``. _ -``.

    Accents are dropped and anything else turns into ``-``. A name of which nothing would be left (one in Chinese,
    say) gets a key made from its hash. Runs of dots become one: ``...`` means a range to Dagster.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", ascii_name))
    return words.lstrip("._-")[:_LONGEST].rstrip(".-") or f"image-{sha256(name.encode()).hexdigest()[:8]}"


def cell_key(content: str, style: str) -> dg.MultiPartitionKey:
    """The grid's partition key for one cell."""
    return dg.MultiPartitionKey({"content": content, "style": style})


def rows(keys: Iterable[str]) -> dict[str, list[str]]:
    """Grid partition keys as styles by content, in the order given."""
    grid: dict[str, list[str]] = {}
    for key in keys:
        content, style = key.split("|")
        grid.setdefault(content, []).append(style)
    return grid
