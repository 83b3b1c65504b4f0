"""Judges: networks that look at pastiches and that no loss looks through, the same for every profile.

They see luminance alone. A style is free to change colours, and to networks that were trained on photographs a patch
of odd colour is an object of its own, so that they would judge the palette.

The edge network has no part in any loss: the embedded profile's loss compares analytic edges, the pretrained one's
HED's. The depth network has the architecture of the embedded profile's, but was trained from another seed, and sees
pictures at another size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from spnst_core.colour import luminance
from spnst_core.models.embedded.depth import DepthNet, load_depth
from spnst_core.models.embedded.edges import EDGE_WEIGHTS, EdgeNet, load_edge_net

DEPTH_WEIGHTS = Path(__file__).parent / "embedded" / "depth_judge.safetensors"
DEPTH_SIZE = 176


@dataclass(frozen=True)
class Judges:
    """The networks on one device."""

    edge_net: EdgeNet
    depth_net: DepthNet

    def edges(self, x: Tensor) -> Tensor:
        """Edge probability (N, 1, H, W) in the luminance of pictures (N, 3, H, W) in [0, 1]."""
        found: Tensor = self.edge_net(_grey(x))
        return found

    def depth(self, x: Tensor) -> Tensor:
        """Relative inverse depth (N, 1, H, W) of the luminance of pictures (N, 3, H, W) in [0, 1]."""
        found: Tensor = self.depth_net(_grey(x))
        return found


def load_judges(device: torch.device) -> Judges:
    """The judges, their weights frozen."""
    depth = load_depth(DEPTH_WEIGHTS)
    depth.size = DEPTH_SIZE
    return Judges(load_edge_net().to(device), depth.to(device))


@cache
def identify_judges() -> str:
    """A fingerprint that changes with any judge."""
    digest = sha256(repr((EdgeNet.size, DEPTH_SIZE)).encode())
    for file in (EDGE_WEIGHTS, DEPTH_WEIGHTS):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _grey(x: Tensor) -> Tensor:
    return luminance(x).expand(-1, 3, -1, -1)
