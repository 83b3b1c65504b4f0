"""Batches: every cell once, in order, even in size, and never larger than the device has room for."""

import pytest
import torch

from spnst_core.batching import batches, room

CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("pixels", [1, 100_000, 192 * 256, 10**9])
def test_every_cell_comes_once_in_order_and_batches_are_even(count, pixels):
    cut = batches(range(count), pixels, CPU)
    assert [cell for batch in cut for cell in batch] == list(range(count))
    if cut:
        assert max(map(len, cut)) - min(map(len, cut)) <= 1
        assert max(map(len, cut)) <= max(1, room(CPU) // pixels)


def test_a_picture_too_large_for_two_goes_alone():
    assert batches("abc", room(CPU), CPU) == [["a"], ["b"], ["c"]]
