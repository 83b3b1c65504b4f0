"""Train DepthNet on rendered scenes: ``python -m training.train_depth --out DIR``.

The loss is the scale- and shift-invariant one of Ranftl et al., "Towards Robust Monocular Depth Estimation"
(arXiv:1907.01341), equations 5 to 11 without trimming, since rendered depth is exact: the mean absolute difference of
inverse depths that were each centred on their median and divided by their mean absolute deviation, plus their
gradients' difference at four scales.

Everything is a function of the seed and the step, so a run that was stopped goes on to the same weights: run the same
command again. One worker process renders scenes into a pool on disk and composes batches; the other trains.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from spnst_core.models.embedded.depth import DepthNet
from training.rendering import photograph
from training.scenes import sample
from training.textures import Array

SIDE = 128  # of the square scenes in the pool
SHAPES = ((128, 128), (96, 128), (128, 96), (96, 128), (64, 128))
FIRST_SCENES, FRESH_SCENES = 128, 3  # in the pool before the first step, and added by every step
HELD_OUT_SEED = 7_777_777
GRADIENT_WEIGHT = 0.3
EMA_DECAY = 0.998
CHECKPOINT_EVERY = 250


@dataclass(frozen=True)
class Run:
    """What decides the trained weights, and where they go."""

    out: Path
    seed: int = 0
    steps: int = 1500
    batch: int = 16
    scenes: int = 16_000
    lr: float = 1.2e-3


# ------------------------------------------------------------------------------------------------------------ the data


class Pool:
    """Rendered scenes in two memory-mapped files; scene k is always ``sample(seed, k)``."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.seed, self.count = seed, count
        self._rgb = _memmap(folder / "rgb.u8", np.uint8, (count, SIDE, SIDE, 3))
        self._inverse_depth = _memmap(folder / "inverse_depth.f16", np.float16, (count, SIDE, SIDE))
        self._done = _memmap(folder / "done.i64", np.int64, (1,))

    def fill(self, count: int) -> None:
        """Render what is missing of the first ``count`` scenes."""
        for k in range(int(self._done[0]), min(count, self.count)):
            picture = sample(self.seed, k, SIDE, SIDE)
            self._rgb[k] = np.round(picture.rgb * 255)
            self._inverse_depth[k] = picture.inverse_depth
            self._done[0] = k + 1

    def __getitem__(self, k: int) -> tuple[Image.Image, Image.Image]:
        return Image.fromarray(self._rgb[k]), Image.fromarray(self._inverse_depth[k].astype(np.float32))


