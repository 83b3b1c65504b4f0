"""Batching: how many cells of one shape are optimised side by side, and in what tiles one is that doesn't fit."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isqrt
from pathlib import Path
from typing import TypeVar

import torch

Cell = TypeVar("Cell")

BYTES_PER_PIXEL = 10_000
"""What one pixel of one cell takes while gradients are computed, cautiously: until it is measured on the device.

Measured on a processor (`python -m benchmarks.tiling`): 3,100 with the embedded networks at 1024², 4,900 with the
published ones at 512². NNPACK's convolutions take some 900 beside, where a processor multiplies float32; a GPU's take
workspaces that weren't measured.
"""

BYTES_PER_PIXEL_APART = 500
"""What each pixel of a picture takes even if the networks see it tile by tile: the picture, its targets, moments.

Measured in the first step at 4096²: 168, tile included. Adam's moments then take 24 more, L-BFGS's curvature 240.
"""

SHARE = 0.6
"""Share of the device's free memory that a batch may take."""

MOST_PIXELS_ON_CPU = 1_000_000
"""A processor gains little from larger batches, so they are kept small enough that cells land often."""

SMALLEST_TILE = 192
"""Side in pixels of the tiles that are tried where not even they fit."""

MOST_HALOS = 20
"""Tiles don't grow beyond so many halos: these are then a fifth of what is read, and larger tiles gain little."""

CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where Linux tells a container of its own limits."""


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
        return int(free_memory(device) * SHARE) // ROOM.bytes_per_pixel(device)
    return MOST_PIXELS_ON_CPU


def abreast(cells: int, pixels: int, threads: int) -> int:
    """Cells of ``pixels`` pixels each that a processor's threads should work at side by side, at least one."""
    fitting = int(free_memory(torch.device("cpu")) * SHARE) // (pixels * BYTES_PER_PIXEL)
    return max(1, min(cells, threads, fitting))


class Room:
    """What devices have been found to have room for: at first nothing; what is learnt holds for the process."""

    def __init__(self) -> None:
        self._most: dict[tuple[str, tuple[int, int]], int] = {}
        self._bytes_per_pixel: dict[str, int] = {}

    def at_once(self, device: torch.device, shape: tuple[int, int]) -> int:
        """Cells of a shape that may go through the networks together; on a processor one."""
        return self._most.get((str(device), shape), 1 if device.type == "cpu" else sys.maxsize)

    def shrink(self, device: torch.device, shape: tuple[int, int], cells: int) -> None:
        """So many cells were too many: half of them next time."""
        self._most[str(device), shape] = cells // 2
        if device.type == "cuda":
            torch.cuda.empty_cache()

    def bytes_per_pixel(self, device: torch.device) -> int:
        """What a pixel takes while gradients are computed: the most that was measured on the device, else a guess."""
        return self._bytes_per_pixel.get(str(device), BYTES_PER_PIXEL)

    @contextmanager
    def measured(self, device: torch.device, pixels: int) -> Iterator[None]:
        """Learn what a pixel takes from what goes on inside, which is for so many of them."""
        if device.type != "cuda":
            yield
            return
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield
        found = -(-(torch.cuda.max_memory_allocated(device) - before) // pixels)
        self._bytes_per_pixel[str(device)] = max(found, self._bytes_per_pixel.get(str(device), 0))


ROOM = Room()


def tile_side(height: int, width: int, device: torch.device, halo: int | None = None) -> int | None:
    """Side in pixels of the square that the networks may read at once; None where the whole picture fits.

    Args:
        halo: pixels that a network must read around a tile: tiles needn't be larger than `MOST_HALOS` of them.
    """
    return side_in(int(free_memory(device) * SHARE), height, width, halo)


def side_in(memory: int, height: int, width: int, halo: int | None = None) -> int | None:
    """`tile_side` in so many bytes."""
    left = memory - height * width * BYTES_PER_PIXEL_APART
    if height * width * BYTES_PER_PIXEL <= left:
        return None
    fitting = max(SMALLEST_TILE, isqrt(max(0, left) // BYTES_PER_PIXEL))
    return fitting if halo is None else min(fitting, max(SMALLEST_TILE, MOST_HALOS * halo))


def free_memory(device: torch.device) -> int:
    """Bytes that a device can still give: a processor's are the system's, or its container's where those are fewer.

    What PyTorch keeps of a GPU's memory without using it is free.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return min(_available(), *_left_in_container())


def _available() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        fields = dict(line.split(":") for line in meminfo.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    # Elsewhere half of what is there: systems without /proc don't tell what could be freed.
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _left_in_container() -> Iterator[int]:
    """What a control group (version 2 or 1) leaves, where one sets a limit; files it may forget count as free."""
    for folder, limit, used in (
        (CONTROL_GROUP, "memory.max", "memory.current"),
        (CONTROL_GROUP / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        if (folder / limit).is_file() and (most := (folder / limit).read_text().strip()).isdecimal():
            counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield int(most) - int((folder / used).read_text()) + int(counts["inactive_file"])
