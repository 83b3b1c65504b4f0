"""Memory that regions take: the peak of painting a large picture with masks, over that of the same without.

    python -m benchmarks.region_memory [--profile vgg16] [--size 2048] [--steps 1]

A square content is painted by `structure` in one stage of full size with Adam: in one style, and with a disc in another
style and a frame that stays as it is. Each is a process of its own, one after the other, and its memory is the largest
resident size that the system saw of it, Python, PyTorch and networks included. How much is free decides the size of
tiles, so that nothing else should start or end meanwhile.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import torch
from torch import Tensor

from benchmarks.tiling import square
from spnst_core import Recipe, Region, load_models, samples, stylize
from spnst_core.compute.memory import free_memory
from spnst_core.models.profiles import fetch_models
from spnst_core.recipes.recipe import Stage

KINDS = ("without", "with")


def masks(size: int) -> dict[str, Tensor]:
    """A soft disc in the middle and what lies beyond a wider one, (size, size) in [0, 1]."""
    axis = torch.linspace(-1, 1, size)
    distance = torch.hypot(axis[:, None], axis[None])
    return {"disc": ((0.5 - distance) / 0.02).clamp(0, 1), "keep": ((distance - 0.9) / 0.02).clamp(0, 1)}


def paint(profile: str, size: int, steps: int, kind: str) -> dict[str, float]:
    """Paint in this process: its peak in bytes, its seconds, and the bytes that were free before."""
    models, styles = load_models(profile, "cpu"), samples.styles(512, 4)
    stage = Stage(steps=steps, optimizer="adam")
    recipe = Recipe.load("structure").suited_to(models.encoder.name).model_copy(update={"stages": (stage,)})
    planes = masks(size)
    regions = {"disc": Region(planes["disc"], styles["harvest"]), "keep": Region(planes["keep"])}
    free, began = free_memory(models.device), time.perf_counter()
    stylize(square(size), styles["nocturne"], recipe, models, size, regions=regions if kind == "with" else None)
    # Linux counts KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"memory": peak, "seconds": time.perf_counter() - began, "free": free}


def measured(profile: str, size: int, steps: int, kind: str) -> dict[str, float]:
    """`paint` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.region_memory", f"--profile={profile}", f"--size={size}"]
    command += [f"--steps={steps}", f"--run={kind}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - this file
    found: dict[str, float] = json.loads(done.stdout)
    gigabytes = {name: found[name] / 1e9 for name in ("memory", "free")}
    print(
        f"{size}² {kind} masks: {gigabytes['memory']:.2f} GB at the peak, {found['seconds']:.0f} s, "
        f"{gigabytes['free']:.1f} GB free before",
        flush=True,
    )
    return found


def main() -> None:
    """Print both peaks and their ratio, or with ``--run`` those of one kind as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="vgg16", help="networks to measure with")
    parser.add_argument("--size", type=int, default=2048, help="side of the picture in pixels")
    parser.add_argument("--steps", type=int, default=1, help="steps of the optimiser")
    parser.add_argument("--run", choices=KINDS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    if given.run:
        print(json.dumps(paint(given.profile, given.size, given.steps, given.run)))
        return
    fetch_models(given.profile)
    without, with_masks = (measured(given.profile, given.size, given.steps, kind)["memory"] for kind in KINDS)
    print(f"with / without: {with_masks / without:.2f}")


if __name__ == "__main__":
    main()