def _memmap(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    return np.memmap(path, dtype, "r+" if path.exists() else "w+", shape=shape)


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batch ``step``: (B, 3, H, W) photographs in [0, 1] and (B, 1, H, W) inverse depths, of one random shape."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.pool: Pool | None = None

    def __len__(self) -> int:
        return self.run.steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        # Opened here, in the process that uses it.
        self.pool = self.pool or Pool(self.run.out / "scenes", self.run.seed, self.run.scenes)
        available = min(self.run.scenes, FIRST_SCENES + FRESH_SCENES * step)
        self.pool.fill(available)
        rng = np.random.default_rng([self.run.seed, step, 1])
        height, width = SHAPES[rng.integers(len(SHAPES))]
        pairs = [view(*self.pool[int(k)], height, width, rng) for k in rng.integers(0, available, self.run.batch)]
        rgb, inverse_depth = (torch.from_numpy(np.stack(x)) for x in zip(*pairs, strict=True))
        return rgb.permute(0, 3, 1, 2), inverse_depth[:, None]


def view(
    rgb: Image.Image, inverse_depth: Image.Image, height: int, width: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """A random crop of a scene as a camera might have taken it, often mirrored: (H, W, 3) and (H, W)."""
    zoom, stretch = rng.uniform(0.7, 1.0), math.exp(rng.uniform(-0.12, 0.12))
    fit = min(rgb.width / (width * stretch), rgb.height / height) * zoom
    w, h = width * stretch * fit, height * fit
    left, top = rng.uniform(0, rgb.width - w), rng.uniform(0, rgb.height - h)
    box = (left, top, min(left + w, rgb.width), min(top + h, rgb.height))
    small = (np.asarray(x.resize((width, height), Image.Resampling.BILINEAR, box)) for x in (rgb, inverse_depth))
    colour: Array = next(small).astype(np.float32) / 255
    depth: Array = next(small)
    colour = photograph(colour, depth, rng)
    if rng.random() < 0.5:
        colour, depth = colour[:, ::-1], depth[:, ::-1]
    return np.ascontiguousarray(colour), np.ascontiguousarray(depth)


# ------------------------------------------------------------------------------------------------------------ the loss


def depth_loss(prediction: Tensor, target: Tensor, scales: int = 4) -> tuple[Tensor, Tensor]:
    """The scale- and shift-invariant difference and its gradients' difference, of two (N, 1, H, W) inverse depths."""
    difference = _centred(prediction) - _centred(target)
    gradient = difference.new_zeros(())
    for k in range(scales):
        part = difference[..., :: 2**k, :: 2**k]
        gradient = gradient + part.diff(dim=-1).abs().mean() + part.diff(dim=-2).abs().mean()
    return difference.abs().mean(), gradient


def _centred(x: Tensor) -> Tensor:
    flat = x.flatten(1)
    shifted = flat - flat.median(dim=1, keepdim=True).values
    return (shifted / shifted.abs().mean(dim=1, keepdim=True).clamp_min(1e-6)).view_as(x)


# --------------------------------------------------------------------------------------------------------- how good


def rank_correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation of two maps where both are finite; 0 if one of them is constant."""
    x, y = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    known = np.isfinite(x) & np.isfinite(y)
    x, y = rankdata(x[known]), rankdata(y[known])
    x, y = x - x.mean(), y - y.mean()
    norm = math.sqrt(float((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else 0.0


def vertical_position(height: int, width: int) -> npt.NDArray[np.float64]:
    """The guess that knows nothing: lower in the picture is nearer."""
    return np.repeat(np.arange(height, dtype=np.float64)[:, None], width, 1)


def score(net: DepthNet, rgb: Array, inverse_depth: npt.ArrayLike) -> tuple[float, float]:
    """Rank correlation with ``inverse_depth`` (H, W) of the network's answer to ``rgb`` and of vertical position."""
    truth = np.asarray(inverse_depth, np.float64)
    x = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None]
    with torch.no_grad():
        answer = F.interpolate(net(x), truth.shape, mode="bilinear")[0, 0].numpy()
    return rank_correlation(answer, truth), rank_correlation(vertical_position(*truth.shape), truth)


def score_held_out(net: DepthNet, count: int = 48) -> tuple[float, float]:
    """Mean scores on rendered scenes, photographed, that no training run sees."""
    scores = []
    for k in range(count):
        picture = sample(HELD_OUT_SEED, k, 144, 192)
        rng = np.random.default_rng([HELD_OUT_SEED, k])
        scores.append(score(net, photograph(picture.rgb, picture.inverse_depth, rng), picture.inverse_depth))
    net_score, vertical = np.mean(scores, axis=0)
    return float(net_score), float(vertical)


def score_measured(net: DepthNet, folder: Path) -> dict[str, tuple[float, float]]:
    """Scores on photographs with measured depth: NAME.jpg beside NAME.npz with ``inverse_depth``, unknown where ≤ 0."""
    scores = {}
    for path in sorted(folder.glob("*.npz")):
        truth = np.load(path)["inverse_depth"].astype(np.float64)
        rgb = np.asarray(Image.open(path.with_suffix(".jpg")).convert("RGB"), np.float32) / 255
        scores[path.stem] = score(net, rgb, np.where(truth > 0, truth, np.nan))
    return scores


# ------------------------------------------------------------------------------------------------------------ training


def learning_rate(run: Run, step: int) -> float:
    """A linear start over the first fiftieth, then half a cosine down to zero."""
    warm = max(1, run.steps // 50)
    return run.lr * min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * step / run.steps))


