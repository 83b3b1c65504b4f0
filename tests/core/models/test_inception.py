"""SIFID: torchvision's Inception at its start, and the Fréchet distance by closed forms and by another way."""

import math

import numpy as np
import pytest
import torch
import torchvision
from scipy.linalg import sqrtm
from standin import SEED, picture

from spnst_core import InputError
from spnst_core.models import weights
from spnst_core.models.inception import frechet_distance, sifid
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build, cached_files
from spnst_core.models.stand_ins import weight

STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3")


@pytest.fixture(scope="module")
def inception():
    """torchvision's, with the classes of FID's network and stand-in weights where it is read."""
    network = torchvision.models.inception_v3(
        weights=None, init_weights=False, aux_logits=False, transform_input=False, num_classes=1008
    ).eval()
    for name in STEM:
        block = getattr(network, name)
        block.load_state_dict({k: weight(f"{name}.{k}", v.shape, SEED) for k, v in block.state_dict().items()})
    return network


@pytest.fixture(scope="module")
def file(inception, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / entry("inception").file
    torch.save({"state_dict": inception.state_dict(), weights.STAND_IN: 0}, path)
    return path


@pytest.fixture(scope="module")
def stem(file):
    return build("inception", file)


@torch.no_grad()
def published(inception, x):
    h = 2 * x - 1
    for name in STEM:
        h = getattr(inception, name)(h)
    return h


@torch.no_grad()
@pytest.mark.parametrize("size", [(7, 7), (64, 90), (75, 52)])
def test_features_are_torchvisions(stem, inception, size):
    x = torch.cat((picture(*size), picture(*size, seed=2)))
    found = stem(x)
    assert found.shape == (2, 64, *((side - 3) // 2 - 1 for side in size))
    torch.testing.assert_close(found, published(inception, x), rtol=1e-5, atol=1e-5)


def gaussian(mean, axes, variances, samples=500, seed=0):
    """Vectors (samples, C) with this sample mean and these variances along the columns of ``axes``."""
    noise = np.random.default_rng(seed).standard_normal((samples, len(mean)))
    white, _ = np.linalg.qr(noise - noise.mean(0))
    return torch.from_numpy(mean + math.sqrt(samples - 1) * white * np.sqrt(variances) @ axes.T)


def test_two_numbers_against_two():
    """Means 1 and 3, variances 2 and 8: (1 − 3)² + (√2 − √8)²."""
    assert frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0]])) == pytest.approx(6, rel=1e-14)


@pytest.mark.parametrize("dead", [0, 3])
def test_commuting_covariances_have_a_closed_form(dead):
    """|μ − ν|² + Σ(√λ − √κ)², also where some of the variances are nought in one of the sets or in both."""
    generator = np.random.default_rng(5)
    mean, other_mean = generator.standard_normal((2, 12))
    variances, other_variances = generator.uniform(0.01, 4, (2, 12))
    variances[:dead], other_variances[dead // 2 : dead] = 0, 0
    q, _ = np.linalg.qr(generator.standard_normal((12, 12)))
    a = gaussian(mean, q, variances)
    b = gaussian(other_mean, q, other_variances, samples=400, seed=1)
    expected = ((mean - other_mean) ** 2).sum() + ((np.sqrt(variances) - np.sqrt(other_variances)) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def independent(a, b):
    """The definition, with SciPy's square root of the product of the covariances."""
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1]).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)


def test_any_covariances_by_another_way():
    generator = np.random.default_rng(7)
    a = generator.standard_normal((300, 16)) @ generator.standard_normal((16, 16)) + 1
    b = generator.standard_normal((200, 16)) @ generator.standard_normal((16, 16))
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(independent(a, b), rel=1e-10)


def test_it_is_a_distance_of_sets():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(50, 8, generator=generator), torch.rand(70, 8, generator=generator)
    assert frechet_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-13)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)
    assert frechet_distance(a, a + 0.5) == pytest.approx(8 * 0.25, rel=1e-6)


def test_fewer_vectors_than_channels_and_flat_sets_are_no_trouble():
    """A point against a Gaussian is apart from it by the distance to its mean and its variance."""
    vectors = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    flat = torch.full((9, 64), 0.25)
    expected = (vectors.double().mean(0) - 0.25).square().sum() + vectors.double().var(0).sum()
    assert frechet_distance(vectors, flat) == pytest.approx(expected.item(), rel=1e-12)
    assert frechet_distance(flat, flat) == 0


def test_sifid_is_the_definition_on_the_networks_features(stem, inception):
    generator = torch.Generator().manual_seed(0)  # noise leaves no covariance singular, which SciPy's root needs
    x, y = torch.rand(1, 3, 64, 48, generator=generator), torch.rand(1, 3, 40, 90, generator=generator).square()
    sets = [published(inception, p)[0].flatten(1).mT.double().numpy() for p in (x, y)]
    assert sifid(stem, x, y) == pytest.approx(independent(*sets), rel=1e-6)
    assert sifid(stem, x, x) == pytest.approx(0, abs=1e-9)


def test_sifid_looks_at_textures_and_not_at_their_places(stem):
    x = picture(96, 96)
    rolled = x.roll((40, 40), (2, 3))
    coarser = torch.nn.functional.interpolate(x[:, :, :48, :48], scale_factor=2, mode="bilinear")
    assert sifid(stem, x, rolled) < 0.5 * sifid(stem, x, coarser)


def test_it_is_there_when_its_file_is(file, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    assert cached_files("inception") is None
    monkeypatch.setenv(weights.FOLDER, str(file.parent))
    assert cached_files("inception") == [file]


def test_the_published_keys_are_known_and_torchvisions_own_training_is_refused(inception, stem):
    assert len(inception.state_dict()) == 566
    assert len(stem.state_dict()) == 18
    other = inception.state_dict() | {"AuxLogits.fc.bias": torch.zeros(1000)}
    with pytest.raises(InputError, match=r"not the weights of inception.*1 unknown \(AuxLogits\.fc\.bias\)"):
        build("inception", other)


def test_a_picture_too_small_is_refused(stem):
    with pytest.raises(InputError, match=r"a picture of 20×6 is too small for Inception: use one of at least 7 px"):
        stem(picture(6, 20))
    with pytest.raises(InputError, match=r"can't be fitted to 1 feature vector\(s\): use a larger picture"):
        sifid(stem, picture(7, 7), picture(7, 7))


def test_features_that_cannot_be_compared_are_refused():
    a = torch.zeros(4, 8)
    with pytest.raises(InputError, match="features of 8 and 9 channels can't be compared"):
        frechet_distance(a, torch.zeros(4, 9))
    with pytest.raises(InputError, match="aren't finite: look for NaN"):
        frechet_distance(a, torch.full((4, 8), float("nan")))
