"""Profiles: named choices of an encoder, an edge detector and a depth network, each of which can be overridden."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

import torch

from spnst_core.compute.memory import Room
from spnst_core.errors import InputError, closest
from spnst_core.models import weights
from spnst_core.models.embedded import shipped
from spnst_core.models.manifest import Role
from spnst_core.models.networks import ENCODERS, HEADS, ROLES, create, weight_files
from spnst_core.models.precision import find_precision, lowered, quickened
from spnst_core.models.roles import DepthEstimator, EdgeDetector, Encoder, EncoderLayers
from spnst_core.models.trunk import unite
from spnst_core.models.weights import Progress, silent


@dataclass(frozen=True)
class Profile:
    """A choice of networks, by their names in the registries of `spnst_core.models.networks`."""

    encoder: str
    edges: str
    depth: str


PROFILES: Mapping[str, Profile] = {
    "vgg16": Profile("vgg16", "hed_vgg16", "embedded"),
    "pretrained": Profile("vgg19", "hed", "midas_v21_small"),
    "embedded": Profile("embedded", "embedded", "embedded"),
}


@dataclass(frozen=True)
class Identity:
    """Which networks a profile stands for, known without loading any of them; results are stamped and labelled with it.

    Attributes:
        profile: its name.
        fingerprint: changes with any of their weights or constants, or with the package that adds a network.
        layers: the encoder's.
        stand_ins: names of networks that run on stand-in weights in place of trained ones; empty in real use.
        overrides: networks used in place of the profile's own, by role.
    """

    profile: str
    fingerprint: str
    layers: EncoderLayers
    stand_ins: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The profile's name on results, with its overrides and a warning of stand-in weights."""
        notes = [f"{role}: {name}" for role, name in self.overrides.items()]
        notes += ["stand-in weights"] if self.stand_ins else []
        return f"{self.profile} ({', '.join(notes)})" if notes else self.profile

    @property
    def notice(self) -> str:
        """A warning to show beside any picture made with these networks; empty without stand-in weights."""
        if not self.stand_ins:
            return ""
        return f"Made with stand-in weights ({', '.join(self.stand_ins)}): this shows that everything runs, no more."


