"""Precision: the floating-point type that networks multiply in while an image is optimised.

Half the bits go through a device twice as fast or faster. Targets, losses, Grams, gradients of the image and the image
itself stay in float32; so does everything that judges a finished pastiche. A processor that has to multiply float32
does so less often: see `spnst_core.models.nnpack`.
"""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spnst_core.errors import InputError, closest
from spnst_core.models.bank import Bank
from spnst_core.models.nnpack import NnpackConv2d, pays

T = TypeVar("T")

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto`` is bfloat16 on devices that multiply it natively, else float32."""


def find_precision(name: str, device: torch.device) -> torch.dtype:
    """The type of that name, or the fastest one of the device for ``auto``.

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
    """Whether the device has instructions for products of bfloat16; where it emulates them they are slower."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # Ampere and later
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def lowered(network: T) -> T:
    """The same network, to be used under autocast, which needn't convert the weights of its products any more.

    Plain layers' weights become bfloat16. Layers that compute their weights are left alone, and those that take longer
    in bfloat16 multiply in float32.
    """
    if not isinstance(network, nn.Module):
        return network
    return _replaced(deepcopy(network), _lowered_layer)


def quickened(network: T) -> T:
    """The same network for processors on which it multiplies float32, its convolutions by fewer products.

    It shares the weights of layers that stay as they are, and keeps those of the others in two forms of its own.
    """
    if not isinstance(network, nn.Module):
        return network
    shared = {id(weight): weight for weight in network.parameters()}
    return _replaced(_folded(deepcopy(network, shared)), _quickened_layer)


def _folded(network: nn.Module) -> nn.Module:
    """The network with its normalisation in the weights of the convolutions before.

    Children must be applied in their order where one normalises, as they are in timm's blocks.
    """
    for module in list(network.modules()):
        for (name, layer), (after, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                rectify = getattr(norm, "act", nn.Identity())  # timm's normalisation rectifies as well
                # In place it would keep a copy of its input for the gradient.
                setattr(module, after, nn.ReLU6() if isinstance(rectify, nn.ReLU6) else rectify)
    return network


def _replaced(network: nn.Module, rule: Callable[[nn.Module], nn.Module]) -> Any:
    """The network with every layer replaced by what the rule makes of it."""
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            setattr(module, name, rule(layer))
    return network


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
    """A layer that multiplies in float32 under autocast too, between its neighbours' bfloat16."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            y: Tensor = self.layer(x.float())
        return y.to(x.dtype)


def _is_slower_in_bfloat16(layer: nn.Module) -> bool:
    """Whether its gradient takes ten times as long: that of a strided convolution by channel, on a processor."""
    strided = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1 and max(layer.stride) > 1
    return strided and next(layer.parameters()).device.type == "cpu"
