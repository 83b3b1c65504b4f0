"""Copies from a device to the host that don't make the device wait."""

import torch
from torch import Tensor


class HostCopy:
    """An asynchronous copy of a tensor to the host. `ready` never blocks, `wait` does.

    Only copies from CUDA devices are asynchronous; copies from others are complete at once.
    """

    def __init__(self, x: Tensor) -> None:
        on_gpu = x.device.type == "cuda"
        self._copy = x.detach().to("cpu", non_blocking=on_gpu)
        self._arrival: torch.Event | None = None
        if on_gpu:
            self._arrival = torch.Event(x.device)
            self._arrival.record()

    @property
    def ready(self) -> bool:
        """Whether the copy has arrived."""
        return self._arrival is None or bool(self._arrival.query())

    def wait(self) -> Tensor:
        """The copy, once it has arrived."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return self._copy
