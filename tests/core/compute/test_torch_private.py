"""Private API of PyTorch, in versions that have it and in versions that don't."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spnst_core.compute.torch_private import has_nnpack, multiplies_bfloat16_natively, nnpack_convolution
from spnst_core.models import nnpack

PRIVATE = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


@pytest.mark.skipif(
    not hasattr(torch.cpu, "get_capabilities") or not all(hasattr(torch.cpu, name) for name in PRIVATE),
    reason="this PyTorch has only one of the two ways",
)
def test_public_and_private_functions_tell_the_same_of_this_cpu():
    assert multiplies_bfloat16_natively() is any(getattr(torch.cpu, name)() for name in PRIVATE)


@pytest.mark.parametrize("name", PRIVATE)
def test_an_older_pytorch_is_asked_by_its_private_functions(name, monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    for each in PRIVATE:
        monkeypatch.setattr(torch.cpu, each, lambda: False, raising=False)
    assert not multiplies_bfloat16_natively()
    monkeypatch.setattr(torch.cpu, name, lambda: True)
    assert multiplies_bfloat16_natively()


def test_a_pytorch_that_cannot_tell_multiplies_float32(monkeypatch):
    for name in ("get_capabilities", *PRIVATE):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert multiplies_bfloat16_natively() is False


@pytest.mark.skipif(not has_nnpack(), reason="this PyTorch has no NNPACK, or this CPU doesn't support it")
def test_nnpack_convolves_as_pytorch_does():
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.rand(shape, generator=generator) for shape in [(1, 3, 20, 24), (8, 3, 3, 3), (8,)])
    found, expected = nnpack_convolution(x, weight, bias, 1), F.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


def test_a_pytorch_without_nnpack_keeps_its_own_convolutions(monkeypatch):
    monkeypatch.delattr(torch, "_nnpack_spatial_convolution", raising=False)
    nnpack._started.cache_clear()
    try:
        assert not has_nnpack()
        assert not nnpack.pays(nn.Conv2d(64, 64, 3))
    finally:
        nnpack._started.cache_clear()
