"""Blur-pool against a convolution with the binomial kernel."""

import pytest
import torch
import torch.nn.functional as F

from spnst_core.models.embedded.blur_pool import blur_pool

SIDES = [(8, 8), (9, 8), (7, 12), (2, 3), (31, 17)]


def convolved(x):
    kernel = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype) / 4
    weight = (kernel[:, None] * kernel).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, stride=2, groups=x.shape[1])


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_it_is_a_binomial_average_of_every_second_pixel_and_its_neighbours(height, width, memory_format):
    x = torch.rand(2, 3, height, width, dtype=torch.float64).contiguous(memory_format=memory_format)
    torch.testing.assert_close(blur_pool(x), convolved(x), rtol=0, atol=1e-15)
    assert blur_pool(x).is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_its_gradient_is_that_of_the_convolution(height, width, memory_format):
    x = torch.rand(2, 3, height, width, dtype=torch.float64).contiguous(memory_format=memory_format)
    x.requires_grad_(True)
    pull = torch.rand_like(convolved(x))
    own, expected = (torch.autograd.grad((f(x) * pull).sum(), x)[0] for f in (blur_pool, convolved))
    torch.testing.assert_close(own, expected, rtol=0, atol=1e-15)


def test_in_bfloat16_it_rounds_a_few_times():
    x = torch.rand(1, 4, 20, 20)
    torch.testing.assert_close(blur_pool(x.bfloat16()).float(), convolved(x), rtol=0.02, atol=0)
