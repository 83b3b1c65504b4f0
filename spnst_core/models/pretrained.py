"""The pretrained profile: published networks from their weight files, found in the cache or downloaded."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from spnst_core.errors import InputError
from spnst_core.models import vgg, weights
from spnst_core.models.manifest import WEIGHTS, WeightFile, entry
from spnst_core.models.networks import build
from spnst_core.models.profiles import Identity, Layers, Models

ENCODER, EDGES, DEPTH = "vgg19", "hed", "midas_v21_small"
"""The networks used where nothing else is asked for."""


def fetch(edges: str | None, depth: str | None, progress: weights.Progress) -> None:
    """Download what isn't in the cache.

    Raises:
        InputError: a name that isn't in the manifest or has another role, or a file that can't be had.
    """
    for file in _chosen(edges, depth).values():
        weights.find(file, progress=progress)


def identify(edges: str | None, depth: str | None) -> Identity:
    """The networks' identity, from the ends of their files.

    Raises:
        InputError: as `fetch`, or a file that isn't in the cache.
    """
    paths = _paths(edges, depth)
    digest = sha256(" ".join(f"{name} {weights.ends(path)}" for name, path in paths.items()).encode())
    stand_ins = tuple(name for name, path in paths.items() if weights.is_stand_in(path))
    layers = Layers(vgg.VGG19Encoder.name, vgg.CONTENT_LAYERS, vgg.STYLE_LAYERS)
    return Identity("pretrained", digest.hexdigest()[:16], layers, stand_ins)


def load(device: torch.device, edges: str | None, depth: str | None) -> Models:
    """The networks on a device.

    Raises:
        InputError: as `identify`, or a file that doesn't hold the network's weights.
    """
    paths = _paths(edges, depth)
    networks: dict[str, Any] = {
        role: build(file.name, paths[file.name]).to(device) for role, file in _chosen(edges, depth).items()
    }
    return Models(identify(edges, depth), **networks, device=device)


def _chosen(edges: str | None, depth: str | None) -> dict[str, WeightFile]:
    """The weight file for each role."""
    chosen = {"encoder": entry(ENCODER), "edges": entry(edges or EDGES), "depth": entry(depth or DEPTH)}
    for role, file in chosen.items():
        if file.role != role:
            fitting = ", ".join(known for known, other in WEIGHTS.items() if other.role == role)
            raise InputError(f"{file.name} can't serve as {role}: choose one of {fitting}")
    return chosen


def _paths(edges: str | None, depth: str | None) -> dict[str, Path]:
    files = _chosen(edges, depth).values()
    paths = {file.name: weights.folder() / file.file for file in files}
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        raise InputError(
            f"no weights of {', '.join(missing)} in {weights.folder()}: fetch them with "
            f"spnst models fetch {' '.join(missing)}, or use the embedded profile, which needs no files"
        )
    return paths
