"""Whether compiling pays off: one evaluation of the objective eagerly, by torch.compile, and as a CUDA graph.

    python -m benchmarks.compiling [--device cpu|cuda] [--networks embedded|published] [--size 256] [--cells 1]

The evaluation is that of `structure`, jitter off so that a graph can be replayed: all terms and the gradient. The three
ways are timed in turn. The cost of compilation is given in steps: how many a shape needs before it pays off.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.networks import KINDS, networks
from benchmarks.timing import content_samples, finished, style_samples
from spnst_core import Recipe
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.gradient import differentiated
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage

ROUNDS = 7

Evaluate = Callable[[Tensor], Tensor]
"""From canvases to the objective's gradient."""


def objective_of(models: Models, size: int, cells: int) -> tuple[Objective, Tensor]:
    """The objective of that many cells at one size, and canvases to evaluate it on."""
    recipe = Recipe.load("structure").with_size(size).model_copy(update={"stages": (Stage(steps=1),), "jitter": False})
    content = content_targets(next(iter(content_samples(1).values())), recipe, models)
    styles = [StyleTargets.compute(style, models, recipe.style_sizes) for style in style_samples(cells, 512).values()]
    goal = canvas(content.content, recipe, recipe.stages[-1]).to(models.device)
    return Objective(goal, content, styles, recipe, recipe.stages[-1], models), goal.flip(3).repeat(cells, 1, 1, 1)


def as_it_is(objective: Objective) -> Evaluate:
    """PyTorch's operations one after the other."""
    view = objective.view(torch.Generator())
    return lambda x: differentiated(objective, x, view).gradient


def compiled(objective: Objective) -> Evaluate:
    """The objective's forward and backward passes by torch.compile, for one shape."""
    view = objective.view(torch.Generator())
    total = torch.compile(lambda x: objective(x, view)["total"].sum(), dynamic=False)

    def evaluate(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(total(x), x)[0]

    return evaluate


def as_a_graph(objective: Objective, x: Tensor) -> Evaluate:
    """The operations recorded once as a CUDA graph, and replayed."""
    inputs, stream, view = x.clone(), torch.cuda.Stream(), objective.view(torch.Generator())
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # PyTorch's one-time preparations must not be recorded
            differentiated(objective, inputs, view)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        gradient = differentiated(objective, inputs, view).gradient

    def evaluate(x: Tensor) -> Tensor:
        inputs.copy_(x)
        graph.replay()
        return gradient

    return evaluate


def main() -> None:
    """Print seconds per step, time to prepare, steps after which that pays off, and the difference of gradients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--networks", choices=KINDS, default="embedded", help="networks to measure with")
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches in pixels")
    parser.add_argument("--cells", type=int, default=1, help="number of cells in the batch")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    with networks(options.networks, options.device) as load:
        models = load()
        objective, x = objective_of(models, options.size, options.cells)
        ways: dict[str, Evaluate] = {"as it is": as_it_is(objective)}
        prepared = {"as it is": 0.0}
        expected = ways["as it is"](x)
        makers: dict[str, Callable[[], Evaluate]] = {"torch.compile": lambda: compiled(objective)}
        if models.device.type == "cuda":
            makers["CUDA graph"] = lambda: as_a_graph(objective, x)
        differences = {"as it is": 0.0}
        for name, make in makers.items():
            began = time.perf_counter()
            ways[name] = make()
            found = ways[name](x)
            prepared[name] = finished(models.device) - began
            differences[name] = float((found - expected).norm() / expected.norm())
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, evaluate in ways.items():
                began = finished(models.device)
                evaluate(x)
                seconds[name].append(finished(models.device) - began)
    table = Table(box=box.MARKDOWN)
    for column in ("way", "ms a step", "once, s", "pays after, steps", "gradient differs by"):
        table.add_column(column, justify="left" if column == "way" else "right")
    plain = median(seconds["as it is"])
    for name, measured in seconds.items():
        gain = plain - median(measured)
        pays = "–" if name == "as it is" else f"{prepared[name] / gain:,.0f}" if gain > 0 else "never"
        table.add_row(name, f"{1000 * median(measured):.1f}", f"{prepared[name]:.1f}", pays, f"{differences[name]:.1e}")
    Console().print(f"{options.networks} networks, {options.device}, {options.size} px, {options.cells} cells")
    Console().print(table)


if __name__ == "__main__":
    main()
