"""Batches: every cell once, in order, even in size, and never larger than the device has room for."""

from traceback import format_exception, walk_tb

import numpy as np
import pytest
import torch

from spnst_core.compute.memory import (
    BYTES_PER_PIXEL,
    Room,
    abreast,
    batches,
    free_memory,
    peak_memory,
    ran_out,
    release,
    shortage,
    shortfall,
)
from spnst_core.errors import InputError

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


def test_the_peak_is_what_pytorch_tells_of_a_gpu_and_there_is_none_elsewhere(monkeypatch):
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda device: 1_000 + device.index)
    assert peak_memory(torch.device("cuda", 1)) == 1_001
    assert peak_memory(torch.device("cpu")) is None
    assert peak_memory(torch.device("mps")) is None


def test_where_no_container_has_a_limit_the_systems_memory_counts(monkeypatch, tmp_path):
    monkeypatch.setattr("spnst_core.compute.memory.CONTROL_GROUP", tmp_path)
    assert free_memory(torch.device("cpu")) > 0


# ---------------------------------------------------------------------------------------------------------- it runs out


@pytest.mark.parametrize("ask", [lambda: torch.empty(1 << 55), lambda: np.empty(1 << 55, np.uint8)])
def test_an_error_of_too_little_memory_is_known_and_tells_how_much_was_asked_for(ask):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        ask()
    assert ran_out(caught.value)
    amount = "144115188075855872 bytes" if caught.type is RuntimeError else "32.0 PiB"
    told = (
        f"memory ran out ({amount} more were asked for): choose a smaller size, or run again where more memory is free"
    )
    assert shortage(caught.value) == told


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("no room"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_so_is_one_that_names_no_amount(error):
    assert ran_out(error)
    assert shortage(error) == "memory ran out: choose a smaller size, or run again where more memory is free"


def test_so_is_one_that_it_caused_and_no_other():
    told = InputError("can't be decoded")
    told.__cause__ = MemoryError()
    assert ran_out(told)
    assert not ran_out(RuntimeError("shapes don't fit"))
    assert not ran_out(ValueError("out of memory"))


def test_what_an_error_holds_is_freed_and_its_lines_stay():
    def fails():
        taken = torch.zeros(3)
        try:
            raise MemoryError
        except MemoryError:
            raise ValueError(f"of {len(taken)}")  # noqa: B904  which the chain of errors follows as well

    with pytest.raises(ValueError, match="of 3") as caught:
        fails()
    before = format_exception(caught.value)
    release(caught.value)
    assert format_exception(caught.value) == before
    for error in (caught.value, caught.value.__context__):
        assert not any("taken" in frame.f_locals for frame, _ in walk_tb(error.__traceback__))


def test_a_pastiche_for_which_memory_will_hardly_do_is_told_with_a_size_that_fits(monkeypatch):
    monkeypatch.setattr("spnst_core.compute.memory.free_memory", lambda device: 13_000_000_000)
    line = shortfall(8000, 10_000, CPU)
    assert line.startswith("a pastiche of 10000×8000 takes about 40.4 GB while it is painted, and 13.0 GB are free")
    assert "choose a size of 5,600 px, or run where more is free" in line
    assert shortfall(8000 * 5600 // 10_000, 5600, CPU) == ""
    assert shortfall(8000 * 5700 // 10_000, 5700, CPU) != ""


@pytest.mark.parametrize(("free", "says"), [(1000, "choose a smaller size"), (10**12, "")])
def test_no_size_is_named_where_none_fits_and_nothing_is_said_where_all_do(free, says, monkeypatch):
    monkeypatch.setattr("spnst_core.compute.memory.free_memory", lambda device: free)
    assert says in (line := shortfall(1000, 1000, CPU)) and bool(line) == bool(says)
    assert shortfall(100, 100, CPU) == ""
