"""What the losses need of an encoder's features, summed tile by tile if the whole picture doesn't fit into memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

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
        gram, mean: statistics of each style layer, (N·R, C, C) and (N·R, C), of the R regions of each picture in a row;
            without a guide, the whole picture is the one region.
        content: each content layer's loss, (N,).
        read: what each network on the encoder's trunk read off it, see `TrunkHead.read`.
        shares: with a guide, the share of each region in all that counts in each style layer, (R,).
    """

    gram: Mapping[str, Tensor]
    mean: Mapping[str, Tensor]
    content: Mapping[str, Tensor]
    read: Mapping[TrunkHead, list[Tensor]]
    shares: Mapping[str, Tensor] = field(default_factory=dict)


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
        guide: what each place counts in the statistics of each of R regions, (1, R, H, W) from 0; by default the whole
            picture is one region, in which all places count the same.
    """
    gram, mean, content, read, shares = {}, {}, {}, {}, {}
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
            if guide is None:
                gram[layer], mean[layer] = product / positions, total / positions
            else:
                gram[layer], mean[layer] = moments.normalised(product, total, positions)
                shares[layer] = positions / positions.sum()
        for layer in compared:
            content[layer] = losses.error_of_sums(next(found), next(found), next(found), form)
        for head in reading:
            read[head] = [next(found) for _ in head.strides]
    return Encoded(gram, mean, content, read, shares)


def used_layers(
    style_layers: Collection[str], content_layers: Collection[str], heads: Collection[TrunkHead] = ()
) -> set[str]:
    """Every layer that one pass must give."""
    return {*style_layers, *content_layers, *(layer for head in heads for layer in head.layers)}


def guided_statistics(
    encoder: Encoder, layer: str, features: Tensor, guide: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gram, mean and shares of one layer, as in `Encoded`, from its responses to whole pictures; None for no shares."""
    if guide is None:
        return *moments.moments(features), None
    product, total, count = moments.guided_sums(features, guide_at(guide, features, encoder.reach(layer)))
    return *moments.normalised(product, total, count), count / count.sum()


def guide_at(guide: Tensor, features: Tensor, reach: Reach | None) -> Tensor:
    """A guide (1, R, H, W) averaged over the pixels of each response (N, C, h, w), (1, R, h, w).

    Args:
        reach: of the layer; None: the pixels of a response are those of an equal division of the picture.
    """
    height, width = features.shape[2:]
    if reach is None:
        return F.adaptive_avg_pool2d(guide, (height, width))
    pooled = F.avg_pool2d(guide, reach.stride, ceil_mode=True, count_include_pad=False)
    return pooled[..., :height, :width]


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
                seen = guide_at(guide[tile.window], features[layer], encoder.reach(layer))
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
