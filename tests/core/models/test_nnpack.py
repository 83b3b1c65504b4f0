"""NNPACK's convolution against PyTorch's own in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spnst_core.models.nnpack import LEAST_PIXELS, MOST_THREADS, SMALLEST_SIDE, NnpackConv2d, pays

pytestmark = pytest.mark.skipif(
    not pays(nn.Conv2d(64, 64, 3)), reason="this PyTorch has no NNPACK, or this processor not what it takes"
)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def off(found, exact):
    return ((found.double() - exact).norm() / exact.norm()).item()


@pytest.mark.parametrize(("side", "padding"), [(3, 0), (3, 1), (3, 2), (5, 0), (5, 2), (5, 4)])
@pytest.mark.parametrize(("height", "width"), [(30, 36), (33, 39), (130, 17)])
@pytest.mark.parametrize("biased", [True, False])
def test_it_and_its_gradient_are_those_of_the_definition(side, padding, height, width, biased):
    x, weight = random(2, 8, height, width).requires_grad_(True), random(6, 8, side, side, seed=1)
    bias = random(6, seed=2) if biased else None
    found = NnpackConv2d(weight, bias, padding)(x)
    exact_x = x.detach().double().requires_grad_(True)
    expected = F.conv2d(exact_x, weight.double(), None if bias is None else bias.double(), padding=padding)
    pull = random(*expected.shape, seed=3)
    assert found.shape == expected.shape
    assert off(found, expected) < 5e-6
    [own], [wanted] = torch.autograd.grad(found, x, pull), torch.autograd.grad(expected, exact_x, pull.double())
    assert off(own, wanted) < 5e-6


def test_of_many_channels_it_is_off_by_few_millionths():
    x, weight = random(1, 128, 32, 32).relu(), random(128, 128, 3, 3, seed=1)
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    assert 0 < off(NnpackConv2d(weight, None, 1)(x), exact) < 6e-6


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_batch_gives_what_its_pictures_give_alone_however_they_lie_in_memory(layout):
    x, conv = random(3, 8, 33, 38), NnpackConv2d(random(24, 8, 3, 3), random(24, seed=1), 1)
    alone = torch.cat([conv(one) for one in x.split(1)])
    assert torch.equal(conv(x.to(memory_format=layout)), alone)


@pytest.mark.parametrize("count", [2, 3, MOST_THREADS])
def test_threads_share_out_the_filters_and_give_the_same_to_the_last_bit(count, threads):
    x, conv = random(2, 8, 30, 46).requires_grad_(True), NnpackConv2d(random(23, 8, 3, 3), None, 1)
    found = []
    for number in (1, count):
        torch.set_num_threads(number)
        y = conv(x)
        found.append((y, torch.autograd.grad(y.square().sum(), x)[0]))
        assert torch.get_num_threads() == number
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_what_gains_nothing_is_convolved_as_usual(threads):
    conv, x = NnpackConv2d(random(64, 16, 3, 3), None, 1), random(1, 16, 40, 40)
    few, exact = x[..., : LEAST_PIXELS // 40], x.double()
    narrow = random(1, 16, 100, SMALLEST_SIDE - 1)
    assert torch.equal(conv(few), F.conv2d(few, conv.weight, padding=1)), "small maps"
    assert torch.equal(conv(narrow), F.conv2d(narrow, conv.weight, padding=1)), "narrow maps"
    assert torch.equal(conv.double()(exact), F.conv2d(exact, conv.weight, padding=1)), "other precisions"
    torch.set_num_threads(MOST_THREADS + 1)
    assert torch.equal(conv.float()(x), F.conv2d(x, conv.weight, padding=1)), "many threads"


@pytest.mark.parametrize(("kernel", "padding"), [((7, 7), 1), ((3, 1), 0), ((3, 3), 3), ((5, 5), -1)])
def test_other_kernels_are_refused(kernel, padding):
    with pytest.raises(ValueError, match="isn't 3 × 3 or 5 × 5 padded by less"):
        NnpackConv2d(torch.zeros(2, 2, *kernel), None, padding)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), True),
        (nn.Conv2d(3, 64, 5), True),
        (nn.Conv2d(8, 8, 3, padding=1), False),
        (nn.Conv2d(128, 128, 1), False),
        (nn.Conv2d(128, 128, 7), False),
        (nn.Conv2d(128, 128, (3, 5)), False),
        (nn.Conv2d(128, 128, 3, padding=(0, 1)), False),
        (nn.Conv2d(128, 128, 3, padding="same"), False),
        (nn.Conv2d(128, 128, 3, padding=3), False),
        (nn.Conv2d(128, 128, 3, stride=2), False),
        (nn.Conv2d(128, 128, 3, dilation=2), False),
        (nn.Conv2d(128, 128, 3, groups=128), False),
        (nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"), False),
    ],
)
def test_it_pays_for_plain_layers_of_some_channels(layer, expected):
    assert pays(layer) is expected
