"""The head's training: encoded views that are read back, batches that follow the step, and weights to the bit."""

import numpy as np
import pytest
import torch

from spnst_core.models import weights
from spnst_core.models.depth_head import LAYERS, STRIDE, DepthHead
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build
from spnst_core.models.trunk import BLOCKS, CaffeInput, Trunk
from training import encoded
from training.encoded import INVERSE_DEPTH, ROWS, SHAPES, Encoded
from training.loop import Run, train
from training.pool import Pool
from training.train_depth import depth_loss, score, vertical_position
from training.train_depth_head import Batches, cropped, on, varied

pytestmark = [pytest.mark.training, pytest.mark.slow(13)]

CHANNELS = {"relu3_3": 256, "relu4_3": 512, "relu5_3": 512}


@pytest.fixture(scope="module")
def trunk():
    torch.manual_seed(0)
    trunk = Trunk(CaffeInput(), round_up=True).requires_grad_(False)
    for convolution in trunk.modules():
        if isinstance(convolution, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(convolution.weight)
    assert len(trunk.blocks) == len(BLOCKS)
    return trunk


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("pool"), seed=1, count=3)
    for _ in pool.fill():
        pass
    return pool


@pytest.fixture(scope="module")
def views(pool, trunk, tmp_path_factory):
    views = Encoded(tmp_path_factory.mktemp("views"), seed=0, count=1)
    assert list(views.fill(pool, trunk)) == [0]
    return views


def test_a_view_is_read_as_it_was_encoded(pool, trunk, views):
    whole = encoded.encode(pool, trunk, 0, 0)
    height, width = SHAPES[0]
    for row in (0, ROWS - 1):
        view = views.read(0, row)
        assert view.keys() == {*LAYERS, INVERSE_DEPTH}
        for block, name in enumerate(LAYERS):
            assert view[name].shape == (1, CHANNELS[name], height // STRIDE // 2**block, width // STRIDE // 2**block)
        assert view[INVERSE_DEPTH].shape == (1, height // STRIDE, width // STRIDE)
        for name, value in view.items():
            assert value.dtype == torch.float32
            torch.testing.assert_close(value[0], whole[name][row].float(), rtol=0, atol=0)


def test_files_that_are_there_are_not_written_again(pool, trunk, views):
    assert list(views.fill(pool, trunk)) == []


def test_a_file_that_nobody_writes_is_named(tmp_path):
    with pytest.raises(TimeoutError, match="00003.safetensors isn't there: encode the views"):
        Encoded(tmp_path, 0, 5).read(3, 0, patience=0.1)


def test_a_crop_shows_the_same_part_in_every_layer():
    h, w = 7, 10
    grid = torch.arange(h * w).view(1, 1, h, w).float()
    strides = dict(zip(LAYERS, (4, 2, 1), strict=True))
    enlarged = {name: grid.repeat_interleave(n, 2).repeat_interleave(n, 3) for name, n in strides.items()}
    for seed in range(5):
        part = cropped(enlarged, np.random.default_rng(seed))
        coarse = part["relu5_3"]
        assert h * 0.6 <= coarse.shape[2] <= h
        assert w * 0.6 <= coarse.shape[3] <= w
        for name, n in strides.items():
            assert torch.equal(part[name][:, :, ::n, ::n], coarse)


def test_varied_responses_keep_their_place_and_their_sign():
    x = {name: torch.rand(3, 4, 5, 6).relu() for name in LAYERS}
    found = varied(x, np.random.default_rng(0))
    for name, before in x.items():
        gain = found[name] / before
        assert (found[name] >= 0).all()
        torch.testing.assert_close(gain, gain[:, :, :1, :1].expand_as(gain))
        assert gain.std() > 0.05


def test_a_batch_follows_its_step(views, tmp_path):
    first, again = (Batches(Run(tmp_path, 0, 10, 3, 1e-3), views)[4] for _ in range(2))
    other = Batches(Run(tmp_path, 1, 10, 3, 1e-3), views)[4]
    assert first[1].shape == (3, 1, *first[0]["relu3_3"].shape[2:])
    for name, value in first[0].items():
        assert torch.equal(value, again[0][name])
    assert torch.equal(first[1], again[1])
    assert other[1].shape != first[1].shape or not torch.equal(other[1], first[1])


def run(views, out, steps, stop_after=None):
    torch.manual_seed(0)
    scored = []

    def score(head):
        scored.append(head)
        if stop_after is not None and len(scored) * 2 > stop_after:
            raise KeyboardInterrupt
        return {"weights": sum(float(p.sum()) for p in head.parameters())}

    settings = Run(out, 0, steps, batch=2, lr=2e-3, log_every=2, checkpoint_every=2)
    return train(settings, DepthHead(), Batches(settings, views), DepthHead.predict, depth_loss, score)


def test_training_lowers_the_loss(views, tmp_path):
    features, target = Batches(Run(tmp_path, 1, 10, 4, 2e-3), views)[0]
    trained, untrained = (depth_loss(run(views, tmp_path / f"{k}", steps=k).predict(features), target) for k in (24, 1))
    assert trained["1x1"] < 0.9 * untrained["1x1"]


def test_a_run_that_was_stopped_ends_with_the_same_file(views, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(views, tmp_path / "stopped", steps=6, stop_after=3)
    for name in ("stopped", "unbroken"):
        run(views, tmp_path / name, steps=6)
    stopped, unbroken = (tmp_path / name / "weights.safetensors" for name in ("stopped", "unbroken"))
    assert stopped.read_bytes() == unbroken.read_bytes()


@torch.no_grad()
def test_the_trained_head_works_on_its_trunk(trunk):
    network = on(trunk, DepthHead())
    assert network(torch.rand(1, 3, 40, 56)).shape == (1, 1, 40, 56)
    assert not network.training


@pytest.mark.wheel
@pytest.mark.slow(14)
def test_the_shipped_head_sees_depth_in_scenes_that_it_was_not_trained_on():
    path = weights.present(entry("depth_vgg16"))
    if path is None:
        pytest.skip(f"no hed_vgg16 in {weights.folder()}: fetch it with spnst models fetch hed_vgg16")
    network, guess = score(build("depth_vgg16", path), count=10), score(vertical_position, count=10)
    for series in ("held_out", "shifted"):
        assert network[f"{series} correlation"] >= guess[f"{series} correlation"] + 0.07
        assert network[f"{series} error"] <= guess[f"{series} error"] - 0.05
