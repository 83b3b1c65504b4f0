"""Adam on canvases: PyTorch's own, whatever order a gradient lies in, and each cell for itself."""

import pytest
import torch

from spnst_core import Recipe
from spnst_core.optim.adam import Adam
from spnst_core.optim.lbfgs import Evaluation


def canvases(cells=2):
    return torch.rand(cells, 3, 6, 5, generator=torch.Generator().manual_seed(0))


def gradients(steps, cells=2):
    return torch.randn(steps, cells, 3, 6, 5, generator=torch.Generator().manual_seed(1))


def evaluation(gradient):
    return lambda x, cells: Evaluation({"total": x.new_zeros(len(cells))}, gradient[list(cells)])


def by_the_formula(x, gradients, lr, betas, epsilon=1e-8):
    """Kingma & Ba, ICLR 2015, algorithm 1, in float64, and each step's picture cut to [0, 1]."""
    x, m, v = x.double(), torch.zeros_like(x).double(), torch.zeros_like(x).double()
    for t, g in enumerate(gradients.double(), 1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g.square()
        x = x - lr * (m / (1 - betas[0] ** t)) / ((v / (1 - betas[1] ** t)).sqrt() + epsilon)
        x = x.clamp(0, 1)
    return x


@pytest.fixture
def recipe():
    return Recipe.load("gatys").model_copy(update={"smooth_gradients": False, "betas": (0.9, 0.99)})


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_steps_are_the_papers_whatever_order_gradients_have_in_memory(order, recipe):
    """Networks whose weights lie channels last give gradients that do."""
    adam, given = Adam(canvases(), recipe), gradients(5)
    for gradient in given:
        adam.step(evaluation(gradient.contiguous(memory_format=order)), 0.05, range(2))
    torch.testing.assert_close(
        adam.x.double(), by_the_formula(canvases(), given, 0.05, recipe.betas), rtol=0, atol=1e-6
    )


def test_a_cell_that_is_left_out_keeps_its_picture_and_its_own_count_of_steps(recipe):
    adam, given = Adam(canvases(), recipe), gradients(4)
    for gradient, cells in zip(given, ([0, 1], [1], [0, 1], [1]), strict=True):
        before = adam.x.clone()
        adam.step(evaluation(gradient), 0.05, cells)
        assert torch.equal(adam.x[0], before[0]) == (0 not in cells)
    first = by_the_formula(canvases()[:1], given[[0, 2], :1], 0.05, recipe.betas)
    second = by_the_formula(canvases()[1:], given[:, 1:], 0.05, recipe.betas)
    torch.testing.assert_close(adam.x.double(), torch.cat([first, second]), rtol=0, atol=1e-6)