@dataclass(frozen=True)
class Models:
    """The networks of one profile on one device, each a `torch.nn.Module`; made by `load_models`.

    ``models.encoder(x)``, ``models.edges(x)`` and ``models.depth(x)`` take pictures (N, 3, H, W), RGB in [0, 1], and
    are differentiable with respect to them.

    Attributes:
        identity: which networks these are: name of the profile, fingerprint, the encoder's layers.
        encoder: features (N, C, h, w) by the names of their layers, see `spnst_core.models.roles.Encoder`.
        edges: edge probability (N, 1, H, W) in [0, 1].
        depth: relative inverse depth (N, 1, H, W), larger = nearer, on any scale.
        device: where their weights are, and where pictures are computed.
        precision: floating-point type of their multiplications during optimisation.
        room: how much memory they take, as far as it has been measured; batches are sized by it.
    """

    identity: Identity
    encoder: Encoder
    edges: EdgeDetector
    depth: DepthEstimator
    device: torch.device
    precision: torch.dtype = torch.float32
    room: Room = field(default_factory=Room, compare=False, repr=False)

    def to(self, device: str | torch.device) -> "Models":
        """The networks on another device; these stay where they are. On the same device, the very same object.

        Args:
            device: as for `load_models`. The precision stays what it is.

        Raises:
            InputError: this machine has no such device.
        """
        place = find_device(device)
        if place == self.device:
            return self
        networks: Any = deepcopy({role: getattr(self, role) for role in ROLES})  # at once: they may share a trunk
        return replace(self, **{role: network.to(place) for role, network in networks.items()}, device=place)

    @cached_property
    def at_work(self) -> "Models":
        """The networks as they run during optimisation, to be used inside `autocast`."""
        if self.precision == torch.bfloat16:
            faster = lowered
        elif self.device.type == "cpu":
            faster = quickened
        else:
            return self
        networks: Any = faster({role: getattr(self, role) for role in ROLES})
        return replace(self, **networks)

    def autocast(self) -> AbstractContextManager[object]:
        """Inside it, networks multiply in ``precision``, whatever their weights are kept in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


class Overrides(TypedDict, total=False):
    """Networks in place of a profile's own, by role, as arguments of `load_models`; None: the profile's."""

    encoder: str | None
    edges: str | None
    depth: str | None


def fetch_models(
    profile: str,
    *,
    encoder: str | None = None,
    edges: str | None = None,
    depth: str | None = None,
    progress: Progress = silent,
) -> None:
    """Download the weight files of a profile that aren't in the cache; the embedded profile needs none.

    Args:
        profile, encoder, edges, depth, progress: as for `load_models`.

    Raises:
        InputError: no such profile or network, or weights that can't be had.
    """
    for role, name in choose(profile, encoder=encoder, edges=edges, depth=depth).items():
        for file in weight_files(role, name):
            weights.find(file, progress=progress)


def identify(
    profile: str, *, encoder: str | None = None, edges: str | None = None, depth: str | None = None
) -> Identity:
    """The identity of a profile's networks, without loading or downloading any.

    Raises:
        InputError: no such profile or network, or weight files that aren't in the cache or aren't the published ones.
    """
    chosen = choose(profile, encoder=encoder, edges=edges, depth=depth)
    paths = _cached(chosen)
    marks = [_mark(role, name, paths) for role, name in chosen.items()]
    if len(set(marks)) == 1:  # all three come from the same files
        marks = marks[:1]
    layers = ENCODERS[chosen["encoder"]]
    return Identity(
        profile,
        sha256(b" ".join(marks)).hexdigest()[:16],
        EncoderLayers(chosen["encoder"], layers.content_layers, layers.style_layers),
        tuple(name for name, path in paths.items() if weights.is_stand_in(path)),
        {role: name for role, name in chosen.items() if name != getattr(PROFILES[profile], role)},
    )


@torch.inference_mode(False)  # even if the caller is in that mode: gradients will flow through these networks
def load_models(
    profile: str,
    device: str | torch.device = "auto",
    *,
    encoder: str | None = None,
    edges: str | None = None,
    depth: str | None = None,
    precision: str = "auto",
    progress: Progress = silent,
) -> Models:
    """The networks of a profile, ready for use: evaluation mode, no gradients for weights; fetched if need be.

    Args:
        profile: ``vgg16``, ``pretrained`` or ``embedded``.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the first of CUDA, MPS and CPU that is there.
        encoder: an encoder in place of the profile's: ``embedded``, ``vgg19``, ``vgg16`` (the trunk of
            ``hed_vgg16``), ``vgg16_torchvision``, or one that a package adds.
        edges: an edge detector in place of the profile's: ``embedded``, ``hed``, ``hed_controlnet``, ``hed_vgg16``, or
            an added one.
        depth: a depth network in place of the profile's: ``embedded``, ``depth_vgg16`` (on the trunk of
            ``hed_vgg16``), ``midas_v21_small``, ``dpt_hybrid``, ``dpt_large``, ``dpt_swin2_tiny``,
            ``depth_anything_v2_small``, or an added one.
        precision: what they multiply in while images are optimised: ``float32``, ``bfloat16``, or ``auto`` for
            bfloat16 where the device multiplies it natively.
        progress: called with a file's name, the bytes downloaded, and the bytes in all if they are known.

    Raises:
        InputError: no such profile, network or precision, a device that this machine doesn't have, or weights that
            can't be had.
    """
    chosen, place = choose(profile, encoder=encoder, edges=edges, depth=depth), find_device(device)
    lowest = find_precision(precision, place)
    fetch_models(profile, **chosen, progress=progress)
    networks: dict[str, Any] = {role: create(role, name) for role, name in chosen.items()}
    unite(networks.values())
    networks = {role: network.to(place) for role, network in networks.items()}
    return Models(identify(profile, **chosen), **networks, device=place, precision=lowest)


def choose(
    profile: str, *, encoder: str | None = None, edges: str | None = None, depth: str | None = None
) -> dict[Role, str]:
    """The name of the network for each role.

    Raises:
        InputError: no such profile or network.
    """
    if profile not in PROFILES:
        raise InputError(f'no profile "{profile}"{closest(profile, PROFILES)}: this version has {", ".join(PROFILES)}')
    own = PROFILES[profile]
    chosen: dict[Role, str] = {
        "encoder": encoder or own.encoder,
        "edges": edges or own.edges,
        "depth": depth or own.depth,
    }
    for role, name in chosen.items():
        ROLES[role].require(name)
    return chosen


def _cached(chosen: Mapping[Role, str]) -> dict[str, Path]:
    """Paths of all weight files by name, each of which is the published one."""
    files = [file for role, name in chosen.items() for file in weight_files(role, name)]
    found = {file.name: weights.present(file) for file in files}
    paths = {name: path for name, path in found.items() if path is not None}
    missing = [name for name in found if name not in paths]
    if missing:
        raise InputError(
            f"no weights of {', '.join(missing)} in {weights.folder()}: fetch them with "
            f"spnst models fetch {' '.join(missing)}, "
            "or use the embedded profile (--profile embedded), which needs no files"
        )
    return paths


def _mark(role: Role, name: str, paths: Mapping[str, Path]) -> bytes:
    """What a network is identified by: its weight files, the package that adds it, or the files in this package."""
    if files := weight_files(role, name):
        marks = [f"{file.name} {weights.ends(paths[file.name])}" for file in files]
        if name in HEADS:
            marks.append(HEADS[name].identity())
        return " ".join(marks).encode()
    origin = ROLES[role].origin(name)
    return f"{name} {origin}".encode() if origin else shipped.identity()


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
