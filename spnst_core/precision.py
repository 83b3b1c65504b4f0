"""Precision: the floating-point type that networks multiply in while an image is optimised.

Half the bits go through a device twice as fast or faster. Targets, losses, Grams, gradients of the image and the image
itself stay in float32; so does everything that judges a finished pastiche.
"""

from copy import deepcopy
from typing import Literal, TypeVar, get_args

import torch
from torch import nn

from spnst_core.errors import InputError, closest

Network = TypeVar("Network")

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


def lowered(network: Network) -> Network:
    """The same network, to be used under autocast, which needn't convert the weights of its products any more.

    Only plain layers are changed: those that compute their weights do it in float32.
    """
    if not isinstance(network, nn.Module):
        return network
    other = deepcopy(network)
    for module in other.modules():
        if type(module) in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
            module.to(torch.bfloat16)
    return other
