"""Each loss against a few lines of independent float64 NumPy, its gradient against finite differences, its limits."""

import numpy as np
import pytest
import torch
from scipy.linalg import fractional_matrix_power
from torch.autograd import gradcheck

from spnst_core.compute import moments, sums
from spnst_core.objective import losses


def pictures(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X = pictures(2, 3, 6, 5)
T = pictures(2, 3, 6, 5, seed=1)
GRAM, MEAN = moments.gram(T), moments.mean(T)

TERMS = {
    "content relative": lambda x: losses.content_loss(x, T),
    "content raw": lambda x: losses.content_loss(x, T, "raw"),
    "style relative": lambda x: losses.style_loss(x, GRAM, MEAN),
    "style raw": lambda x: losses.style_loss(x, GRAM, MEAN, "raw"),
    "edge relative": lambda x: losses.edge_loss(x, T),
    "edge raw": lambda x: losses.edge_loss(x, T, "raw"),
    "depth relative": lambda x: losses.depth_loss(x[:, :1], T[:, :1]),
    "depth raw": lambda x: losses.depth_loss(x[:, :1], T[:, :1], "raw"),
    "tv relative": lambda x: losses.total_variation(x, T),
    "tv raw": losses.total_variation,
    "palette": lambda x: palette(x, T),
}


def palette(x, t):
    """The palette loss of pictures."""
    (own, mean), (wanted, wanted_mean) = (
        (moments.covariance(*moments.moments(each)), moments.mean(each)) for each in (x, t)
    )
    return losses.palette_loss(own, mean, wanted, wanted_mean, losses.whitening(wanted))


def numpy_gram(x):
    f = x.reshape(len(x), -1)
    return f @ f.T / f.shape[1]


def numpy_style(x, t):
    mx, mt = x.mean((1, 2)), t.mean((1, 2))
    cx, ct = np.cov(x.reshape(3, -1), bias=True), np.cov(t.reshape(3, -1), bias=True)
    return ((cx - ct) ** 2).sum() / (ct**2).sum() + ((mx - mt) ** 2).sum() / (mt**2).sum()


def numpy_palette(x, t):
    """Of colours that are mapped so that the style's are white."""
    own, wanted = (each.reshape(3, -1) for each in (x, t))
    white = fractional_matrix_power(np.cov(wanted, bias=True) + 1e-4 * np.eye(3), -0.5)
    own, wanted = white @ own, white @ wanted
    spread = np.cov(own, bias=True) - np.cov(wanted, bias=True)
    return ((spread**2).sum() + ((own.mean(1) - wanted.mean(1)) ** 2).sum()) / 3


def numpy_tv(x):
    return (np.square(np.diff(x, axis=1)).sum() + np.square(np.diff(x, axis=2)).sum()) / x.size


REFERENCE = {
    "content relative": lambda x, t: ((x - t) ** 2).sum() / (t**2).sum(),
    "content raw": lambda x, t: ((x - t) ** 2).mean(),
    "style relative": numpy_style,
    "style raw": lambda x, t: ((numpy_gram(x) - numpy_gram(t)) ** 2).mean(),
    "edge relative": lambda x, t: ((x - t) ** 2).sum() / (t**2).sum(),
    "edge raw": lambda x, t: ((x - t) ** 2).mean(),
    "depth relative": lambda x, t: 2 * (1 - np.corrcoef(x[0].ravel(), t[0].ravel())[0, 1]),
    "depth raw": lambda x, t: ((x[:1] - t[:1]) ** 2).mean(),
    "tv relative": lambda x, t: numpy_tv(x) / numpy_tv(t),
    "tv raw": lambda x, t: numpy_tv(x),
    "palette": numpy_palette,
}


@pytest.mark.parametrize("term", TERMS)
def test_value_is_the_formula(term):
    expected = [REFERENCE[term](x, t) for x, t in zip(X.numpy(), T.numpy(), strict=True)]
    np.testing.assert_allclose(TERMS[term](X).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_in_many_pieces_it_is_the_same(term, layout, monkeypatch):
    x = X.to(memory_format=layout).requires_grad_(True)
    expected = TERMS[term](x)
    (wanted,) = torch.autograd.grad(expected.sum(), x)
    monkeypatch.setattr(sums, "PIECE", 7)
    monkeypatch.setattr(sums, "LINES", 2)
    monkeypatch.setattr(moments, "POSITIONS", 4)
    monkeypatch.setattr(moments, "PIECE", 7)
    found = TERMS[term](x)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found.sum(), x)[0], wanted)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("channels", "side"), [(64, 116), (128, 61), (512, 20)])
def test_sums_are_the_same_bits_on_however_many_threads(channels, side, layout, threads):
    x = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)
    found = []
    for count in (1, 2, threads):
        torch.set_num_threads(count)
        found.append(moments.sums(x))
    f = x[0].flatten(1).double()
    torch.testing.assert_close(found[0][0][0].double(), f @ f.mT, rtol=1e-5, atol=0)
    torch.testing.assert_close(found[0][1][0].double(), f.sum(1), rtol=1e-5, atol=0)
    assert all(torch.equal(*pair) for other in found[1:] for pair in zip(found[0], other, strict=True))


@pytest.mark.parametrize("term", TERMS)
def test_gradient_is_that_of_finite_differences(term):
    assert gradcheck(TERMS[term], (X.clone().requires_grad_(True),))


