"""What the losses need of an encoder's features, summed tile by tile if the whole picture doesn't fit into memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.compute.memory import tile_side
from spnst_core.compute.sums import energy, total_squared_error
from spnst_core.compute.tiling import Network, Reach, Tile, cut, gathered, whole
from spnst_core.models.roles import Encoder, TrunkHead
from spnst_core.objective import losses
from spnst_core.objective.losses import Form


@dataclass(frozen=True)
class Encoded:
    """What one pass gave.

    Attributes:
        gram, mean: statistics of each style layer, (N, C, C) and (N, C).
        content: each content layer's loss, (N,).
        read: what each network on the encoder's trunk read off it, see `TrunkHead.read`.
    """

    gram: Mapping[str, Tensor]
    mean: Mapping[str, Tensor]
    content: Mapping[str, Tensor]
    read: Mapping[TrunkHead, list[Tensor]]


def encode(
    encoder: Encoder,
    x: Tensor,
    style_layers: Collection[str],
    side: int,
    content_layers: Collection[str] = (),
    goal: Tensor | None = None,
    form: Form = "relative",
    heads: Collection[TrunkHead] = (),
    guide: Tensor | None = None,
) -> Encoded:
    """`moments.gram`, `moments.mean` and `losses.content_loss` of whole pictures, with the same gradients.

    Memory holds no more than the features of one tile, of the picture and of its goal.

    Args:
        x: pictures (N, 3, H, W) in [0, 1].
        side: side in pixels of the largest part that the encoder reads at once. Layers whose receptive field is the
            whole picture read it whole.
        goal: the picture that ``content_layers`` are compared with, (1, 3, H, W).
        heads: networks on the encoder's trunk.
        guide: what each place counts in the statistics, (1, 1, H, W) from 0; by default all count the same.
    """
    gram, mean, content, read = {}, {}, {}, {}
    reach = {layer: encoder.reach(layer) for layer in used_layers(style_layers, content_layers, heads)}
    local = Reach.furthest(r for r in reach.values() if r)
    height, width = x.shape[2:]
    for is_local, tiles in ((True, cut(height, width, side, local)), (False, [whole(height, width)])):
        strides = {layer: r.stride if r else 1 for layer, r in reach.items() if bool(r) is is_local}
        style = [layer for layer in style_layers if layer in strides]
        compared = [layer for layer in content_layers if layer in strides]
        if not strides:
            continue
        reading = heads if is_local else ()
        kinds = [None] * 3 * (len(style) + len(compared)) + [stride for head in reading for stride in head.strides]
        found = iter(gathered(_of_tile(encoder, strides, style, compared, goal, reading, guide), x, tiles, kinds))
        for layer in style:
            product, total, positions = next(found), next(found), next(found)
            gram[layer], mean[layer] = product / positions, total / positions
        for layer in compared:
            content[layer] = losses.error_of_sums(next(found), next(found), next(found), form)
        for head in reading:
            read[head] = [next(found) for _ in head.strides]
    return Encoded(gram, mean, content, read)


def used_layers(
    style_layers: Collection[str], content_layers: Collection[str], heads: Collection[TrunkHead] = ()
) -> set[str]:
    """Every layer that one pass must give."""
    return {*style_layers, *content_layers, *(layer for head in heads for layer in head.layers)}


def fitting_tile(encoder: Encoder, layers: Collection[str], x: Tensor) -> int | None:
    """Side of the tiles in which an encoder should read a picture (N, 3, H, W), or None if the whole picture fits."""
    reach = Reach.furthest(r for layer in layers if (r := encoder.reach(layer)))
    return tile_side(x.shape[2], x.shape[3], x.device, reach.halo)


def _of_tile(
    encoder: Encoder,
    strides: Mapping[str, int],
    style: Collection[str],
    compared: Collection[str],
    goal: Tensor | None,
    heads: Collection[TrunkHead],
    guide: Tensor | None,
) -> Network:
    """Sums over a tile, and maps: F·Fᵀ, F and positions of each style layer; (F − P)², P² and values of each compared
    one; what each head reads.
    """

    def results(piece: Tensor, tile: Tile) -> list[Tensor]:
        features, found = encoder.features(piece, strides), list[Tensor]()
        for layer in style:
            f = tile.own(features[layer], strides[layer])
            if guide is None:
                found += *moments.sums(f), torch.tensor(f[0, 0].numel())
            else:
                height, width = features[layer].shape[2:]
                seen = F.adaptive_avg_pool2d(guide[tile.window], (height, width))
                found += moments.guided_sums(f, tile.own(seen, strides[layer]))
        if compared and goal is not None:
            with torch.no_grad():
                wanted = encoder.features(goal[tile.window], compared)
            for layer in compared:
                f, p = (tile.own(each[layer], strides[layer]) for each in (features, wanted))
                found += total_squared_error(f, p), energy(p), torch.tensor(p[0].numel())
        for head in heads:
            found += head.read(features)
        return found

    return results
