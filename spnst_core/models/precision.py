"""Precision: the floating-point type that networks multiply in while an image is optimised.

Devices with native bfloat16 multiply it at least twice as fast as float32. Targets, losses, Gram matrices, the image
and its gradient stay in float32, and so does everything that judges a finished pastiche. On a CPU without bfloat16,
convolutions are computed with fewer products instead: see `spnst_core.models.nnpack`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spnst_core.compute.torch_private import multiplies_bfloat16_natively
from spnst_core.errors import InputError, closest
from spnst_core.models.bank import Bank
from spnst_core.models.nnpack import NnpackConv2d, pays

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto`` is bfloat16 on devices that multiply it natively, else float32."""


def find_precision(name: str, device: torch.device) -> torch.dtype:
    """The floating-point type of that name; for ``auto``, the fastest one of the device.

    Raises:
        InputError: no such precision.
    """
    if name not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise InputError(f'no precision "{name}"{closest(name, get_args(Precision))}: choose one of {known}')
    if name == "auto":
        return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions that multiply bfloat16; emulated products are slower than float32 ones."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere and later
    if device.type == "cpu":
        return multiplies_bfloat16_natively()
    return False


def lowered(networks: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the networks for use under autocast, with their weights already in bfloat16.

    What they share, the copies share. This saves the conversion of their weights at every call. Layers that compute
    their weights are left unchanged, and layers that are slower in bfloat16 multiply in float32.
    """
    copies = deepcopy(_modules(networks))
    _replace(copies, _lowered_layer)
    return {**networks, **copies}


def quickened(networks: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of the networks for CPUs that multiply in float32, with convolutions that need fewer products (NNPACK).

    What they share, the copies share. Layers that don't change share their weights with the original; the others keep
    theirs in two forms.
    """
    modules = _modules(networks)
    copies = deepcopy(modules, {id(weight): weight for weight in modules.parameters()})
    _fold(copies)
    _replace(copies, _quickened_layer)
    return {**networks, **copies}


def _modules(networks: Mapping[str, Any]) -> nn.ModuleDict:
    """The networks as one, but for those that have no layers to replace."""
    return nn.ModuleDict({name: network for name, network in networks.items() if isinstance(network, nn.Module)})


def _fold(network: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it.

    Where a child normalises, the children must be applied in the order of their definition, as in timm's blocks.
    """
    for module in list(network.modules()):
        for (name, layer), (after, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                rectify = getattr(norm, "act", nn.Identity())  # timm's normalisation layers include the activation
                # In place, it would keep a copy of its input for the backward pass.
                setattr(module, after, nn.ReLU6() if isinstance(rectify, nn.ReLU6) else rectify)


def _replace(network: nn.Module, rule: Callable[[nn.Module], nn.Module]) -> None:
    """Apply the rule to every layer."""
    made: dict[nn.Module, nn.Module] = {}  # a layer that several modules share is replaced by one
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            made[layer] = made.get(layer) or rule(layer)
            setattr(module, name, made[layer])


def _lowered_layer(layer: nn.Module) -> nn.Module:
    if _is_slower_in_bfloat16(layer):
        return _InFloat32(layer)
    return layer.to(torch.bfloat16) if type(layer) in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear) else layer


def _quickened_layer(layer: nn.Module) -> nn.Module:
    if isinstance(layer, Bank) and pays(layer):
        return NnpackConv2d(layer.filters, layer.offsets, 0)
    if type(layer) is nn.Conv2d and pays(layer):
        return NnpackConv2d(layer.weight, layer.bias, int(layer.padding[0]))
    return layer


class _InFloat32(nn.Module):
    """A layer that multiplies in float32 even under autocast; its input and output stay bfloat16."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            y: Tensor = self.layer(x.float())
        return y.to(x.dtype)


def _is_slower_in_bfloat16(layer: nn.Module) -> bool:
    """Whether its gradient takes ten times as long in bfloat16: a strided depthwise convolution's on a CPU does."""
    strided = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1 and max(layer.stride) > 1
    return strided and next(layer.parameters()).device.type == "cpu"
