"""A GPU that isn't there: places, shapes and types of what it would compute, without the numbers.

PyTorch's fake tensors refuse to go together with tensors of another device, and to tell the host a number, which it
would have to wait for. Gradients aren't taken: for them autograd asks for the device itself.
"""

from copy import deepcopy
from dataclasses import fields, is_dataclass, replace

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from spnst_core.compute.device_index import indices
from spnst_core.models.embedded import edges


class Gpu(TorchDispatchMode):
    """Inside it tensors are fake ones.

    Attributes:
        copied: shapes of what was copied to the GPU since it was last entered.
    """

    device = torch.device("cuda", 0)

    def __init__(self):
        super().__init__()
        self.copied = []
        self._fake = FakeTensorMode()

    def __enter__(self):
        self.copied.clear()
        self._fake.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self._fake.__exit__(*error)
        indices.cache_clear()  # they keep what they made
        edges._smoothing.cache_clear()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and found.device == self.device:
            given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and x.dim()]
            self.copied += [tuple(x.shape) for x in given if x.device.type == "cpu"]
        return found

    def holding(self, value):
        """The same networks, targets or tensors, on the GPU."""
        if isinstance(value, Tensor):
            fake = self._fake.from_tensor(value.detach())
            with self._fake:
                return fake.to(self.device)
        if isinstance(value, nn.Module):
            return self._network(value)
        if is_dataclass(value):
            return replace(value, **{field.name: self.holding(getattr(value, field.name)) for field in fields(value)})
        return {key: self.holding(each) for key, each in value.items()} if isinstance(value, dict) else value

    def _network(self, network):
        moved = deepcopy(network)
        for module in moved.modules():
            for name, weight in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(self.holding(weight), requires_grad=False))
            for name, buffer in module.named_buffers(recurse=False):
                setattr(module, name, self.holding(buffer))
        return moved
