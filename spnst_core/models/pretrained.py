"""The pretrained profile: published networks from their weight files, found in the cache or downloaded."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from spnst_core.errors import InputError
from spnst_core.models import weights
from spnst_core.models.build import build
from spnst_core.models.manifest import WEIGHTS, entry
from spnst_core.models.profiles import Models

ENCODER, EDGES, DEPTH = "vgg19", "hed", "midas_v21_small"
"""The networks used where nothing else is asked for."""

_EDGE_BYTES = 1 << 20


def load_pretrained(
    device: torch.device, edges: str = EDGES, depth: str = DEPTH, progress: weights.Progress = lambda done, total: None
) -> Models:
    """Published networks, fetched where they aren't in the cache.

    Args:
        edges: name of an edge detector in the manifest.
        depth: name of a depth estimator in the manifest.
        progress: told how far a download is.

    Raises:
        InputError: a name that isn't in the manifest or has another role, or a file that can't be had or used.
    """
    wanted = {"encoder": ENCODER, "edges": edges, "depth": depth}
    for role, name in wanted.items():
        if entry(name).role != role:
            fitting = ", ".join(known for known, file in WEIGHTS.items() if file.role == role)
            raise InputError(f"{name} can't serve as {role}: choose one of {fitting}")
    files = {name: weights.find(entry(name), progress=progress) for name in wanted.values()}
    networks: dict[str, Any] = {role: build(name, files[name]).to(device) for role, name in wanted.items()}
    identities = " ".join(f"{name} {_identity(path)}" for name, path in files.items())
    return Models(
        "pretrained",
        **networks,
        device=device,
        fingerprint=sha256(identities.encode()).hexdigest()[:16],
        stand_ins=tuple(name for name, path in files.items() if weights.is_stand_in(path)),
    )


def _identity(path: Path) -> str:
    """Length and a checksum of both ends of a weight file: a gigabyte needn't be read whole on each start."""
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_EDGE_BYTES)
        file.seek(max(0, length - _EDGE_BYTES))
        return f"{length} {sha256(head + file.read()).hexdigest()}"
