"""Fit Magenta's network to keep structure: ``python -m training.fit_arbitrary --out DIR [--minutes N]``.

The published network (`spnst_core.models.magenta`) paints any style in one pass, and was trained with losses of content
and style alone. Here its second half, which paints, goes on under the objective of `structure`, edges and depth
included, on rendered scenes, the sample contents and many styles; the half that looks at a style stays as it is.
"""

import argparse
import time
from collections import deque
from functools import lru_cache
from math import cos, pi
from pathlib import Path

import numpy as np
import skimage
import torch
from safetensors.torch import save_file
from torch import Tensor

from spnst_core import Recipe, load_models, samples
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import matched
from spnst_core.models.magenta import Magenta
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import canvas, framed
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.optim.gradient import differentiated
from spnst_core.painters.arbitrary import ArbitraryPainter
from spnst_core.painters.training import trained_recipe
from spnst_core.painters.views import view
from spnst_core.painting import content_targets, style_targets
from training.rendering import photograph
from training.scenes import sample

TEXTURES = ("brick.png", "gravel.png", "grass.png", "ihc.png", "retina.jpg", "hubble_deep_field.jpg", "color.png")
"""Files of scikit-image that serve as styles beside the sample styles."""

SCENES = 300
"""Rendered scenes to paint, beside the sample contents."""

SCENE = (192, 256)
"""Their height and width in pixels."""

SAMPLED = 0.3
"""Share of the views that are of the sample contents."""

POOL, USES = 48, 6
"""Views and styles in use at a time, and how often each is used on average."""

REPAINTED = 0.5
"""Share of the styles that have another style's palette."""

BETAS, LR_END, WARMING = (0.9, 0.99), 0.05, 30
"""Adam's decay rates, what its rate falls to, and the steps over which it rises."""


class Contents:
    """Views of scenes and of the sample contents, each a function of its number."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size
        self.samples = [image_io.to_tensor(each) for each in samples.contents().values()]

    @lru_cache(SCENES)  # noqa: B019
    def scene(self, number: int) -> Tensor:
        """A rendered scene as a camera might have taken it, (1, 3, H, W)."""
        picture = sample(self.seed + 1, number, *SCENE)
        rgb = np.round(picture.rgb * 255).astype(np.uint8)
        taken = photograph(rgb, picture.inverse_depth, np.random.default_rng([self.seed, number]))
        return torch.from_numpy(taken).permute(2, 0, 1)[None].contiguous()

    def __call__(self, number: int) -> Tensor:
        random = np.random.default_rng([self.seed, 1, number])
        if random.random() < SAMPLED:
            return view(self.samples, number, self.seed, self.size, self.size, self.size)
        return view([self.scene(int(random.integers(SCENES)))], number, self.seed, self.size, self.size, self.size)


class Styles:
    """Styles, each a function of its number: a part of a sample style or texture, turned, perhaps in other colours."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size
        folder = Path(skimage.__file__).parent / "data"
        pictures = [*samples.styles(2 * size).values(), *(image_io.decode(folder / name) for name in TEXTURES)]
        self.pictures = [image_io.to_tensor(each.convert("RGB")) for each in pictures]

    def __call__(self, number: int) -> Tensor:
        random = np.random.default_rng([self.seed, 2, number])
        found = self._part(random)
        if random.random() < REPAINTED:
            found = matched(found, self._part(random), 1.0).clamp(0, 1)
        return found

    def _part(self, random: np.random.Generator) -> Tensor:
        picture = self.pictures[int(random.integers(len(self.pictures)))]
        height, width = picture.shape[2:]
        side = int(min(height, width) * random.uniform(0.6, 1.0))
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        part = picture[..., top : top + side, left : left + side].rot90(int(random.integers(4)), (2, 3))
        part = part.flip(3) if random.random() < 0.5 else part
        return image_io.resize(part, self.size, self.size)


class Fitting:
    """Steps of Adam on the network that paints; everything depends on the seed and the step alone."""

    def __init__(self, network: Magenta, recipe: Recipe, models: Models, size: int, seed: int, lr: float) -> None:
        self.network, self.models, self.size, self.seed, self.lr = network, models, size, seed, lr
        self.recipe = trained_recipe(recipe, models.encoder.name, size)
        self.contents, self.styles = Contents(seed, size), Styles(seed, size)
        self.weights = [weight.requires_grad_(True) for weight in network.transform.parameters()]
        self.adam = torch.optim.Adam(self.weights, lr, BETAS)
        self.targets = lru_cache(POOL)(self._targets)
        self.goals = lru_cache(POOL)(self._goal)

    def step(self, step: int, share: float) -> dict[str, float]:
        """The losses before the step; ``share`` of the whole is done."""
        random = np.random.default_rng([self.seed, 3, step])
        content, style = (int(n) + step // USES for n in random.integers(POOL, size=2))
        (goal, targets), (vector, statistics) = self.goals(content), self.targets(style)
        [stage] = self.recipe.stages
        objective = Objective(goal, targets, [statistics], self.recipe, stage, self.models)
        margin = self.recipe.margin
        seen = goal[..., margin : goal.shape[2] - margin, margin : goal.shape[3] - margin]
        painted = framed(self.network(seen, vector), margin)
        found = differentiated(objective, painted, objective.view(torch.Generator().manual_seed(step)))
        painted.backward(found.gradient)
        torch.nn.utils.clip_grad_norm_(self.weights, 10.0)
        rate = min(1.0, (step + 1) / WARMING) * (LR_END + (1 - LR_END) * (1 + cos(pi * share)) / 2)
        for group in self.adam.param_groups:
            group["lr"] = self.lr * rate
        self.adam.step()
        self.adam.zero_grad()
        return {term: value.item() for term, value in found.values.items()}

    def _targets(self, number: int) -> tuple[Tensor, StyleTargets]:
        style = self.styles(number)
        with torch.no_grad():
            return self.network.style_vector(style), style_targets(style, self.recipe, self.models)

    def _goal(self, number: int) -> tuple[Tensor, ContentTargets]:
        content = self.contents(number)
        [stage] = self.recipe.stages
        recipe = self.recipe.with_size(self.size)
        return canvas(content, recipe, stage), content_targets(content, recipe, self.models)


def save(network: Magenta, folder: Path) -> None:
    """Write the weights of the half that paints."""
    weights = {name: weight.detach().contiguous() for name, weight in network.transform.state_dict().items()}
    save_file(weights, folder / "transform.safetensors")


def main() -> None:
    """Fit the network and write its weights; a run that was stopped goes on where it was."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights, the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--size", type=int, default=256, help="side in pixels of the views and of the styles")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--structure", type=float, default=0.5, help="amount of structure, from 0 to 1")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    models = load_models("vgg16", "cpu")
    network = ArbitraryPainter.load(torch.device("cpu")).network
    recipe = Recipe.load("structure").with_structure(options.structure)
    fitting = Fitting(network, recipe, models, options.size, options.seed, options.lr)
    options.out.mkdir(parents=True, exist_ok=True)
    began, step, last = time.monotonic(), 0, deque[dict[str, float]](maxlen=50)
    while (share := (time.monotonic() - began) / (60 * options.minutes)) < 1:
        last.append(fitting.step(step, share))
        step += 1
        if step % 50 == 0:
            means = {term: sum(each[term] for each in last) / len(last) for term in last[0]}
            told = ", ".join(f"{term} {value:.3f}" for term, value in means.items())
            print(f"step {step}, {60 * options.minutes * share:.0f} s: {told}", flush=True)
            save(network, options.out)
    save(network, options.out)


if __name__ == "__main__":
    main()
