"""Networks by name: the registries of each role, and `build` for published networks and their weight files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spnst_core.errors import InputError, closest
from spnst_core.models.depth_head import VGG16Depth
from spnst_core.models.layouts import LAYOUTS, Layout
from spnst_core.models.manifest import WEIGHTS, Role, WeightFile, entry
from spnst_core.models.roles import ANSWERS, EncoderClass
from spnst_core.models.weights import present, read
from spnst_core.registry import Registry


def _require_encoder(name: str, value: Any) -> None:
    missing = [attribute for attribute in ("name", "content_layers", "style_layers") if not hasattr(value, attribute)]
    if missing:
        raise TypeError(f"an encoder's class has attributes name, content_layers, style_layers; no {missing[0]} here")
    if value.name != name:
        raise ValueError(f'its name is "{value.name}"; entry point and name must be the same')


ENCODERS: Registry[EncoderClass] = Registry(
    "encoder",
    "spnst.encoders",
    {
        "embedded": "spnst_core.models.embedded.encoder:EmbeddedEncoder",
        "vgg19": "spnst_core.models.vgg:VGG19Encoder",
        "vgg16": "spnst_core.models.vgg16:VGG16Encoder",
        "vgg16_torchvision": "spnst_core.models.vgg16:TorchvisionVGG16Encoder",
    },
    _require_encoder,
)
"""Classes of encoders; their names and layers are known without creating one."""

EDGE_DETECTORS: Registry[Callable[..., nn.Module]] = Registry(
    "edge detector",
    "spnst.edge_detectors",
    {
        "embedded": "spnst_core.models.embedded.edges:EmbeddedEdges",
        "hed": "spnst_core.models.hed:HED",
        "hed_controlnet": "spnst_core.models.hed:ControlNetHED",
        "hed_vgg16": "spnst_core.models.hed:hed_vgg16",
    },
)
"""Classes of edge detectors, or functions that make one; see `spnst_core.models.roles.EdgeDetector`."""

# Imported when one is built: timm takes seconds, and the embedded profile needs none of it.
DEPTH_NETWORKS: Registry[Callable[..., nn.Module]] = Registry(
    "depth network",
    "spnst.depth_networks",
    {
        "embedded": "spnst_core.models.embedded.depth:load_depth",
        "midas_v21_small": "spnst_core.models.midas:MidasSmall",
        "dpt_hybrid": "spnst_core.models.dpt:DPTHybrid",
        "dpt_large": "spnst_core.models.dpt:DPTLarge",
        "dpt_swin2_tiny": "spnst_core.models.dpt:DPTSwin2Tiny",
        "depth_anything_v2_small": "spnst_core.models.depth_anything:DepthAnythingSmall",
        "depth_vgg16": "spnst_core.models.depth_head:VGG16Depth",
    },
)
"""Classes of depth networks, or functions that make one; see `spnst_core.models.roles.DepthEstimator`."""

_JUDGES: Registry[Callable[..., nn.Module]] = Registry(
    "judge",
    "spnst.judges",
    {"lpips": "spnst_core.models.lpips:LPIPS", "inception": "spnst_core.models.inception:InceptionStem"},
)

_PAINTERS: Registry[Callable[..., nn.Module]] = Registry(
    "painter", "spnst.painters", {"magenta": "spnst_core.models.magenta:Magenta"}
)

ROLES: Mapping[Role, Registry[Any]] = {"encoder": ENCODERS, "edges": EDGE_DETECTORS, "depth": DEPTH_NETWORKS}
"""The registry of each role that a profile fills."""

HEADS: Mapping[str, type[VGG16Depth]] = {"depth_vgg16": VGG16Depth}
"""Networks of which a part, a head on a published trunk, comes with this package."""


def create(role: Role, name: str) -> nn.Module:
    """The network of that name, ready for use, as `build`; a published one with its weight files from the cache.

    Raises:
        InputError: no such network, weight files that aren't there or hold other weights, or a network of another
            package that doesn't fit its role.
    """
    found = ROLES[role][name]
    if files := weight_files(role, name):
        return build(name, [path for file in files if (path := present(file))])
    origin = ROLES[role].origin(name)
    try:
        network = found()
        lacking = [answer for answer in ANSWERS[role] if not hasattr(network, answer)]
        if not isinstance(network, nn.Module):
            raise TypeError(f"it gives a {type(network).__name__}, not a torch.nn.Module")
        if lacking:
            raise TypeError(f"it has no {', '.join(lacking)}")
    except Exception as error:  # whatever another package raises
        if not origin:
            raise
        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(
            f'{ROLES[role].kind} "{name}" of {origin} can\'t be created: {problem}; '
            "update that package or choose another network"
        ) from error
    return _ready(network)


def weight_files(role: Role, name: str) -> list[WeightFile]:
    """The published weight files of a network; none for those that bring their weights with their package."""
    own = WEIGHTS.get(name)
    return [own, *map(entry, own.needs)] if own and own.role == role else []


def network_names() -> list[str]:
    """Published networks, which `build` builds."""
    return list(LAYOUTS)


def cached_files(name: str) -> list[Path] | None:
    """The weight files of a published network if all are in the cache, else None. Nothing is downloaded.

    Raises:
        InputError: no such network.
    """
    _require_published(name)
    paths = [present(file) for file in weight_files(entry(name).role, name)]
    found = [path for path in paths if path is not None]
    return found if len(found) == len(paths) else None


def build(
    name: str, weights: str | Path | Sequence[Path] | Mapping[str, Tensor] | None = None, **options: Any
) -> nn.Module:
    """A published network, ready for use: float32, channels last, evaluation mode, its weights frozen.

    Args:
        name: one of `network_names`.
        weights: a weight file, files that make it up together, or a state dict, in any of the network's published
            layouts. A head that comes with this package needs none. Without it the weights are random, which is enough
            for counting and timing.
        options: the constructor's, such as ``pooling="average"`` for ``vgg19``.

    Raises:
        InputError: no such network; a file that can't be read; a key that is missing, unknown or of another shape.
            Nothing is loaded then.
    """
    _require_published(name)
    network: Callable[..., nn.Module] = {**ROLES, "judge": _JUDGES, "painter": _PAINTERS}[entry(name).role][name]
    module = network(**options)
    if weights is not None:
        state, source = _read(weights)
        layout = _nearest(LAYOUTS[name], state, module)
        if layout.options:
            module = network(**{**layout.options, **options})
        shipped = HEADS[name].shipped() if name in HEADS else {}
        _load(module, {**shipped, **layout(state)}, layout, f"{source}: not the weights of {name}")
    return _ready(module)


def _ready(network: nn.Module) -> nn.Module:
    # Channels last is how CPUs and GPUs convolve fastest, by far in bfloat16.
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _require_published(name: str) -> None:
    if name not in LAYOUTS:
        raise InputError(f'no network "{name}"{closest(name, LAYOUTS)}: there are {", ".join(LAYOUTS)}')


def _read(weights: str | Path | Sequence[Path] | Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], str]:
    if isinstance(weights, Mapping):
        return weights, "the given state dict"
    files = [Path(weights)] if isinstance(weights, str | Path) else weights
    return {key: value for file in files for key, value in read(file).items()}, " and ".join(map(str, files))


def _nearest(candidates: Sequence[Layout], state: Mapping[str, Tensor], module: nn.Module) -> Layout:
    """The layout under which the fewest keys are missing or unknown."""
    own = module.state_dict().keys()
    return min(candidates, key=lambda layout: len(own ^ layout(state).keys()))


def _load(module: nn.Module, given: Mapping[str, Tensor], layout: Layout, refusal: str) -> None:
    """Load all keys, or none if any doesn't fit."""
    own = module.state_dict()
    missing = [layout.published(key) for key in own if key not in given]
    unknown = [layout.published(key) for key in given if key not in own]
    misshapen = [
        f"{layout.published(key)} is {tuple(value.shape)}, not {tuple(own[key].shape)}"
        for key, value in given.items()
        if key in own and value.shape != own[key].shape
    ]
    faults = ", ".join(
        f"{len(keys)} {fault} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
        for fault, keys in (("missing", missing), ("unknown", unknown), ("of another shape", misshapen))
        if keys
    )
    if faults:
        raise InputError(f"{refusal}, read as {layout.name}: keys {faults}; fetch the file again or give the right one")
    module.load_state_dict(given)
