"""L-BFGS: minima known in closed form or from SciPy, in a box, and problems of a batch that leave each other alone."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der
from torch._subclasses import FakeTensor

from spnst_core.optim.lbfgs import LBFGS, STRIDE, Evaluation

FREE = {"lower": -float("inf"), "upper": float("inf")}


def evaluation(objective, problems):
    """A function from all points (B, n) to their values (B,), for some of the problems, with autograd's gradient."""

    def evaluate(x, which):
        x = x.detach().requires_grad_(True)
        everywhere = x.new_zeros(problems, *x.shape[1:]).index_copy(0, torch.tensor(which), x)
        total = objective(everywhere)[list(which)]
        (gradient,) = torch.autograd.grad(total.sum(), x)
        return Evaluation({"total": total.detach()}, gradient)

    return evaluate


def minimised(objective, x, steps, **options):
    optimizer = LBFGS(x, **{**FREE, **options})
    for _ in range(steps):
        optimizer.step(evaluation(objective, len(x)))
    return optimizer


def quadratics(conditions, n=12):
    """½ xᵀAx − bᵀx with A of the given condition numbers, their coefficients, and the minima in closed form."""
    generator = torch.Generator().manual_seed(0)
    a, b = [], []
    for condition in conditions:
        q, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
        a.append(q @ torch.diag(torch.logspace(0, float(np.log10(condition)), n, dtype=torch.float64)) @ q.mT)
        b.append(torch.randn(n, generator=generator, dtype=torch.float64))
    a, b = torch.stack(a), torch.stack(b)
    return a, b, torch.linalg.solve(a, b)


def quadratic(a, b):
    return lambda x: 0.5 * torch.einsum("bi,bij,bj->b", x, a, x) - (b * x).sum(1)


def rosenbrock(x):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(1)


@pytest.mark.heavy
def test_quadratics_of_different_conditioning_reach_their_closed_form_minima():
    a, b, expected = quadratics([1, 10, 100, 1e4])
    found = minimised(quadratic(a, b), torch.zeros(4, 12).double(), 150).x
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_it_needs_far_fewer_steps_than_the_gradient_alone():
    a, b, expected = quadratics([300])
    curved = minimised(quadratic(a, b), torch.zeros(1, 12).double(), 40)
    straight = minimised(quadratic(a, b), torch.zeros(1, 12).double(), 40, history=1)
    assert (curved.x - expected).norm() < 0.01 * (straight.x - expected).norm()


@pytest.mark.parametrize("n", [2, 6])
def test_rosenbrocks_valley_ends_where_scipy_ends(n):
    start = np.resize([-1.2, 1.0], n)
    expected = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10}).x
    found = minimised(rosenbrock, torch.tensor(start)[None], 150).x[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_in_a_box_it_ends_where_scipy_ends():
    a, b, _ = quadratics([100])
    start = np.full(12, 0.5)
    expected = minimize(
        lambda x: 0.5 * x @ a[0].numpy() @ x - 5 * b[0].numpy() @ x,
        start,
        jac=lambda x: a[0].numpy() @ x - 5 * b[0].numpy(),
        bounds=[(0, 1)] * 12,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-12},
    ).x
    assert {0.0, 1.0} & set(expected.round(6)), "the minimum should lie on a wall"
    optimizer = LBFGS(torch.tensor(start)[None])
    for _ in range(150):
        optimizer.step(evaluation(quadratic(a, 5 * b), 1))
        assert 0 <= optimizer.x.min() <= optimizer.x.max() <= 1
    np.testing.assert_allclose(optimizer.x[0].numpy(), expected, atol=1e-6)


def test_a_batch_gives_what_each_problem_alone_gives():
    a, b, _ = quadratics([1, 30, 3000])
    start = torch.rand(3, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    together = minimised(quadratic(a, b), start, 12).x
    for k in range(3):
        alone = minimised(quadratic(a[k : k + 1], b[k : k + 1]), start[k : k + 1], 12).x
        torch.testing.assert_close(together[k : k + 1], alone, rtol=1e-7, atol=1e-9)


def test_every_step_lowers_the_objective_of_every_problem():
    optimizer, start = LBFGS(torch.tensor([[-1.2, 1.0], [0.3, 2.0]]).double(), **FREE), []
    for _ in range(20):
        start.append(optimizer.step(evaluation(rosenbrock, 2))["total"])
    values = torch.stack(start)
    assert (values[1:] < values[:-1]).all()


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda x: x.sum() * float("nan"),  # never a number
        lambda x: x.sum() * 0,  # finished before it starts
        lambda x: -(x.square().sum().exp()),  # no minimum: runs off to infinity
        lambda x: x.abs().sum().sqrt(),  # a kink, where no step helps
    ],
)
def test_a_problem_that_fails_or_ends_does_not_disturb_the_others(spoilt):
    def objective(x):
        return torch.cat([spoilt(x[:1])[None], rosenbrock(x[1:])])

    start = torch.tensor([[0.5, 0.5], [-1.2, 1.0]]).double()
    both, alone = minimised(objective, start, 60), minimised(rosenbrock, start[1:], 60)
    torch.testing.assert_close(both.x[1:], alone.x)
    torch.testing.assert_close(both.x[1], torch.ones(2).double(), atol=1e-6, rtol=0)


