"""One thread for all benchmarks' tests: small pictures gain nothing from more, and tests run side by side."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
