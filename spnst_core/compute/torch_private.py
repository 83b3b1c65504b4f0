"""Private API of PyTorch: each use is one function here, with what happens when a version of PyTorch lacks it.

Private names may change in any release. Nothing else in this library touches one; a test holds that.
"""

import torch
from torch import Tensor


def multiplies_bfloat16_natively() -> bool:
    """Whether this CPU has instructions that multiply bfloat16 (AVX-512 BF16 or AMX).

    `torch.cpu.get_capabilities` is public, but missing from the oldest supported versions, where the private functions
    tell the same. A PyTorch with neither is taken to have no such CPU: float32 is slower there, but never wrong.
    """
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        told = capabilities()
        return bool(told.get("avx512_bf16") or told.get("amx_tile"))
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(supported() for name in names if (supported := getattr(torch.cpu, name, None)))


def has_nnpack() -> bool:
    """Whether `nnpack_convolution` can be called: PyTorch has it, was built with NNPACK, and this CPU supports that."""
    return hasattr(torch, "_nnpack_spatial_convolution") and torch.backends.nnpack.is_available()


def nnpack_convolution(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """A convolution of stride 1 by NNPACK. Ask `has_nnpack` first: without it, PyTorch's own convolution serves.

    PyTorch's public convolution chooses NNPACK by itself only on few platforms, and can't be told to.

    Args:
        x: (N, c, H, W), float32, contiguous, on the CPU.
        weight: (C, c, k, k).
        bias: (C,).
        padding: zeros on each side.

    Returns:
        (N, C, H + 2p − k + 1, W + 2p − k + 1).
    """
    found: Tensor = torch._nnpack_spatial_convolution(x, weight, bias, [padding] * 2, [1, 1])
    return found
