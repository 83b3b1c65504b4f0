"""Dividing PyTorch's CPU threads among tasks that run in parallel."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Item = TypeVar("Item")
Found = TypeVar("Found")


class _Kept(threading.local):
    """State of one thread.

    Attributes:
        lanes: the pool used last, by its number of threads and their share; a pool that is kept also keeps its memory.
        default: number of PyTorch threads outside a pool; None in threads that aren't part of one.
    """

    def __init__(self) -> None:
        self.lanes: dict[tuple[int, int], ThreadPoolExecutor] = {}
        self.default: int | None = None


_KEPT = _Kept()
_SETTING = threading.Lock()

if hasattr(os, "register_at_fork"):  # a forked process inherits the pools, but not their threads
    os.register_at_fork(after_in_child=lambda: _KEPT.lanes.clear())


def in_parallel(function: Callable[[Item], Found], items: Sequence[Item], lanes: int) -> list[Found]:
    """``function`` of each item, ``lanes`` items in parallel, each with an equal share of PyTorch's threads.

    It returns, or raises what ``function`` raised, only after every call that was started has ended.
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
    """A pool of ``count`` threads, each of which runs PyTorch on ``threads`` threads.

    Raises:
        RuntimeError: the system can't start the threads.
    """
    default = torch.get_num_threads() if _KEPT.default is None else _KEPT.default
    pool, meeting = ThreadPoolExecutor(count), threading.Barrier(count)

    def begin(_: int) -> None:
        try:
            torch.set_num_threads(threads)
            torch.get_num_threads()  # binds the setting to this thread; otherwise restoring the default would undo it
            _KEPT.default = default
            meeting.wait()  # so that every thread of the pool runs this once
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
        finally:  # set_num_threads also changes the default of threads started later
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
        futures.clear()  # or an exception's traceback would keep its own future, and all its tensors, alive


def _lanes(count: int, share: int) -> ThreadPoolExecutor:
    """The pool of ``count`` threads with ``share`` PyTorch threads each; a pool of another size is shut down."""
    if (count, share) not in _KEPT.lanes:
        for pool in _KEPT.lanes.values():
            pool.shutdown()
        _KEPT.lanes.clear()
        _KEPT.lanes[count, share] = begun_with(share, count)
    return _KEPT.lanes[count, share]
