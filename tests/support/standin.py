"""Stand-in weights and pictures: the same for the same key and shape everywhere, to compare networks without files.

The rule (`spnst_core.models.stand_ins`) is shared with the runs of the published networks that gave `parity_slices`:
the values depend on the key that the publisher chose, so a single tensor under the wrong name shows in the output.
"""

from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from spnst_core.models.networks import build
from spnst_core.models.stand_ins import weight

SEED = 1


def picture(height, width, seed=SEED):
    """A smooth random RGB picture (1, 3, H, W) in [0, 1]: twelve plane waves in each channel."""
    generator = np.random.default_rng([height, width, seed])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = np.zeros((1, 3, height, width), np.float32)
    for channel in range(3):
        for _ in range(12):
            fy, fx, phase = generator.uniform(-0.12, 0.12), generator.uniform(-0.12, 0.12), generator.uniform(0, 6.28)
            waves[0, channel] += np.sin(fy * y + fx * x + phase)
    waves -= waves.min()
    return torch.from_numpy(waves / waves.max())


def ramps():
    """A picture (1, 3, 37, 45) whose values are multiples of 1/32, exact in every floating-point type."""
    c, i, j = torch.meshgrid(torch.arange(3), torch.arange(37), torch.arange(45), indexing="ij")
    return ((i * i + 3 * j + 5 * c * j) % 32).float()[None] / 32


@cache
def own_shapes(name):
    """A network's own keys and their shapes."""
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in build(name).state_dict().items()}


def published_shapes(name, layout):
    """The published keys that a network takes from its file, and their shapes."""
    own = {key: torch.empty(shape, device="meta") for key, shape in own_shapes(name).items()}
    return {key: tuple(value.shape) for key, value in layout.publish(own).items()}


@lru_cache(maxsize=3)
def state(name, layout):
    """Stand-in weights of a network under its published keys."""
    return layout.publish({key: weight(layout.published(key), shape, SEED) for key, shape in own_shapes(name).items()})


def assert_slice(output, expected):
    """An output (H, W) is the published one, to 1e-4 of its range."""
    tolerance = 1e-4 * expected.range
    torch.testing.assert_close(expected.of(output), torch.tensor(expected.values), atol=tolerance, rtol=0)
    assert output.mean().item() == pytest.approx(expected.mean, abs=tolerance)


OUTPUTS = Path(__file__).parents[2].parent / "shared" / "parity"
"""Whole outputs of the published networks, too large to be kept with the tests."""

PUBLISHED = pytest.mark.skipif(not OUTPUTS.is_dir(), reason="needs ../shared/parity")


def published_outputs(name):
    """Every (height, width) that a published network was run at, and its arrays."""
    for file in sorted(OUTPUTS.glob(f"{name}_*x*_seed{SEED}.npz")):
        height, width = map(int, file.stem.split("_")[-2].split("x"))
        yield (height, width), dict(np.load(file))
