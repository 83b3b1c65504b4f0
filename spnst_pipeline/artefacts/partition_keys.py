"""Partition keys: of the grid's cells, of ranges of them, and as people are told of an artefact."""

from collections.abc import Iterable

import dagster as dg

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


def partition(key: str) -> str:
    """``depth_map/cat.png`` → ``depth_map[cat]``; ``pastiche/gatys/cat/wave.png`` → ``pastiche/gatys[cat|wave]``."""
    *folder, name = key.rsplit(".", 1)[0].split("/")
    if len(folder) == 3:
        return f"{folder[0]}/{folder[1]}[{folder[2]}|{name}]"
    return f"{'/'.join(folder)}[{name}]"
