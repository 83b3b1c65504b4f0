"""The embedded profile: networks that come with the package, so that everything runs without a download."""

from functools import cache
from hashlib import sha256

import torch

from spnst_core.errors import InputError
from spnst_core.models.embedded import depth as depth_net
from spnst_core.models.embedded import encoder as patch_encoder
from spnst_core.models.embedded.edges import EDGE_WEIGHTS, SIGMAS, EdgeNet, EmbeddedEdges
from spnst_core.models.profiles import Identity, Layers, Models
from spnst_core.models.weights import Progress, silent


def fetch(edges: str | None, depth: str | None, progress: Progress = silent) -> None:
    """Nothing to download.

    Raises:
        InputError: another network is asked for.
    """
    for role, name in (("edges", edges), ("depth", depth)):
        if name is not None:
            raise InputError(f"{role} {name}: the embedded profile has its own; leave {role} out, or use pretrained")


@cache
def identify(edges: str | None, depth: str | None) -> Identity:
    """The identity of the networks in the package."""
    fetch(edges, depth)
    digest = sha256(repr((SIGMAS, EdgeNet.size, depth_net.DepthNet.size)).encode())
    for file in (patch_encoder.WEIGHTS, EDGE_WEIGHTS, depth_net.WEIGHTS):
        digest.update(file.read_bytes())
    encoder = patch_encoder.PatchEncoder
    layers = Layers(encoder.name, encoder.content_layers, encoder.style_layers)
    return Identity("embedded", digest.hexdigest()[:16], layers)


def load(device: torch.device, edges: str | None, depth: str | None) -> Models:
    """The networks on a device."""
    lie = torch.channels_last  # how processors and GPUs convolve fastest
    return Models(
        identify(edges, depth),
        encoder=patch_encoder.load_encoder().to(device).to(memory_format=lie),
        edges=EmbeddedEdges().to(device).to(memory_format=lie),
        depth=depth_net.load_depth().to(device).to(memory_format=lie),
        device=device,
    )
