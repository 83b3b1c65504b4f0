"""Batches: every cell once, in order, even in size, and never larger than the device has room for."""

import pytest
import torch

from spnst_core.compute.memory import BYTES_PER_PIXEL, Room, abreast, batches, free_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("pixels", [1, 100_000, 192 * 256, 10**9])
def test_every_cell_comes_once_in_order_and_batches_are_even(count, pixels):
    cut = batches(range(count), pixels, CPU, Room())
    assert [cell for batch in cut for cell in batch] == list(range(count))
    if cut:
        assert max(map(len, cut)) - min(map(len, cut)) <= 1
        assert max(map(len, cut)) <= max(1, Room().pixels(CPU) // pixels)


def test_a_picture_too_large_for_two_goes_alone():
    assert batches("abc", Room().pixels(CPU), CPU, Room()) == [["a"], ["b"], ["c"]]


def test_a_processor_takes_each_cell_alone():
    """So that a batch rounds as its cells alone do."""
    assert Room().at_once(CPU, (100, 100)) == 1


@pytest.mark.parametrize(
    ("cells", "threads", "fitting", "expected"), [(3, 8, 100, 3), (8, 2, 100, 2), (8, 8, 4, 4), (8, 8, 0, 1)]
)
def test_cells_go_side_by_side_as_far_as_threads_and_memory_go(cells, threads, fitting, expected, monkeypatch):
    free = 1000 * BYTES_PER_PIXEL * (fitting + 0.5) / 0.6
    monkeypatch.setattr("spnst_core.compute.memory.free_memory", lambda device: free)
    assert abreast(cells, 1000, threads) == expected


def test_a_gpu_takes_all_together_until_it_has_no_room(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found, gpu = Room(), torch.device("cuda", 0)
    assert found.at_once(gpu, (300, 400)) > 1000
    found.shrink(gpu, (300, 400), 16)
    assert found.at_once(gpu, (300, 400)) == 8
    assert found.at_once(gpu, (400, 300)) > 1000, "another shape"


def test_what_pytorch_keeps_of_a_gpu_without_using_it_is_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1_000, 9_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    assert free_memory(torch.device("cuda", 0)) == 1_400
