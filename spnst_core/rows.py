"""Numbers of a batch's cells, where the batch is."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def rows(cells: tuple[int, ...], device: torch.device) -> Tensor:
    """The numbers as a tensor to index with, (n,): lists would be copied to the device each time, and waited for."""
    return torch.tensor(cells, dtype=torch.long, device=device)
