"""Profiles: which networks the losses look through. Both kinds answer to the same three small interfaces."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from spnst_core.errors import InputError, closest
from spnst_core.models.embedded.depth import load_depth
from spnst_core.models.embedded.edges import SIGMAS, MultiScaleEdges
from spnst_core.models.embedded.encoder import load_encoder


class Encoder(Protocol):
    """Features for content and style. The two mappings name the layers used and how much each counts."""

    name: str
    """What recipes call it when they choose its layers."""

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Responses (N, C, h, w) of the named layers to pictures (N, 3, H, W) in [0, 1]."""
        ...


class EdgeDetector(Protocol):
    """Edges of pictures. A detector that scales itself to a picture tells how by `calibrate`."""

    def calibrate(self, x: Tensor) -> Tensor:
        """What `maps` must know of the content to see a pastiche by the same measure, (N, K, 1, 1)."""
        ...

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """Edge maps (N, K, H, W) in [0, 1]."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """One map of edge probability, (N, 1, H, W) in [0, 1]."""
        ...


class DepthEstimator(Protocol):
    """Relative inverse depth of pictures."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, 1, H, W), larger = nearer, any scale."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """What an edge detector or a depth estimator may also be: one that shows the features behind its maps."""

    def features(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to features (N, C, h, w)."""
        ...


@dataclass(frozen=True)
class Models:
    """The networks of one profile on one device.

    Attributes:
        fingerprint: changes with any of their weights or constants.
        stand_ins: names of networks that run on stand-in weights; empty in earnest.
    """

    profile: str
    encoder: Encoder
    edges: EdgeDetector
    depth: DepthEstimator
    device: torch.device
    fingerprint: str
    stand_ins: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The profile as results must name it: with a warning where stand-in weights made them."""
        return f"{self.profile} (stand-in weights)" if self.stand_ins else self.profile

    @property
    def notice(self) -> str:
        """What must stand beside any picture made with these networks; nothing when all is in earnest."""
        if not self.stand_ins:
            return ""
        return f"Made with stand-in weights ({', '.join(self.stand_ins)}): this shows that everything runs, no more."


def _embedded(device: torch.device) -> Models:
    encoder, edges, depth = load_encoder().to(device), MultiScaleEdges().to(device), load_depth().to(device)
    digest = _digest({"encoder": encoder, "depth": depth}, repr(SIGMAS))
    return Models("embedded", encoder, edges, depth, device, digest)


def _pretrained(device: torch.device) -> Models:
    from spnst_core.models.pretrained import load_pretrained  # its depth networks need timm, which takes seconds

    return load_pretrained(device)


_PROFILES: dict[str, Callable[[torch.device], Models]] = {"embedded": _embedded, "pretrained": _pretrained}


def profile_names() -> list[str]:
    """Profiles that can be loaded."""
    return sorted(_PROFILES)


def load_models(profile: str, device: str = "auto") -> Models:
    """The networks of a profile, ready for use: evaluation mode, no gradients for weights.

    Args:
        profile: one of `profile_names`.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the first of CUDA, MPS and CPU that is there.

    Raises:
        InputError: no such profile, a device that this machine doesn't have, or weights that can't be had.
    """
    if profile not in _PROFILES:
        raise InputError(
            f'no profile "{profile}"{closest(profile, _PROFILES)}: this version has {", ".join(profile_names())}'
        )
    return _PROFILES[profile](find_device(device))


def find_device(name: str) -> torch.device:
    """The device of that name, or the best one for ``auto``.

    Raises:
        InputError: this machine has no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not there.get(device.type, False) or (device.index or 0) >= _count(device.type):
        here = ", ".join(kind for kind, found in there.items() if found)
        raise InputError(f'no device "{name}" on this machine: it has {here}; "auto" takes the best one')
    return device


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _digest(networks: Mapping[str, nn.Module], constants: str) -> str:
    """A short hash of the weights and constants that a profile's answers depend on."""
    h = sha256(constants.encode())
    for name, network in networks.items():
        for key, value in network.state_dict().items():
            h.update(f"{name}.{key}{tuple(value.shape)}".encode())
            h.update(value.detach().cpu().contiguous().numpy().tobytes())
    return h.hexdigest()[:16]
