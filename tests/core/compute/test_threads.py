"""PyTorch's threads, shared out."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spnst_core.compute.threads import in_parallel


def test_threads_are_shared_out_and_given_back(threads):
    meeting = threading.Barrier(2, timeout=60)

    def look(item):
        if item < 4:
            meeting.wait()  # which nobody passes alone
        return item, torch.get_num_threads()

    for _ in range(2):
        assert in_parallel(look, range(5), 2) == [(0, 2), (1, 2), (2, 2), (3, 2), (4, 4)], "the last has all of them"
        assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads, "threads that begin later too"


def test_the_same_lanes_serve_again(threads):
    def which(_):
        meeting.wait()
        return threading.get_ident()

    meeting = threading.Barrier(2, timeout=60)
    assert set(in_parallel(which, range(2), 2)) == set(in_parallel(which, range(2), 2))


def test_lanes_have_lanes_of_their_own(threads):
    def inner(item):
        return in_parallel(lambda k: (item, k, torch.get_num_threads()), range(2), 2)

    assert in_parallel(inner, range(2), 2) == [[(0, 0, 1), (0, 1, 1)], [(1, 0, 1), (1, 1, 1)]]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads, "threads that begin later have all of them"


def test_lanes_of_another_number_end(threads):
    before = threading.active_count()
    for lanes in (2, 3, 4, 2):
        in_parallel(str, range(lanes), lanes)
        assert threading.active_count() <= before + lanes


def test_what_goes_wrong_beside_others_is_told_once_they_are_done(threads):
    done, failed = [], threading.Event()

    def work(item):
        if item == 0:
            failed.set()
            raise ZeroDivisionError
        failed.wait(60)
        done.append(item)

    with pytest.raises(ZeroDivisionError):
        in_parallel(work, [0, 1], 2)
    assert done == [1]
    assert torch.get_num_threads() == threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_makes_lanes_of_its_own(threads):
    assert in_parallel(lambda item: 2 * item, range(2), 2) == [0, 2]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(60)
            status = 0 if in_parallel(lambda item: 2 * item, range(2), 2) == [0, 2] else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
