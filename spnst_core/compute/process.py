"""State of the process, beyond what it computes, that this library sets: how long OpenMP's threads spin, and its heap.

`docs/reference/process.md` lists it with everything else that outlives a call. Nothing here imports PyTorch.
"""

import ctypes
import os
import sys
from collections.abc import Callable

SPIN_COUNT = "10000"
"""Rounds that a waiting thread spins before it sleeps.

Sleeping at once costs a step of the optimiser a third of its speed; OpenMP's default of 300,000 makes it ten times
slower where processes share cores. docs/performance.md has the figures.
"""

_TRIM: Callable[[int], int] | None = None
if sys.platform == "linux":
    _TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # present in glibc; musl doesn't need it


def limit_spinning() -> None:
    """Let OpenMP threads that wait for each other spin for `SPIN_COUNT` rounds and then sleep, by `GOMP_SPINCOUNT`.

    GNU OpenMP, which PyTorch brings on Linux, reads this environment variable once, when PyTorch is imported. Processes
    that this one starts inherit it. A value that is already set stays. `import spnst_core` calls this function if
    PyTorch isn't imported yet.

    Raises:
        RuntimeError: the variable isn't set and PyTorch is already imported, so that setting it would have no effect.
    """
    if "GOMP_SPINCOUNT" in os.environ:
        return
    if "torch" in sys.modules:
        raise RuntimeError(
            "GOMP_SPINCOUNT has no effect once PyTorch is imported: import spnst_core before torch, or set "
            f"GOMP_SPINCOUNT={SPIN_COUNT} in the environment"
        )
    os.environ["GOMP_SPINCOUNT"] = SPIN_COUNT


def trim_heap() -> None:
    """Return the free memory of the C library's heap to the system, where the C library can do so (glibc).

    Tensors up to 32 MiB are allocated there. With several sizes in turn the heap grows to a multiple of what is in use,
    because the gaps that one size leaves don't fit another.
    """
    if _TRIM is not None:
        _TRIM(0)
