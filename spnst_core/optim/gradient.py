"""The objective of a batch with its gradient: together as far as there is room, on a processor side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.compute.memory import ROOM, abreast
from spnst_core.compute.threads import in_parallel
from spnst_core.objective.objective import Objective
from spnst_core.objective.view import View
from spnst_core.optim.lbfgs import Evaluation


def evaluate(objective: Objective, view: View, x: Tensor, cells: Sequence[int]) -> Evaluation:
    """The objective of canvases (B, 3, H, W) in one view, with its gradient; ``cells`` says which of all they are.

    On a processor each goes through the networks alone, which rounds the same however large the batch is (on up to two
    threads), several side by side with a share of the threads each: threads that share nothing never wait for each
    other. Elsewhere they go together; if that is more than the device has room for, in halves, and from then on all
    pictures of that shape on that device. What was done before isn't lost.

    Raises:
        RuntimeError: what the device says if there is no room for a single cell: `torch.OutOfMemoryError` on CUDA.
    """
    device, shape = x.device, (x.shape[2], x.shape[3])
    while True:
        together = min(len(x), ROOM.at_once(device, shape))
        parts = [slice(k, k + together) for k in range(0, len(x), together)]
        try:
            with ROOM.measured(device, together * shape[0] * shape[1]):
                found = _evaluated(objective, view, x, cells, parts)
        except RuntimeError as error:
            if together == 1 or not _is_out_of_memory(error):
                raise
        else:
            values = {term: torch.cat([part.values[term] for part in found]) for term in found[0].values}
            return Evaluation(values, torch.cat([part.gradient for part in found]))
        ROOM.shrink(device, shape, together)  # here, where the failed attempt's tensors are gone


def _is_out_of_memory(error: RuntimeError) -> bool:
    """MPS has no type for it."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def _evaluated(
    objective: Objective, view: View, x: Tensor, cells: Sequence[int], parts: Sequence[slice]
) -> list[Evaluation]:
    def evaluated(part: slice) -> Evaluation:
        return differentiated(objective, x[part], view, cells[part])

    if x.device.type != "cpu" or objective.is_tiled:
        return [evaluated(part) for part in parts]
    objective.prepare(view)  # with all threads, and once
    return in_parallel(evaluated, parts, abreast(len(parts), x.shape[2] * x.shape[3], torch.get_num_threads()))


def differentiated(objective: Objective, x: Tensor, view: View, cells: Sequence[int] | None = None) -> Evaluation:
    """What `evaluate` gives, in one pass; ``cells`` may be left out where all of the objective's are meant."""
    x = x.detach().requires_grad_(True)
    values = objective(x, view, cells)
    (gradient,) = torch.autograd.grad(values["total"].sum(), x)
    return Evaluation({term: value.detach() for term, value in values.items()}, gradient)
