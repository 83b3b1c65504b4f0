"""The training loop that all networks share: seeded, resumable, with averaged weights.

It multiplies in bfloat16 where the CPU has instructions for it, otherwise in float32.

Everything depends on the seed and the step alone, so an interrupted run reaches the same weights when the same command
is given again. One process composes batches and the other trains, one thread each.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader, Dataset

from spnst_core.models.embedded.blocks import Conv
from spnst_core.models.precision import multiplies_bfloat16

Net = TypeVar("Net", bound=nn.Module)
Input = TypeVar("Input", Tensor, dict[str, Tensor])


@dataclass(frozen=True)
class Run:
    """The parameters that determine the trained weights, and the folder that these are written to."""

    out: Path
    seed: int
    steps: int
    batch: int
    lr: float

    log_every: int = 100
    checkpoint_every: int = 1000


def train(
    run: Run,
    net: Net,
    batches: Dataset[tuple[Input, Tensor]],
    predict: Callable[[Net, Input], Tensor],
    loss: Callable[[Tensor, Tensor], Mapping[str, Tensor]],
    score: Callable[[Net], Mapping[str, float]],
    start: Path | None = None,
) -> Net:
    """Train, or resume training; ``weights.safetensors`` (float16), ``log.jsonl`` and a checkpoint go to ``run.out``.

    Args:
        batches: item ``step`` is the batch (inputs, targets) of that step.
        loss: named terms whose sum is minimised.
        score: figures of a network, logged with every checkpoint.
        start: checkpoint of another run, whose averaged weights this one starts from.
    """
    run.out.mkdir(parents=True, exist_ok=True)
    net = with_batch_norm(net).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(torch.load(start, weights_only=True)["average"])
    average = deepcopy(net).requires_grad_(False)
    optimizer = _optimizer(run, net)
    checkpoint, first = run.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    steps = range(first, run.steps)
    loader = DataLoader(batches, batch_size=None, sampler=steps, num_workers=1, prefetch_factor=4)
    started, sums = time.perf_counter(), dict[str, float]()
    for step, (inputs, target) in zip(steps, loader, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(run, step)
        with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16(torch.device("cpu"))):
            prediction = predict(net, inputs)
        terms = loss(prediction.float(), target)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        _follow(average, net, min(0.998, (step + 1) / (step + 10)))
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if (step + 1) % run.log_every == 0:
            _log(run, step, {name: value / run.log_every for name, value in sums.items()}, started)
            sums.clear()
        if (step + 1) % run.checkpoint_every == 0 or step + 1 == run.steps:
            kept = without_batch_norm(average)
            weights = {name: w.half().contiguous() for name, w in kept.state_dict().items()}
            save_file(weights, run.out / "weights.safetensors")
            part = checkpoint.with_suffix(".part")
            state = {"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "step": step + 1}, part)
            part.replace(checkpoint)
            _log(run, step, score(kept), started)
    return without_batch_norm(average)


def options_of(description: str | None, steps: int) -> argparse.ArgumentParser:
    """The options that every training has, with its own default number of steps."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, log and weights")
    parser.add_argument(
        "--scenes", type=Path, required=True, help="folder of rendered scenes; missing ones are rendered"
    )
    parser.add_argument("--count", type=int, default=10_000, help="number of scenes, 250 kB each")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the weights and batches; the scenes have their own"
    )
    parser.add_argument("--steps", type=int, default=steps, help="number of steps, which also sets the schedule")
    parser.add_argument("--lr", type=float, default=2e-3, help="highest learning rate")
    return parser


def learning_rate(run: Run, step: int) -> float:
    """Linear warm-up over the first fiftieth of the steps, then a half cosine down to 0."""
    warm = max(1, run.steps // 50)
    return run.lr * min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * step / run.steps))


def with_batch_norm(net: Net) -> Net:
    """The network with batch normalisation (Ioffe and Szegedy, arXiv:1502.03167) in each of its `Conv` blocks."""
    for block in list(net.modules()):
        if isinstance(block, Conv):
            block.insert(1, nn.BatchNorm2d(block.out_channels))
    return net


def without_batch_norm(net: Net) -> Net:
    """A copy in evaluation mode whose normalisation, now a fixed scale and shift, is folded into the convolutions."""
    net = deepcopy(net).eval()
    for block in list(net.modules()):
        if isinstance(block, Conv):
            convolution, norm = block.pop(0), block.pop(0)
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            block.insert(0, fuse_conv_bn_eval(convolution, norm))
    return net


def _optimizer(run: Run, net: nn.Module) -> torch.optim.Optimizer:
    plain = [p for p in net.parameters() if p.ndim < 2 or p.shape[1:] == (1, 1, 1) or p.shape[0] == 1]
    decayed = [p for p in net.parameters() if not any(p is q for q in plain)]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=run.lr, betas=(0.9, 0.99), fused=True)


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged weights, and the statistics of the normalisation, a step towards the network's."""
    for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)


def _log(run: Run, step: int, figures: Mapping[str, float], started: float) -> None:
    line = {"step": step + 1, **{k: round(float(v), 5) for k, v in figures.items()}}
    line["seconds"] = round(time.perf_counter() - started)
    with (run.out / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    print(line, flush=True)
