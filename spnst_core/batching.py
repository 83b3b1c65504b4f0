"""Batching: how many cells of one shape are optimised side by side."""

from collections.abc import Sequence
from typing import TypeVar

import torch

Cell = TypeVar("Cell")

BYTES_PER_PIXEL = 10_000
"""A cautious estimate of the memory that one pixel of one cell takes while gradients are computed; not measured."""

SHARE = 0.6
"""Share of the device's free memory that a batch may take."""

MOST_PIXELS_ON_CPU = 1_000_000
"""A processor gains nothing from larger batches, so they are kept small enough that cells land often."""


def batches(cells: Sequence[Cell], pixels: int, device: torch.device) -> list[list[Cell]]:
    """Cut cells of ``pixels`` pixels each into batches, in order and as even as can be, that fit the device."""
    if not cells:
        return []
    count = -(-len(cells) // max(1, room(device) // pixels))
    sizes = [len(cells) // count + (k < len(cells) % count) for k in range(count)]
    starts = [sum(sizes[:k]) for k in range(count)]
    return [list(cells[start : start + size]) for start, size in zip(starts, sizes, strict=True)]


def room(device: torch.device) -> int:
    """Pixels, over all cells of a batch, that fit the device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free * SHARE) // BYTES_PER_PIXEL
    return MOST_PIXELS_ON_CPU
