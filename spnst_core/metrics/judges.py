"""Judges: networks that score pastiches and take no part in the optimisation, the same for every profile.

The edge and the depth network see the luminance alone. A style may change colours, and networks trained on photographs
take a patch of unusual colour for an object, so that they would judge the palette instead of the structure.

No loss uses the edge network: the embedded profile's loss compares analytic edges, the pretrained profile's
those of HED. The depth network has the architecture of the embedded profile's, but was trained from another seed, and
sees pictures at another size. LPIPS and SIFID, which see colours, are optional: they are used if their weights are in
the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spnst_core.imaging.colour import luminance
from spnst_core.models import embedded
from spnst_core.models.embedded.depth import DepthNet, load_depth
from spnst_core.models.embedded.edges import EDGE_WEIGHTS, EdgeNet, load_edge_net
from spnst_core.models.inception import InceptionStem, sifid
from spnst_core.models.lpips import LPIPS
from spnst_core.models.networks import build, cached_files
from spnst_core.models.weights import ends

DEPTH_WEIGHTS = Path(embedded.__file__).with_name("depth_judge.safetensors")
DEPTH_SIZE = 176
"""Long side in pixels at which the depth judge sees pictures."""


@dataclass(frozen=True)
class Judges:
    """The networks on one device."""

    edge_net: EdgeNet
    depth_net: DepthNet
    lpips: LPIPS | None = None
    inception: InceptionStem | None = None

    def edges(self, x: Tensor) -> Tensor:
        """Edge probability (N, 1, H, W) in the luminance of pictures (N, 3, H, W) in [0, 1]."""
        found: Tensor = self.edge_net(_grey(x))
        return found

    def depth(self, x: Tensor) -> Tensor:
        """Relative inverse depth (N, 1, H, W) of the luminance of pictures (N, 3, H, W) in [0, 1]."""
        found: Tensor = self.depth_net(_grey(x))
        return found

    def perceptual(self, x: Tensor, y: Tensor) -> float:
        """LPIPS of two pictures (1, 3, H, W) of one shape.

        Raises:
            InputError: they are too small.
        """
        assert self.lpips
        return float(self.lpips(x, y))

    def frechet(self, x: Tensor, y: Tensor) -> float:
        """SIFID of two pictures (1, 3, H, W).

        Raises:
            InputError: one is too small.
        """
        assert self.inception
        return sifid(self.inception, x, y)


def load_judges(device: torch.device) -> Judges:
    """Load the judges with frozen weights, and the optional ones among them whose weights are in the cache.

    Raises:
        InputError: a cached file doesn't hold the judge's weights.
    """
    depth = load_depth(DEPTH_WEIGHTS)
    depth.size = DEPTH_SIZE
    optional: dict[str, Any] = {name: build(name, files).to(device) for name, files in _optional().items()}
    return Judges(load_edge_net().to(device), depth.to(device), **optional)


def identify_judges() -> str:
    """A fingerprint that changes with any judge, and when an optional one comes or goes."""
    optional = (f"{name} {' '.join(map(ends, files))}" for name, files in _optional().items())
    return sha256("\n".join((_shipped(), *optional)).encode()).hexdigest()[:16]


@cache
def _shipped() -> str:
    digest = sha256(repr((EdgeNet.size, DEPTH_SIZE)).encode())
    for file in (EDGE_WEIGHTS, DEPTH_WEIGHTS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _optional() -> dict[str, list[Path]]:
    """The weight files of the optional judges in the cache, by judge."""
    return {name: files for name in ("lpips", "inception") if (files := cached_files(name))}


def _grey(x: Tensor) -> Tensor:
    return luminance(x).expand(-1, 3, -1, -1)