def test_a_problem_that_is_not_a_number_stays_where_it_is_and_says_so():
    start = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).double()
    optimizer = minimised(lambda x: torch.stack([x[0].sum() * float("nan"), x[1].square().sum()]), start, 5)
    assert torch.equal(optimizer.x[0], start[0])
    assert optimizer.active[0].item() is False


def test_a_step_into_what_is_not_a_number_is_made_shorter():
    """log is NaN below zero: the first full steps land there."""
    found = minimised(lambda x: (x - 0.1 * x.log()).sum(1), torch.tensor([[0.9]]).double(), 30)
    torch.testing.assert_close(found.x, torch.tensor([[0.1]]).double(), rtol=1e-5, atol=0)


def test_pictures_keep_their_shape_and_their_start_is_not_changed():
    start = torch.full((2, 3, 4, 5), 0.5)
    found = minimised(lambda x: (x - 0.8).square().flatten(1).sum(1), start, 10)
    torch.testing.assert_close(found.x, torch.full((2, 3, 4, 5), 0.8))
    assert (start == 0.5).all()


def test_the_first_step_has_a_size_of_its_own_however_steep_it_is_downhill():
    for slope in (1e-6, 1.0, 1e6):
        moved = minimised(lambda x, slope=slope: slope * x.sum(1), torch.zeros(1, 50).double(), 1).x
        assert moved.square().mean().sqrt().item() == pytest.approx(STRIDE)


def test_a_curvature_that_is_known_sets_the_first_step():
    """With the inverse of its second derivative, 16, a parabola's minimum is one step away."""
    start = torch.tensor([[1.0, -2.0, 3.0]]).double()
    found = minimised(lambda x: 8 * x.square().sum(1), start, 1, scale=torch.tensor([1 / 16]).double())
    torch.testing.assert_close(found.x, torch.zeros_like(start))
    assert found.scale.item() == pytest.approx(1 / 16)


def test_what_is_known_of_the_curvature_serves_an_objective_that_has_changed_a_little():
    a, b, _ = quadratics([300, 30])
    a = a + 0.05 * torch.eye(12, dtype=torch.float64)
    changed, expected = quadratic(a, b), torch.linalg.solve(a, b)
    kept = minimised(quadratic(a - 0.05 * torch.eye(12, dtype=torch.float64), b), torch.zeros(2, 12).double(), 20)
    fresh = LBFGS(kept.x, **FREE)
    kept.go_on()
    for optimizer in (kept, fresh):
        for _ in range(8):
            optimizer.step(evaluation(changed, 2))
    assert ((kept.x - expected).norm(dim=1) < 0.5 * (fresh.x - expected).norm(dim=1)).all()


def test_a_line_search_evaluates_only_the_problems_that_are_still_searching():
    """A first step goes a stride downhill: on a slope that is a gain, past a minimum that is near a loss."""
    asked, bend = [], torch.tensor([0.0, 100.0])

    def counted(x, which):
        asked.append(list(which))
        return evaluation(lambda points: points.sum(1) + bend * points.square().sum(1), 2)(x, which)

    LBFGS(torch.full((2, 4), 0.01), **FREE).step(counted)
    assert asked == [[0, 1], [0, 1], [1]]


# ------------------------------------------------------------------------------------------------------------ on a GPU


def test_a_step_on_a_gpu_waits_for_it_twice_and_once_for_each_further_trial(gpu, monkeypatch):
    """For want of one: the numbers that a step asks for are given here, and to be told others is an error."""
    asked, answers = [], [[[True, True, True], [False, False, True]], [True, False, True], [True]]
    monkeypatch.setattr(FakeTensor, "tolist", lambda x: asked.append(tuple(x.shape)) or answers[len(asked) - 1])
    seen = []

    def evaluate(x, which):
        seen.append(list(which))
        return Evaluation({"total": x.sum((1, 2))}, torch.ones_like(x))

    with gpu:
        optimizer = LBFGS(torch.rand(3, 4, 5, device=gpu.device))
        optimizer.step(evaluate)
        asked.clear(), seen.clear(), gpu.copied.clear()
        optimizer.step(evaluate)
    assert asked == [(2, 3), (3,), (1,)]
    assert seen == [[0, 1, 2], [1]]
    assert not gpu.copied
    assert optimizer.x.device == optimizer.scale.device == gpu.device
