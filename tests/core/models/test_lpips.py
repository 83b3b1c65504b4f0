"""LPIPS: torchvision's AlexNet inside, the authors' distance around it, and what bad input gets."""

import numpy as np
import pytest
import torch
import torchvision
from standin import SEED, own_shapes, picture

from spnst_core import InputError
from spnst_core.models import layouts, weights
from spnst_core.models.lpips import CHANNELS, TAPS
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build, cached_files
from spnst_core.models.stand_ins import weight


@pytest.fixture(scope="module")
def alexnet():
    """torchvision's, with stand-in features and a classifier small enough to be saved in no time."""
    network = torchvision.models.alexnet(weights=None).eval()
    for index in (1, 4, 6):
        network.classifier[index] = torch.nn.Linear(2, 2)
    network.features.load_state_dict(
        {key: weight(f"features.{key}", value.shape, SEED) for key, value in network.features.state_dict().items()}
    )
    return network


@pytest.fixture(scope="module")
def heads():
    """The file of the authors; its weights aren't negative."""
    shapes = {f"lin{i}.model.1.weight": (1, width, 1, 1) for i, width in enumerate(CHANNELS)}
    return {key: weight(key, shape, SEED).abs() for key, shape in shapes.items()}


@pytest.fixture(scope="module")
def cache(alexnet, heads, tmp_path_factory):
    """Both files under their published names."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save({"state_dict": alexnet.state_dict(), weights.STAND_IN: 0}, folder / entry("alexnet").file)
    torch.save({"state_dict": heads, weights.STAND_IN: 0}, folder / entry("lpips").file)
    return folder


@pytest.fixture(scope="module")
def lpips(cache):
    return build("lpips", [cache / entry("lpips").file, cache / entry("alexnet").file])


@torch.no_grad()
def test_features_are_torchvisions(lpips, alexnet):
    x = picture(67, 95)
    h = torchvision.transforms.functional.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    expected = [h := layer(h) for layer in alexnet.features]
    found = lpips.features(x)
    assert [f.shape[1] for f in found] == list(CHANNELS)
    for index, feature in zip(TAPS, found, strict=True):
        torch.testing.assert_close(feature, expected[index], rtol=1e-5, atol=1e-5)


def convolve(x, kernel, bias, stride, padding):
    """(C, H, W) and (O, C, k, k) → (O, h, w)."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.tensordot(kernel, windows, axes=([1, 2, 3], [0, 3, 4])) + bias[:, None, None]


def pool(x):
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max((3, 4))


def reference(x, y, alexnet, heads):
    """LPIPS of two pictures as the paper and its code put it, in float64."""
    state = {key: value.double().numpy() for key, value in (alexnet.state_dict() | heads).items()}
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])

    def features(x):
        h = (2 * x[0].double().numpy() - 1 - shift[:, None, None]) / scale[:, None, None]
        for index, stride, padding in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
            h = pool(h) if index in (3, 6) else h
            h = convolve(h, state[f"features.{index}.weight"], state[f"features.{index}.bias"], stride, padding)
            h = np.maximum(h, 0)
            yield h / (np.sqrt((h**2).sum(0, keepdims=True)) + 1e-10)

    return sum(
        (state[f"lin{i}.model.1.weight"][0] * (a - b) ** 2).sum(0).mean()
        for i, (a, b) in enumerate(zip(features(x), features(y), strict=True))
    )


@torch.no_grad()
@pytest.mark.parametrize("size", [(31, 31), (64, 43)])
def test_the_distance_is_the_authors(lpips, alexnet, heads, size):
    x, y = picture(*size), picture(*size, seed=SEED + 1)
    assert lpips(x, y).item() == pytest.approx(reference(x, y, alexnet, heads), rel=1e-5)


@torch.no_grad()
def test_it_is_a_distance_for_each_picture_of_a_batch(lpips):
    x, y = picture(40, 48), picture(40, 48, seed=2)
    found = lpips(torch.cat((x, x, y)), torch.cat((x, y, x)))
    assert found.shape == (3,)
    assert found[0] == 0
    torch.testing.assert_close(found[1], found[2])
    torch.testing.assert_close(found[1:2], lpips(x, y))
    assert lpips(x, x + 0.02) < lpips(x, x.flip(3))


@torch.no_grad()
def test_a_response_of_zeros_stays_a_number(heads):
    silent = {key: torch.zeros(shape) for key, shape in own_shapes("lpips").items() if key.startswith("trunk.")}
    network = build("lpips", {layouts.lpips_alexnet.published(key): value for key, value in silent.items()} | heads)
    assert network(picture(40, 40), picture(40, 40, seed=2)).item() == 0


def test_gradients_reach_the_picture(lpips):
    x = picture(40, 56).requires_grad_(True)
    lpips(x, picture(40, 56, seed=2)).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).float().mean() > 0.9


def test_the_manifest_says_what_the_network_does(lpips):
    preprocessing = entry("lpips").preprocessing
    assert torch.equal(lpips.shift.flatten(), torch.tensor(preprocessing.mean))
    assert torch.equal(lpips.scale.flatten(), torch.tensor(preprocessing.std))
    imagenet = entry("alexnet").preprocessing  # the same numbers, for values in [0, 1]
    assert [2 * m - 1 for m in imagenet.mean] == pytest.approx(preprocessing.mean)
    assert [2 * s for s in imagenet.std] == pytest.approx(preprocessing.std)


def test_it_is_there_when_both_files_are(cache, tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    assert cached_files("lpips") is None
    for name in ("lpips", "alexnet"):
        assert cached_files("lpips") is None
        (tmp_path / entry(name).file).symlink_to(cache / entry(name).file)
    assert cached_files("lpips") == [tmp_path / "alex.pth", tmp_path / "alexnet-owt-7be5be79.pth"]
    assert build("lpips", cached_files("lpips"))(picture(31, 31), picture(31, 31)).item() == 0


def test_one_file_alone_is_refused(cache):
    with pytest.raises(InputError, match=r"alex\.pth: not the weights of lpips.*10 missing \(features\.0\.weight, "):
        build("lpips", cache / "alex.pth")
    with pytest.raises(InputError, match=r"5be79\.pth: not the weights of lpips.*5 missing \(lin0\.model\.1\.weight, "):
        build("lpips", cache / "alexnet-owt-7be5be79.pth")


def test_a_picture_too_small_or_of_another_shape_is_refused(lpips):
    with pytest.raises(InputError, match=r"a picture of 40×30 is too small for LPIPS: use one of at least 31 px"):
        lpips(picture(30, 40), picture(30, 40))
    with pytest.raises(InputError, match=r"of one shape, not \(1, 3, 40, 40\) and \(1, 3, 40, 48\)"):
        lpips(picture(40, 40), picture(40, 48))
