"""Winograd's convolution against PyTorch's own: equal in float64, nearly as exact in float32."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spnst_core.models.winograd import SMALLEST, WinogradConv2d, pays


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(20, 24), (21, 18), (19, 23), (130, 18), (18, 130)])
@pytest.mark.parametrize("biased", [True, False])
def test_it_and_its_gradient_are_those_of_the_definition(padding, height, width, biased):
    x, weight = random(2, 3, height, width).requires_grad_(True), random(4, 3, 3, 3, seed=1)
    bias = random(4, seed=2) if biased else None
    expected, found = F.conv2d(x, weight, bias, padding=padding), WinogradConv2d(weight, bias, padding)(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert found.is_contiguous(memory_format=torch.channels_last)
    pull = random(*expected.shape, seed=3)
    own, wanted = (torch.autograd.grad((y * pull).sum(), x)[0] for y in (found, expected))
    torch.testing.assert_close(own, wanted, rtol=0, atol=1e-12)


def test_a_map_of_more_tiles_than_are_made_at_once_has_no_seams():
    x, weight = random(1, 2, 101, 99), random(3, 2, 3, 3, seed=1)
    found = WinogradConv2d(weight, None, 1)(x)
    torch.testing.assert_close(found, F.conv2d(x, weight, padding=1), rtol=0, atol=1e-12)


def test_in_float32_it_and_its_gradient_are_off_by_a_millionth():
    x, weight = random(1, 128, 32, 32, dtype=torch.float32).relu(), random(128, 128, 3, 3, seed=1, dtype=torch.float32)
    pull, quick = random(1, 128, 32, 32, seed=2, dtype=torch.float32), WinogradConv2d(weight, None, 1)

    def both(conv, x, pull):
        y = conv(x.requires_grad_(True))
        return y, torch.autograd.grad((y * pull).sum(), x)[0]

    exact = both(lambda x: F.conv2d(x, weight.double(), padding=1), x.double(), pull.double())
    for found, right in zip(both(quick, x, pull), exact, strict=True):
        assert (found - right).norm() / right.norm() < 2e-6


def test_it_keeps_four_values_for_each_weight():
    conv = WinogradConv2d(random(8, 4, 3, 3), None, 1)
    assert sum(buffer.numel() for buffer in conv.buffers()) == 4 * conv.weight.numel()


def test_a_batch_gives_what_its_pictures_give_alone():
    x, conv = (
        random(3, 8, 21, 18, dtype=torch.float32),
        WinogradConv2d(random(8, 8, 3, 3, dtype=torch.float32), None, 1),
    )
    assert torch.equal(conv(x), torch.cat([conv(one) for one in x.split(1)]))


def test_maps_of_few_tiles_are_convolved_as_usual():
    conv, x = WinogradConv2d(random(4, 3, 3, 3), None, 1), random(1, 3, SMALLEST - 1, 40)
    assert torch.equal(conv(x), F.conv2d(x, conv.weight, padding=1))


@pytest.mark.parametrize(("kernel", "padding"), [((5, 5), 1), ((3, 1), 0), ((3, 3), 3)])
def test_other_kernels_are_refused(kernel, padding):
    with pytest.raises(ValueError, match="isn't 3 × 3 padded by 0 to 2"):
        WinogradConv2d(torch.zeros(2, 2, *kernel), None, padding)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(128, 128, 3, padding=1), True),
        (nn.Conv2d(64, 128, 3), True),
        (nn.Conv2d(64, 64, 3, padding=1), False),
        (nn.Conv2d(128, 128, 1), False),
        (nn.Conv2d(128, 128, 3, stride=2), False),
        (nn.Conv2d(128, 128, 3, dilation=2), False),
        (nn.Conv2d(128, 128, 3, groups=128), False),
        (nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"), False),
    ],
)
def test_it_pays_for_wide_plain_layers(layer, expected):
    assert pays(layer) is expected