def train(run: Run) -> DepthNet:
    """Train, or go on training; ``depth.safetensors`` (float16), ``log.jsonl`` and a checkpoint go to ``out``."""
    run.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    net = DepthNet().to(memory_format=torch.channels_last)
    average = deepcopy(net).requires_grad_(False)
    plain = [p for p in net.parameters() if p.ndim < 2 or p.shape[1:] == (1, 1, 1)]
    decayed = [p for p in net.parameters() if not any(p is q for q in plain)]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=run.lr, betas=(0.9, 0.99))
    checkpoint, first = run.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    steps = range(first, run.steps)
    batches = DataLoader(Batches(run), batch_size=None, sampler=steps, num_workers=1, prefetch_factor=4)
    started, sums = time.perf_counter(), np.zeros(2)
    for step, (rgb, target) in zip(steps, batches, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(run, step)
        prediction = net.predict(rgb.contiguous(memory_format=torch.channels_last))
        value, gradient = depth_loss(prediction, F.avg_pool2d(target, 2))
        optimizer.zero_grad(set_to_none=True)
        (value + GRADIENT_WEIGHT * gradient).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        decay = min(EMA_DECAY, (step + 1) / (step + 10))
        for kept, new in zip(average.parameters(), net.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)
        sums += value.item(), gradient.item()
        if (step + 1) % 50 == 0:
            _log(
                run,
                step,
                {"value": sums[0] / 50, "gradient": sums[1] / 50, "lr": learning_rate(run, step)},
                started,
            )
            sums[:] = 0
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == run.steps:
            held_out, vertical = score_held_out(average)
            _log(run, step, {"held_out": held_out, "vertical": vertical}, started)
            weights = {name: w.half().contiguous() for name, w in average.state_dict().items()}
            save_file(weights, run.out / "depth.safetensors")
            state = {
                "net": net.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            torch.save({**state, "step": step + 1}, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    return average.eval()


def _log(run: Run, step: int, figures: dict[str, float], started: float) -> None:
    line = {
        "step": step + 1,
        **{k: round(float(v), 6) for k, v in figures.items()},
        "seconds": round(time.perf_counter() - started),
    }
    with (run.out / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    print(line, flush=True)


def main() -> None:
    """Train, then print the scores on held-out scenes and, with ``--truth``, on photographs with measured depth."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="checkpoint, log, weights and rendered scenes go here")
    parser.add_argument("--seed", type=int, default=Run.seed)
    parser.add_argument("--steps", type=int, default=Run.steps, help="decides the schedule, so also the weights")
    parser.add_argument("--batch", type=int, default=Run.batch)
    parser.add_argument("--scenes", type=int, default=Run.scenes, help="scenes in the pool at most, 82 kB each")
    parser.add_argument("--lr", type=float, default=Run.lr)
    parser.add_argument("--truth", type=Path, help="folder of NAME.jpg and NAME.npz (inverse_depth) to score on")
    options = vars(parser.parse_args())
    truth = options.pop("truth")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    net = train(Run(**options))
    _print_scores("held-out scenes", score_held_out(net))
    if truth is not None:
        scores = score_measured(net, truth)
        for name, pair in scores.items():
            _print_scores(name, pair)
        _print_scores("measured depth, mean", np.mean(list(scores.values()), axis=0))


def _print_scores(name: str, pair: Sequence[float] | npt.NDArray[np.float64]) -> None:
    print(f"{name}: rank correlation of the network {pair[0]:.3f}, of vertical position {pair[1]:.3f}")


if __name__ == "__main__":
    main()
