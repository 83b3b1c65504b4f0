"""Memory: how many cells of one shape fit a device at once, the tile size for a picture that doesn't fit, and errors
that say that it ran out."""

import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isqrt
from pathlib import Path
from typing import TypeVar

import psutil
import torch

T = TypeVar("T")

BYTES_PER_PIXEL = 10_000
"""Bytes per pixel of a cell while gradients are computed: a cautious estimate until it is measured on the device.

Measured on a CPU (`python -m benchmarks.tiling`): 3,100 with the embedded networks at 1024², 4,900 with the published
ones at 512². NNPACK's convolutions take some 900 more on a CPU that multiplies float32. The workspaces of a GPU's
convolutions weren't measured.
"""

BYTES_PER_PIXEL_APART = 500
"""Bytes per pixel of a picture that is processed in tiles: the picture itself, its targets and the moments.

Measured in the first step at 4096²: 168, including the tile. Adam's moments then add 24, L-BFGS's curvature 240.
"""

SHARE = 0.6
"""Share of the device's free memory that a batch may take."""

MOST_PIXELS_ON_CPU = 1_000_000
"""Pixels in a batch on a CPU. Larger batches gain little there, and smaller ones finish cells more often."""

SMALLEST_TILE = 192
"""Smallest side of a tile in pixels, used even where the estimate says that it doesn't fit."""

MOST_HALOS = 20
"""Largest side of a tile in halos. At that size halos are a fifth of what is read, and larger tiles gain little."""

_SIGNS = ("out of memory", "t allocate memory", "bad_alloc")
"""What PyTorch's errors say when memory runs out on a device that has no exception type of its own for it."""

_ASKED = re.compile(r"allocate ([\d.]+ \w+)")
"""How much was asked for, in errors of PyTorch and NumPy."""

CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where Linux publishes a container's limits."""


