"""PyTorch's threads, shared out among what a processor does at the same time."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Item = TypeVar("Item")
Found = TypeVar("Found")


class _Kept(threading.local):
    """The lanes that each thread has used: the memory they work in needn't be asked of the system every time."""

    def __init__(self) -> None:
        self.lanes: dict[tuple[int, int], ThreadPoolExecutor] = {}


_KEPT = _Kept()

if hasattr(os, "register_at_fork"):  # a forked process has the lanes' names, but not their threads
    os.register_at_fork(after_in_child=lambda: _KEPT.lanes.clear())


def side_by_side(function: Callable[[Item], Found], items: Sequence[Item], lanes: int) -> list[Found]:
    """``function`` of each item, so many at a time, PyTorch's threads shared out among them; raises what it raises."""
    threads, found = torch.get_num_threads(), list[Found]()
    for first in range(0, len(items), lanes):
        group = items[first : first + lanes]
        if len(group) == 1:
            found.append(function(group[0]))
            continue
        pool = _lanes(len(group), max(1, threads // len(group)))
        futures = [pool.submit(function, item) for item in group]
        wait(futures)
        found += [future.result() for future in futures]
    return found


def _lanes(count: int, share: int) -> ThreadPoolExecutor:
    """So many threads that have a share of PyTorch's each."""
    if (count, share) not in _KEPT.lanes:
        _KEPT.lanes[count, share] = _made(count, share)
    return _KEPT.lanes[count, share]


def _made(count: int, share: int) -> ThreadPoolExecutor:
    threads, pool, meeting = torch.get_num_threads(), ThreadPoolExecutor(count), threading.Barrier(count)

    def begin(_: int) -> None:
        torch.set_num_threads(share)
        torch.get_num_threads()  # makes it the thread's own; else it would become what all have once that is restored
        meeting.wait()  # nobody begins twice

    try:
        list(pool.map(begin, range(count)))
    finally:  # what one thread sets is the default for those that begin later, too
        torch.set_num_threads(threads)
    return pool
