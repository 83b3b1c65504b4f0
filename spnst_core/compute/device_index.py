"""Cached index tensors on the batch's device."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def indices(cells: tuple[int, ...], device: torch.device) -> Tensor:
    """The cell numbers as an index tensor (n,). A list would be copied to the device, synchronously, at every use."""
    return torch.tensor(cells, dtype=torch.long).to(device, non_blocking=device.type == "cuda")