def batches(cells: Sequence[T], pixels: int, device: torch.device, room: "Room") -> list[list[T]]:
    """Split cells of ``pixels`` pixels each into batches that fit the device, in order and as evenly as possible."""
    if not cells:
        return []
    count = -(-len(cells) // max(1, room.pixels(device) // pixels))
    sizes = [len(cells) // count + (k < len(cells) % count) for k in range(count)]
    starts = [sum(sizes[:k]) for k in range(count)]
    return [list(cells[start : start + size]) for start, size in zip(starts, sizes, strict=True)]


def abreast(cells: int, pixels: int, threads: int) -> int:
    """How many cells of ``pixels`` pixels each a CPU should evaluate in parallel, at least one."""
    fitting = int(free_memory(torch.device("cpu")) * SHARE) // (pixels * BYTES_PER_PIXEL)
    return max(1, min(cells, threads, fitting))


class Room:
    """How much memory networks take on each device, as far as it has been measured; a field of `Models`."""

    def __init__(self) -> None:
        self._most: dict[tuple[str, tuple[int, int]], int] = {}
        self._bytes_per_pixel: dict[str, int] = {}

    def at_once(self, device: torch.device, shape: tuple[int, int]) -> int:
        """Cells of a shape that may go through the networks in one batch; on a CPU one."""
        return self._most.get((str(device), shape), 1 if device.type == "cpu" else sys.maxsize)

    def pixels(self, device: torch.device) -> int:
        """Pixels, summed over the cells of a batch, that fit the device."""
        if device.type == "cuda":
            return int(free_memory(device) * SHARE) // self.bytes_per_pixel(device)
        return MOST_PIXELS_ON_CPU

    def shrink(self, device: torch.device, shape: tuple[int, int], cells: int) -> None:
        """Halve the limit after ``cells`` cells of a shape ran out of memory."""
        self._most[str(device), shape] = cells // 2
        if device.type == "cuda":
            torch.cuda.empty_cache()

    def bytes_per_pixel(self, device: torch.device) -> int:
        """Bytes per pixel while gradients are computed: the most measured on the device, else `BYTES_PER_PIXEL`."""
        return self._bytes_per_pixel.get(str(device), BYTES_PER_PIXEL)

    @contextmanager
    def measured(self, device: torch.device, pixels: int) -> Iterator[None]:
        """Measure the peak memory of the enclosed block, which processes ``pixels`` pixels."""
        if device.type != "cuda":
            yield
            return
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield
        found = -(-(torch.cuda.max_memory_allocated(device) - before) // pixels)
        self._bytes_per_pixel[str(device)] = max(found, self._bytes_per_pixel.get(str(device), 0))


def tile_side(height: int, width: int, device: torch.device, halo: int | None = None) -> int | None:
    """Side in pixels of the square tile that the networks may read at once; None if the whole picture fits.

    Args:
        halo: pixels that a network reads around a tile, which limits its side to `MOST_HALOS` halos.
    """
    return side_in(int(free_memory(device) * SHARE), height, width, halo)


def side_in(memory: int, height: int, width: int, halo: int | None = None) -> int | None:
    """`tile_side` for ``memory`` bytes."""
    left = memory - height * width * BYTES_PER_PIXEL_APART
    if height * width * BYTES_PER_PIXEL <= left:
        return None
    fitting = max(SMALLEST_TILE, isqrt(max(0, left) // BYTES_PER_PIXEL))
    return fitting if halo is None else min(fitting, max(SMALLEST_TILE, MOST_HALOS * halo))


def shortfall(height: int, width: int, device: torch.device) -> str:
    """What to tell, in one line, of a pastiche for which memory is likely to run out; empty if it will do."""
    free, pixels = free_memory(device), height * width
    least = SMALLEST_TILE**2 * BYTES_PER_PIXEL
    needed = least + pixels * BYTES_PER_PIXEL_APART
    if pixels <= SMALLEST_TILE**2 or needed <= free:
        return ""
    fitting = isqrt(max(0, free - least) * max(height, width) ** 2 // (pixels * BYTES_PER_PIXEL_APART)) // 100 * 100
    smaller = f"choose a size of {fitting:,} px" if fitting else "choose a smaller size"
    return (
        f"a pastiche of {width}×{height} takes about {needed / 1e9:.1f} GB while it is painted, and {free / 1e9:.1f} "
        f"GB are free, so that memory may run out: {smaller}, or run where more is free"
    )


def free_memory(device: torch.device) -> int:
    """Free memory of a device in bytes; for a CPU that of the system, or of its container where that is less.

    Memory of a GPU that PyTorch has reserved but doesn't use counts as free.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return min([psutil.virtual_memory().available, *_left_in_container()])


def peak_memory(device: torch.device) -> int | None:
    """Most bytes that PyTorch had allocated on a GPU at once, for this process; None for a device that isn't CUDA's.

    `Room.measured` starts the count anew, so after a batch it holds the batch's last evaluation of the objective, which
    is the largest: stages grow.
    """
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def _left_in_container() -> Iterator[int]:
    """Free bytes under the limit of a control group (version 2 or 1), if any; cached files count as free."""
    for folder, limit, used in (
        (CONTROL_GROUP, "memory.max", "memory.current"),
        (CONTROL_GROUP / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        if (folder / limit).is_file() and (most := (folder / limit).read_text().strip()).isdecimal():
            counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield int(most) - int((folder / used).read_text()) + int(counts["inactive_file"])


def ran_out(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, says that memory ran out, of a device or of the computer."""
    if error is None:
        return False
    by_type = isinstance(error, MemoryError | torch.OutOfMemoryError)
    by_words = isinstance(error, RuntimeError | OSError) and any(sign in str(error) for sign in _SIGNS)
    return by_type or by_words or ran_out(error.__cause__)


def shortage(error: BaseException) -> str:
    """What to tell a user of an error of which `ran_out` is true, in one line."""
    asked = _ASKED.search(str(error))
    more = f" ({asked[1]} more were asked for)" if asked else ""
    return f"memory ran out{more}: choose a smaller size, or run again where more memory is free"


def release(error: BaseException) -> None:
    """Free what an error's traceback holds: the tensors of the attempt that failed. Its lines stay.

    An error that is kept while the next attempt is made would otherwise take the memory that this one needs.
    """
    chain: BaseException | None = error
    while chain is not None:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__
