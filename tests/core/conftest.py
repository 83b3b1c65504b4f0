"""Small real pictures and the embedded networks, shared by the tests of the core."""

import pytest
import torch
from gpu import Gpu

from spnst_core import load_models, samples
from spnst_core.imaging import io as image_io


@pytest.fixture(scope="session", autouse=True)
def _no_denormals():
    """Numbers so small that a CPU computes with them many times more slowly are zero, as in the pipeline."""
    torch.set_flush_denormal(True)


@pytest.fixture
def threads():
    """Four threads, for as long as a test lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def gpu():
    """One that isn't there."""
    return Gpu()


@pytest.fixture(scope="session")
def models():
    return load_models("embedded", "cpu", precision="float32")


@pytest.fixture(scope="session")
def sample_contents():
    return {key: small(picture) for key, picture in samples.contents().items()}


@pytest.fixture(scope="session")
def sample_styles():
    return {key: small(picture) for key, picture in samples.styles(128, 4).items()}


def small(picture):
    x = image_io.to_tensor(picture)
    return image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], 64))
