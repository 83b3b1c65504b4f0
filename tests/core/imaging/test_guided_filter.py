"""The guided filter, held against least squares window by window."""

import numpy as np
import torch

from spnst_core.imaging.guided_filter import guided_filter


def planes(channels, seed, height=9, width=11):
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_definition(x, guides, radius, epsilon):
    """The mean, over the windows that hold a pixel, of each window's ridge regression on the guides, at that pixel."""
    height, width = x.shape
    fits = {}
    for i in range(height):
        for j in range(width):
            rows, columns = (slice(max(0, k - radius), k + radius + 1) for k in (i, j))
            g = np.stack([guide[rows, columns].ravel() for guide in guides])
            y = x[rows, columns].ravel()
            spread = np.cov(g, bias=True) + epsilon * np.eye(2)
            slope = np.linalg.solve(spread, ((g - g.mean(1, keepdims=True)) * (y - y.mean())).mean(1))
            fits[i, j] = np.array([*slope, y.mean() - slope @ g.mean(1)])
    result = np.empty_like(x)
    for i in range(height):
        for j in range(width):
            near = [fits[k] for k in fits if abs(k[0] - i) <= radius and abs(k[1] - j) <= radius]
            result[i, j] = np.mean(near, 0) @ [guides[0][i, j], guides[1][i, j], 1]
    return result


def test_it_is_the_regression_of_its_definition():
    x, guides = planes(2, 0), (planes(1, 1), planes(1, 2))
    found = guided_filter(x, guides, 2, 0.01)
    for channel in range(2):
        expected = by_definition(x[0, channel].numpy(), [g[0, 0].numpy() for g in guides], 2, 0.01)
        np.testing.assert_allclose(found[0, channel].numpy(), expected, atol=1e-9)


def test_an_edge_of_a_guide_is_kept_and_noise_that_no_guide_has_is_not():
    step = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    step[..., 8:] = 10
    noise = planes(1, 3, 16, 16) - 0.5
    found = guided_filter(step + noise, (step, torch.zeros_like(step)), 3, 0.01)
    rest = found - step
    assert rest.std() < noise.std() / 3
    assert (found[..., 8] - found[..., 7]).mean() > 9.5


def test_a_picture_smaller_than_a_window_is_averaged():
    x, flat = planes(1, 4, 3, 2), torch.zeros(1, 1, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(guided_filter(x, (flat, flat), 5, 1.0), x.mean().expand_as(x))
