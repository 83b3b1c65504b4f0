"""A convolution of few channels against PyTorch's own, in float64."""

import pytest
import torch
import torch.nn.functional as F

from spnst_core.models.few_channels import conv_of_few_channels


@pytest.mark.parametrize(("height", "width"), [(12, 12), (13, 12), (12, 15), (5, 9)])
@pytest.mark.parametrize("side", [1, 2, 3, 5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_and_its_gradient_are_those_of_pytorch(height, width, side, layout):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, height, width, dtype=torch.float64, generator=generator).to(memory_format=layout)
    weight = torch.rand(4, 3, side, side, dtype=torch.float64, generator=generator)
    bias = torch.rand(4, dtype=torch.float64, generator=generator)
    x.requires_grad_(True)
    expected, found = F.conv2d(x, weight, bias), conv_of_few_channels(x, weight, bias)
    assert torch.equal(found, expected)
    pull = torch.rand(expected.shape, dtype=torch.float64, generator=generator)
    own, wanted = (torch.autograd.grad((y * pull).sum(), x)[0] for y in (found, expected))
    torch.testing.assert_close(own, wanted, rtol=0, atol=1e-13)


def test_in_float32_its_gradient_rounds_as_little_as_pytorchs():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 31, 40, generator=generator, requires_grad=True)
    weight = torch.randn(64, 3, 5, 5, generator=generator)
    pull = torch.randn(1, 64, 27, 36, generator=generator)
    (found,) = torch.autograd.grad((conv_of_few_channels(x, weight) * pull).sum(), x)
    exact = torch.nn.grad.conv2d_input(x.shape, weight.double(), pull.double())
    usual = torch.nn.grad.conv2d_input(x.shape, weight, pull)
    assert (found - exact).norm() < 2 * (usual - exact).norm()


def test_a_kernel_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="a kernel of 3 × 5 isn't square"):
        conv_of_few_channels(torch.rand(1, 3, 9, 9), torch.rand(4, 3, 3, 5))
