"""Partitions: one for each content, one for each style, and the grid of both."""

from collections.abc import Iterable

import dagster as dg

CONTENT = dg.DynamicPartitionsDefinition(name="content")
STYLE = dg.DynamicPartitionsDefinition(name="style")
GRID = dg.MultiPartitionsDefinition({"content": CONTENT, "style": STYLE})

Span = tuple[str, str]
"""The first and the last partition key of a range run; for the grid, opposite corners of a rectangle."""


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
