"""Profiles: which networks the losses look through. Both kinds answer to the same three small interfaces."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from spnst_core.compute.tiling import Reach
from spnst_core.errors import InputError, closest
from spnst_core.models.precision import find_precision, lowered, quickened
from spnst_core.models.weights import Progress, silent

PROFILES = {"pretrained": "pretrained", "embedded": "embedded.profile"}
"""Profiles by name, and the module of this package that is each."""


class Layered(Protocol):
    """What is known of an encoder before it is loaded: its name, the layers it uses and how much each counts."""

    @property
    def name(self) -> str:
        """What recipes call it when they choose its layers."""
        ...

    @property
    def content_layers(self) -> Mapping[str, float]:
        """Layers for content, and what each counts."""
        ...

    @property
    def style_layers(self) -> Mapping[str, float]:
        """The same for style."""
        ...


class Encoder(Layered, Protocol):
    """Features for content and style."""

    @property
    def structure_layer(self) -> str:
        """A layer whose features tell what is alike in a picture: a third of the way down or deeper."""
        ...

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Responses (N, C, h, w) of the named layers to pictures (N, 3, H, W) in [0, 1]."""
        ...

    def reach(self, layer: str) -> Reach | None:
        """How much of a picture one response of the layer sees; None for the whole of it."""
        ...


class EdgeDetector(Protocol):
    """Edges of pictures. A detector that scales itself to a picture tells how by `calibrate`."""

    def calibrate(self, x: Tensor) -> Tensor:
        """What `maps` must know of the content to see a pastiche by the same measure, (N, K, 1, 1)."""
        ...

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """Edge maps (N, K, H, W) in [0, 1]."""
        ...

    def squared_error(self, x: Tensor, target: Tensor, calibration: Tensor) -> Tensor:
        """Σ (maps(x) − target)², (N,), for a target (1, K, H, W)."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """One map of edge probability, (N, 1, H, W) in [0, 1]."""
        ...

    def tiled(self, side: int) -> "EdgeDetector":
        """The same detector in less memory: its network differentiates no more than tiles of that side at once."""
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
class Layers:
    """An encoder's name and its own choice of layers."""

    name: str
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]


@dataclass(frozen=True)
class Identity:
    """Which networks a profile stands for, known without loading any: what results are stamped and labelled with.

    Attributes:
        fingerprint: changes with any of their weights or constants.
        layers: the encoder's.
        stand_ins: names of networks that run on stand-in weights; empty in earnest.
    """

    profile: str
    fingerprint: str
    layers: Layers
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


@dataclass(frozen=True)
class Models:
    """The networks of one profile on one device; ``precision`` is what they multiply in while images are optimised."""

    identity: Identity
    encoder: Encoder
    edges: EdgeDetector
    depth: DepthEstimator
    device: torch.device
    precision: torch.dtype = torch.float32

    @cached_property
    def at_work(self) -> "Models":
        """The networks as they serve while images are optimised, to be used inside `autocast`."""
        if self.precision == torch.bfloat16:
            faster = lowered
        elif self.device.type == "cpu":
            faster = quickened
        else:
            return self
        return replace(self, encoder=faster(self.encoder), edges=faster(self.edges), depth=faster(self.depth))

    def autocast(self) -> AbstractContextManager[object]:
        """Inside it, networks multiply in ``precision``, whatever their weights are kept in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


class Profile(Protocol):
    """A set of networks and where they come from. ``edges`` and ``depth`` name networks other than its first choice."""

    def fetch(self, edges: str | None, depth: str | None, progress: Progress) -> None:
        """Download what isn't there."""
        ...

    def identify(self, edges: str | None, depth: str | None) -> Identity:
        """The networks' identity; their files must be there."""
        ...

    def load(self, device: torch.device, edges: str | None, depth: str | None) -> Models:
        """The networks; their files must be there."""
        ...


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise InputError(f'no profile "{name}"{closest(name, PROFILES)}: this version has {", ".join(PROFILES)}')
    # Imported when asked for: the published depth networks need timm, which takes seconds.
    profile: Profile = import_module(f"spnst_core.models.{PROFILES[name]}")
    return profile


def fetch_models(
    profile: str, *, edges: str | None = None, depth: str | None = None, progress: Progress = silent
) -> None:
    """Download the weight files of a profile that aren't in the cache; the embedded profile needs none.

    Args:
        edges, depth: as for `load_models`.
        progress: told how far each download is.

    Raises:
        InputError: no such profile or network, or weights that can't be had.
    """
    _profile(profile).fetch(edges, depth, progress)


def identify(profile: str, *, edges: str | None = None, depth: str | None = None) -> Identity:
    """The identity of a profile's networks, without loading or downloading any.

    Raises:
        InputError: no such profile or network, or weight files that aren't there yet.
    """
    return _profile(profile).identify(edges, depth)


def load_models(
    profile: str,
    device: str | torch.device = "auto",
    *,
    edges: str | None = None,
    depth: str | None = None,
    precision: str = "auto",
    progress: Progress = silent,
) -> Models:
    """The networks of a profile, ready for use: evaluation mode, no gradients for weights; fetched if need be.

    Args:
        profile: ``embedded`` or ``pretrained``.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the first of CUDA, MPS and CPU that is there.
        edges: the pretrained profile's edge detector: ``hed`` (if None) or ``hed_controlnet``.
        depth: its depth estimator: ``midas_v21_small`` (if None) or another that the manifest lists.
        precision: what they multiply in while images are optimised: ``float32``, ``bfloat16``, or ``auto`` for
            bfloat16 where the device multiplies it natively.
        progress: told how far each download is.

    Raises:
        InputError: no such profile, network or precision, a device that this machine doesn't have, or weights that
            can't be had.
    """
    chosen, place = _profile(profile), find_device(device)
    lowest = find_precision(precision, place)
    chosen.fetch(edges, depth, progress)
    return replace(chosen.load(place, edges, depth), precision=lowest)


def find_device(device: str | torch.device) -> torch.device:
    """That device, or the best one for ``auto``.

    Raises:
        InputError: this machine has no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind]) if device == "auto" else str(device)
    try:
        chosen = torch.device(name)
    except RuntimeError:
        chosen = None
    if chosen is None or not there.get(chosen.type, False) or (chosen.index or 0) >= _count(chosen.type):
        here = ", ".join(kind for kind, found in there.items() if found)
        raise InputError(f'no device "{name}" on this machine: it has {here}; "auto" takes the best one')
    if chosen == torch.device("cuda"):
        return torch.device("cuda", torch.cuda.current_device())  # as its tensors name it
    return chosen


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1