@pytest.mark.parametrize("term", TERMS)
def test_each_picture_of_a_batch_is_judged_alone(term):
    changed = X.clone()
    changed[1] = 0.5
    torch.testing.assert_close(TERMS[term](changed)[0], TERMS[term](X)[0])


def test_a_batch_that_lies_inside_its_channels_in_memory_has_its_gradient():
    x = T.transpose(0, 1).contiguous().transpose(0, 1).requires_grad_(True)
    (gradient,) = torch.autograd.grad(sums.total_squared_error(x, X).sum(), x)
    torch.testing.assert_close(gradient, 2 * (T - X))


def test_one_target_serves_a_whole_batch():
    torch.testing.assert_close(losses.content_loss(X, T[:1]), losses.content_loss(X, T[:1].repeat(2, 1, 1, 1)))


@pytest.mark.parametrize("loss", [losses.content_loss, losses.edge_loss])
def test_relative_error_does_not_depend_on_the_size_of_the_target(loss):
    torch.testing.assert_close(loss(7 * X, 7 * T), loss(X, T))


def test_relative_depth_ignores_scale_and_shift():
    x, t = X[:, :1], T[:, :1]
    torch.testing.assert_close(losses.depth_loss(3 * x + 5, 0.1 * t - 2), losses.depth_loss(x, t), rtol=1e-4, atol=0)
    torch.testing.assert_close(losses.depth_loss(t, t), torch.zeros(2).double())


@pytest.mark.parametrize("form", ["relative", "raw"])
def test_an_error_of_depth_counts_by_its_share(form):
    shares, axes = 1 + 3 * np.random.default_rng(0).random((1, 1, *X.shape[2:])), (1, 2, 3)
    x, t = X[:, :1].detach().numpy(), T[:, :1].detach().numpy()
    if form == "relative":
        x, t = ((y - y.mean(axes, keepdims=True)) / y.std(axes, keepdims=True) for y in (x, t))
    expected = (shares * (x - t) ** 2).mean(axes)
    found = losses.depth_loss(X[:, :1], T[:, :1], form, torch.from_numpy(shares))
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4)
    same = losses.depth_loss(X[:, :1], T[:, :1], form, torch.ones(1, 1, *X.shape[2:]))
    torch.testing.assert_close(same, losses.depth_loss(X[:, :1], T[:, :1], form))


def test_relative_depth_is_four_when_inside_out():
    t = T[:, :1]
    torch.testing.assert_close(losses.depth_loss(-t, t), torch.full((2,), 4.0).double(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("term", [name for name in TERMS if "relative" in name])
def test_flat_pictures_give_finite_losses_and_gradients(term):
    flat = torch.full_like(X, 0.5, requires_grad=True)
    value = TERMS[term](flat).sum()
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(flat.grad).all()


def test_black_target_gives_a_finite_loss():
    assert torch.isfinite(losses.content_loss(X, torch.zeros_like(X))).all()


def test_covariance_is_that_of_numpy():
    expected = np.stack([np.cov(t.reshape(3, -1), bias=True) for t in T.numpy()])
    np.testing.assert_allclose(moments.covariance(GRAM, MEAN).numpy(), expected)


@pytest.mark.parametrize(("x", "target"), [((2, 3, 6, 5), (2, 3, 6, 4)), ((2, 3, 6, 5), (3, 3, 6, 5))])
def test_shapes_that_do_not_fit_are_named(x, target):
    with pytest.raises(ValueError, match=r"target of shape .* doesn't fit a batch of shape \(2, 3, 6, 5\)"):
        losses.squared_error(torch.zeros(x), torch.zeros(target))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("targets", [1, 2])
def test_the_gradient_of_a_squared_error_has_its_input_s_order_in_memory(layout, targets):
    x = torch.rand(2, 3, 4, 5).to(memory_format=layout).requires_grad_(True)
    target = torch.rand(targets, 3, 4, 5)
    error = sums.total_squared_error(x, target)
    (gradient,) = torch.autograd.grad(error.sum(), x)
    difference = (x - target).detach()
    torch.testing.assert_close(error, difference.square().sum((1, 2, 3)))
    torch.testing.assert_close(gradient, 2 * difference)
    assert gradient.stride() == x.stride()


def test_a_hue_that_the_style_lacks_counts_as_much_as_brightness_that_it_lacks():
    """Both add a tenth to the deviation of the style's colours, in a direction where it varies much or little."""
    grey = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hue = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    brightness, tint = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in ([1, 1, 1], [1, -1, 0]))
    rest = 0.1 * pictures(1, 3, 64, 64)
    style = 0.5 + 0.2 * grey * brightness + 0.05 * hue * tint + rest
    brighter, pinker = style + 0.02 * grey * brightness, style + 0.005 * hue * tint
    assert palette(brighter, style).item() == pytest.approx(palette(pinker, style).item(), rel=0.5)
    assert palette(style, style).item() == 0


def test_a_style_of_one_colour_has_a_palette():
    flat = torch.full((1, 3, 8, 8), 0.3, dtype=torch.float64)
    assert palette(flat, flat).item() == pytest.approx(0, abs=1e-9)
    assert 0 < palette(X[:1], flat).item() < float("inf")
