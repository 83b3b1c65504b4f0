"""The objective of a batch and its gradient: one batch where memory allows, on a CPU cell by cell."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.compute.memory import abreast, ran_out
from spnst_core.compute.threads import in_parallel
from spnst_core.objective.objective import Objective
from spnst_core.objective.view import View
from spnst_core.optim.lbfgs import Evaluation


def evaluate(objective: Objective, view: View, x: Tensor, cells: Sequence[int]) -> Evaluation:
    """The objective of canvases (B, 3, H, W) in one view, with its gradient; ``cells`` are their indices in the batch.

    On a CPU each cell passes through the networks alone, so that rounding doesn't depend on the batch size (on up to
    two threads). Several cells run at once, each with a share of the threads: threads that share no work never wait
    for each other. On other devices the cells form one batch. If the device runs out of memory, the batch is halved,
    and from then on so are all batches of that shape on that device; results computed before are kept.

    Raises:
        RuntimeError: a single cell doesn't fit the device's memory; `torch.OutOfMemoryError` on CUDA.
    """
    device, shape = x.device, (x.shape[2], x.shape[3])
    while True:
        together = min(len(x), objective.room.at_once(device, shape))
        parts = [slice(k, k + together) for k in range(0, len(x), together)]
        try:
            with objective.room.measured(device, together * shape[0] * shape[1]):
                found = _evaluated(objective, view, x, cells, parts)
        except RuntimeError as error:
            if together == 1 or not ran_out(error):
                raise
        else:
            values = {term: torch.cat([part.values[term] for part in found]) for term in found[0].values}
            return Evaluation(values, torch.cat([part.gradient for part in found]))
        objective.room.shrink(device, shape, together)  # only here have the failed attempt's tensors been freed


def _evaluated(
    objective: Objective, view: View, x: Tensor, cells: Sequence[int], parts: Sequence[slice]
) -> list[Evaluation]:
    def evaluated(part: slice) -> Evaluation:
        return differentiated(objective, x[part], view, cells[part])

    if x.device.type != "cpu" or objective.is_tiled:
        return [evaluated(part) for part in parts]
    objective.prepare(view)  # with all threads, and only once
    return in_parallel(evaluated, parts, abreast(len(parts), x.shape[2] * x.shape[3], torch.get_num_threads()))


def differentiated(objective: Objective, x: Tensor, view: View, cells: Sequence[int] | None = None) -> Evaluation:
    """`evaluate` in one pass; without ``cells``, the canvases are those of all cells of the objective."""
    x = x.detach().requires_grad_(True)
    values = objective(x, view, cells)
    (gradient,) = torch.autograd.grad(values["total"].sum(), x)
    return Evaluation({term: value.detach() for term, value in values.items()}, gradient)
