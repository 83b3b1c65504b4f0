"""The training loop: normalisation that folds away, and weights that depend on nothing but the seed and the steps."""

import pytest
import torch
from safetensors.torch import load
from torch import nn
from torch.utils.data import Dataset

from spnst_core.models.embedded.blocks import Conv, Residual
from training.loop import Run, learning_rate, train, with_batch_norm, without_batch_norm

pytestmark = pytest.mark.training


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Conv(3, 8, stride=2), Residual(8))
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        return self.head(self.body(x))


class Noise(Dataset):
    """The brightness of noise, at half the size."""

    def __init__(self, seed):
        self.seed = seed

    def __getitem__(self, step):
        x = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1000 * self.seed + step))
        return x, nn.functional.avg_pool2d(x.mean(1, keepdim=True), 2)


def run(out, seed=0, steps=8, stop_after=None, lr=1e-2, start=None):
    """Train for some steps; ``stop_after`` breaks off as an interruption would, after the checkpoint of that step."""
    torch.manual_seed(seed)
    scored = []

    def score(net):
        scored.append(net)
        if stop_after is not None and len(scored) * 2 > stop_after:
            raise KeyboardInterrupt
        return {"weights": sum(float(p.sum()) for p in net.parameters())}

    def loss(prediction, target):
        return {"squared": (prediction - target).square().mean()}

    settings = Run(out, seed, steps, batch=4, lr=lr, log_every=2, checkpoint_every=2)
    train(settings, Tiny(), Noise(seed), lambda net, x: net(x), loss, score, start)
    return (out / "weights.safetensors").read_bytes()


def test_the_same_seed_gives_the_same_file_and_another_one_another(tmp_path):
    first, again, other = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=1)
    assert first == again
    assert first != other


def test_a_run_that_was_stopped_ends_with_the_same_file(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop_after=4)
    assert run(tmp_path / "stopped") == run(tmp_path / "unbroken")


def test_a_run_can_start_from_the_averaged_weights_of_another(tmp_path):
    first = load(run(tmp_path / "first"))
    still = load(run(tmp_path / "still", seed=1, steps=1, lr=0.0, start=tmp_path / "first" / "checkpoint.pt"))
    assert torch.equal(still["head.weight"], first["head.weight"])


def test_training_lowers_the_loss(tmp_path):
    import json

    run(tmp_path, steps=40)
    losses = [line["squared"] for line in map(json.loads, (tmp_path / "log.jsonl").open()) if "squared" in line]
    assert losses[-1] < 0.5 * losses[0]


def test_folding_normalisation_away_changes_no_answer():
    torch.manual_seed(0)
    net = with_batch_norm(Tiny())
    x = torch.rand(8, 3, 16, 16)
    for _ in range(5):
        net(x)  # moves the statistics away from 0 and 1
    folded = without_batch_norm(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert folded.state_dict().keys() == Tiny().state_dict().keys()
    torch.testing.assert_close(folded(x), net.eval()(x), rtol=1e-4, atol=1e-5)


def test_the_learning_rate_rises_then_falls_to_nothing(tmp_path):
    settings = Run(tmp_path, 0, 1000, batch=1, lr=1.0)
    rates = [learning_rate(settings, step) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 20)
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates.index(max(rates)) in range(15, 25)
    assert rates[-1] < 1e-4
