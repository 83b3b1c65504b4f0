"""PyTorch's threads, shared out among what a processor does at the same time."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Item = TypeVar("Item")
Found = TypeVar("Found")


class _Kept(threading.local):
    """What a thread has of its own.

    Attributes:
        lanes: those it used last, by their number and share: the memory they work in needn't be asked for every time.
        default: PyTorch's threads where nothing is shared out; None in threads that aren't lanes, which have them all.
    """

    def __init__(self) -> None:
        self.lanes: dict[tuple[int, int], ThreadPoolExecutor] = {}
        self.default: int | None = None


_KEPT = _Kept()
_SETTING = threading.Lock()

if hasattr(os, "register_at_fork"):  # a forked process has the lanes' names, but not their threads
    os.register_at_fork(after_in_child=lambda: _KEPT.lanes.clear())


def side_by_side(function: Callable[[Item], Found], items: Sequence[Item], lanes: int) -> list[Found]:
    """``function`` of each item, so many at a time, PyTorch's threads shared out among them; raises what it raises.

    Whatever happens, it returns once all that was begun is done.
    """
    found = list[Found]()
    for first in range(0, len(items), lanes):
        group = items[first : first + lanes]
        if len(group) == 1:
            found.append(function(group[0]))
        else:
            found += _at_once(function, group)
    return found


def begun_with(threads: int, count: int) -> ThreadPoolExecutor:
    """So many threads, each with so many of PyTorch's, for work that needs threads of that kind.

    Raises:
        RuntimeError: the system can't start them.
    """
    default = torch.get_num_threads() if _KEPT.default is None else _KEPT.default
    pool, meeting = ThreadPoolExecutor(count), threading.Barrier(count)

    def begin(_: int) -> None:
        try:
            torch.set_num_threads(threads)
            torch.get_num_threads()  # makes it the thread's own; else it becomes the default's once that is restored
            _KEPT.default = default
            meeting.wait()  # nobody begins twice
        except BaseException:
            meeting.abort()
            raise

    with _SETTING:
        try:
            list(pool.map(begin, range(count)))
        except BaseException:
            meeting.abort()
            pool.shutdown()
            raise
        finally:  # what one thread sets is the default for those that begin later, too
            restore = threading.Thread(target=torch.set_num_threads, args=(default,))
            restore.start()
            restore.join()
    return pool


def _at_once(function: Callable[[Item], Found], group: Sequence[Item]) -> list[Found]:
    pool = _lanes(len(group), max(1, torch.get_num_threads() // len(group)))
    futures: list[Future[Found]] = []
    try:
        for item in group:
            futures.append(pool.submit(function, item))
        return [future.result() for future in futures]
    finally:
        wait(futures)
        futures.clear()  # or a failure would hold itself, and all it worked with


def _lanes(count: int, share: int) -> ThreadPoolExecutor:
    """So many threads that have a share of PyTorch's each; those of another number or share end."""
    if (count, share) not in _KEPT.lanes:
        for pool in _KEPT.lanes.values():
            pool.shutdown()
        _KEPT.lanes.clear()
        _KEPT.lanes[count, share] = begun_with(share, count)
    return _KEPT.lanes[count, share]
