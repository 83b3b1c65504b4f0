"""Build a published network by its name, from its weights. ``build("hed", "network-bsds500.pytorch")``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spnst_core.errors import InputError, closest
from spnst_core.models import layouts
from spnst_core.models.hed import HED, ControlNetHED
from spnst_core.models.inception import InceptionStem
from spnst_core.models.layouts import Layout
from spnst_core.models.lpips import LPIPS
from spnst_core.models.manifest import entry
from spnst_core.models.vgg import VGG19Encoder
from spnst_core.models.weights import present, read

# The depth networks are imported when one is built: timm takes seconds, and the embedded profile needs none of it.


def _midas_small() -> nn.Module:
    from spnst_core.models.midas import MidasSmall

    return MidasSmall()


def _dpt_hybrid() -> nn.Module:
    from spnst_core.models.dpt import DPTHybrid

    return DPTHybrid()


def _dpt_large() -> nn.Module:
    from spnst_core.models.dpt import DPTLarge

    return DPTLarge()


def _dpt_swin2_tiny() -> nn.Module:
    from spnst_core.models.dpt import DPTSwin2Tiny

    return DPTSwin2Tiny()


def _depth_anything_v2_small() -> nn.Module:
    from spnst_core.models.depth_anything import DepthAnythingSmall

    return DepthAnythingSmall()


@dataclass(frozen=True)
class _Network:
    create: Callable[..., nn.Module]
    layouts: tuple[Layout, ...]
    stands_on: tuple[str, ...] = ()
    """Further weight files that it needs, by the manifest's names."""


_NETWORKS: Mapping[str, _Network] = {
    "vgg19": _Network(VGG19Encoder, (layouts.vgg19_torchvision,)),
    "hed": _Network(
        HED,
        (
            layouts.hed_sniklaus_file,
            layouts.hed_sniklaus_module,
            layouts.hed_meteorshowers,
            layouts.hed_meteorshowers_first,
        ),
    ),
    "hed_controlnet": _Network(ControlNetHED, (layouts.hed_controlnet,)),
    "midas_v21_small": _Network(_midas_small, (layouts.midas_v21_small,)),
    "dpt_hybrid": _Network(_dpt_hybrid, (layouts.dpt_hybrid,)),
    "dpt_large": _Network(_dpt_large, (layouts.dpt_large,)),
    "dpt_swin2_tiny": _Network(_dpt_swin2_tiny, (layouts.dpt_swin2_tiny, layouts.dpt_swin2_tiny_resaved)),
    "depth_anything_v2_small": _Network(_depth_anything_v2_small, (layouts.depth_anything_v2_small,)),
    "lpips": _Network(LPIPS, (layouts.lpips_alexnet,), stands_on=("alexnet",)),
    "inception": _Network(InceptionStem, (layouts.inception_fid,)),
}


def network_names() -> list[str]:
    """Networks that can be built."""
    return list(_NETWORKS)


def cached_files(name: str) -> list[Path] | None:
    """The weight files of a network where all are in the cache, else None: what `build` needs for an optional one.

    Nothing is downloaded.

    Raises:
        InputError: no such network.
    """
    paths = [present(entry(file)) for file in (name, *_network(name).stands_on)]
    found = [path for path in paths if path is not None]
    return found if len(found) == len(paths) else None


def build(
    name: str, weights: str | Path | Sequence[Path] | Mapping[str, Tensor] | None = None, **options: Any
) -> nn.Module:
    """A published network, ready for use: float32, channels last, evaluation mode, its weights frozen.

    Args:
        name: one of `network_names`.
        weights: a weight file, files that make it up together, or a state dict, in any of the network's published
            layouts. Without, the weights are random: good for counting and timing.
        options: the constructor's, such as ``pooling="average"`` for ``vgg19``.

    Raises:
        InputError: no such network; a file that can't be read; a key that is missing, unknown or of another shape.
            Nothing is loaded then.
    """
    network = _network(name)
    module = network.create(**options)
    if weights is not None:
        state, source = _read(weights)
        layout = _nearest(network.layouts, state, module)
        if layout.options:
            module = network.create(**{**layout.options, **options})
        _load(module, state, layout, f"{source}: not the weights of {name}")
    # Channels last is how processors and GPUs convolve fastest, by far in bfloat16.
    return module.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _network(name: str) -> _Network:
    if name not in _NETWORKS:
        raise InputError(f'no network "{name}"{closest(name, _NETWORKS)}: there are {", ".join(_NETWORKS)}')
    return _NETWORKS[name]


def _read(weights: str | Path | Sequence[Path] | Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], str]:
    if isinstance(weights, Mapping):
        return weights, "the given state dict"
    files = [Path(weights)] if isinstance(weights, str | Path) else weights
    return {key: value for file in files for key, value in read(file).items()}, " and ".join(map(str, files))


def _nearest(candidates: Sequence[Layout], state: Mapping[str, Tensor], module: nn.Module) -> Layout:
    """The layout under which the fewest keys are missing or unknown."""
    own = module.state_dict().keys()
    return min(candidates, key=lambda layout: len(own ^ layout(state).keys()))


def _load(module: nn.Module, state: Mapping[str, Tensor], layout: Layout, refusal: str) -> None:
    """All keys or none."""
    own, given = module.state_dict(), layout(state)
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
