"""Targets: what a content or a style asks of a pastiche. Computed once, saved, and used by every cell of the grid."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from spnst_core.compute import moments
from spnst_core.compute.device_index import indices
from spnst_core.compute.memory import tile_side
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.band import Band, relative_depth
from spnst_core.imaging.colour import recolour
from spnst_core.imaging.maps import agreement
from spnst_core.imaging.planes import at_shape
from spnst_core.models.profiles import Models
from spnst_core.models.roles import smallest_side
from spnst_core.objective.canvas import at_size, crop, framed
from spnst_core.objective.regions import LEAST, Regions
from spnst_core.objective.statistics import encode, fitting_tile
from spnst_core.recipes.style_size import StyleSize

Size = TypeVar("Size", int, StyleSize)


@dataclass(frozen=True)
class EdgeMap:
    """Edges of one content at each size: maps (1, K, h, w) in [0, 1] and the detector's calibration (1, K, 1, 1).

    Losses compare the maps. For people, ``probability`` is the detector's edge probability (1, 1, h, w) at the largest
    size.

    Attributes:
        given: the user's own map at each size, (1, 1, h, w) in [0, 1], in place of the detector's; none without one.
    """

    maps: Mapping[int, Tensor]
    calibration: Mapping[int, Tensor]
    probability: Tensor
    given: Mapping[int, Tensor] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode(False)  # even if the caller is in that mode: gradients will flow beside these tensors
    @torch.no_grad()
    def compute(cls, content: Tensor, models: Models, sizes: Iterable[int], given: Tensor | None = None) -> EdgeMap:
        """Edges of a content (1, 3, H, W) at the given long sides.

        Args:
            given: the user's own map, (1, 1, h, w) in [0, 1], of the content's aspect.
        """
        calibration, maps, own = {}, {}, dict[int, Tensor]()
        for size in sorted(sizes):
            x = at_size(content, size).to(models.device)
            tile = tile_side(x.shape[2], x.shape[3], x.device)
            edges = models.edges if tile is None else models.edges.tiled(tile)
            calibration[size] = edges.calibrate(x)
            maps[size] = edges.maps(x, calibration[size])
            own |= _at_size(given, size, x)
        return cls(maps, calibration, edges(x), own)

    @property
    def strength(self) -> Tensor:
        """Where edges are, (1, 1, h, w) in [0, 1], at the largest size: as given, else as the detector sees them."""
        return self.given[max(self.given)] if self.given else self.probability

    @property
    def agreement(self) -> float | None:
        """Correlation of the map that was given with the detector's, from -1 to 1; None if none was given."""
        return agreement(self.strength, self.probability) if self.given else None

    @property
    def picture(self) -> Image.Image:
        """The `strength`, bright edges on black."""
        return image_io.to_image(self.strength)

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """A safetensors file."""
        shown = {max(self.maps): self.probability}
        groups = {"maps": self.maps, "calibration": self.calibration, "probability": shown, "given": self.given}
        return _pack(groups, metadata)

    @classmethod
    def from_bytes(cls, data: bytes, device: str | torch.device = "cpu") -> EdgeMap:
        """Read what `to_bytes` wrote."""
        found = _unpack(data, ("maps", "calibration", "probability"), device, int)
        (probability,) = found["probability"].values()
        return cls(found["maps"], found["calibration"], probability, found.get("given", {}))


def _at_size(given: Tensor | None, size: int, seen: Tensor) -> dict[int, Tensor]:
    """The user's own map at a size, in the shape of what was seen there (N, C, h, w); nothing if there is none."""
    return {} if given is None else {size: at_shape(given, *seen.shape[2:]).to(seen.device)}


def depth_picture(inverse_depth: Tensor) -> Image.Image:
    """Inverse depth (1, 1, H, W) from far (black) to near (white), clipped at the 1st and the 99th percentile."""
    return image_io.to_image(relative_depth(inverse_depth.cpu()))


@dataclass(frozen=True)
class DepthMap:
    """Relative inverse depth of one content at each size, (1, 1, h, w), larger = nearer, of any scale.

    Attributes:
        maps: by the network.
        given: the user's own at each size, in place of the network's; none without one.
    """

    maps: Mapping[int, Tensor]
    given: Mapping[int, Tensor] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode(False)  # even if the caller is in that mode: gradients will flow beside these tensors
    @torch.no_grad()
    def compute(cls, content: Tensor, models: Models, sizes: Iterable[int], given: Tensor | None = None) -> DepthMap:
        """Inverse depth of a content (1, 3, H, W) at the given long sides.

        Args:
            given: the user's own map, (1, 1, h, w), of the content's aspect.
        """
        maps = {size: models.depth(at_size(content, size).to(models.device)) for size in sorted(sizes)}
        own = dict[int, Tensor]()
        for size, found in maps.items():
            own |= _at_size(given, size, found)
        return cls(maps, own)

    @property
    def used(self) -> Mapping[int, Tensor]:
        """What the pastiche is compared with at each size: the maps that were given, else the network's."""
        return self.given or self.maps

    @property
    def agreement(self) -> float | None:
        """Correlation of the map that was given with the network's, from -1 to 1; None if none was given."""
        largest = max(self.maps)
        return agreement(self.given[largest], self.maps[largest]) if self.given else None

    def mask(self, band: Band) -> Tensor:
        """How much each place belongs to a band, (1, 1, h, w) on the CPU, by the map in use at the largest size."""
        return band.mask(self.used[max(self.used)].cpu())

    @property
    def picture(self) -> Image.Image:
        """`depth_picture` of the map in use at the largest size."""
        return depth_picture(self.used[max(self.used)])

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """A safetensors file."""
        return _pack({"maps": self.maps, "given": self.given}, metadata)

    @classmethod
    def from_bytes(cls, data: bytes, device: str | torch.device = "cpu") -> DepthMap:
        """Read what `to_bytes` wrote."""
        found = _unpack(data, ("maps",), device, int)
        return cls(found["maps"], found.get("given", {}))


@dataclass(frozen=True)
class ContentTargets:
    """What stylising one content needs: the picture (1, 3, H, W) and its edges and depth, if a recipe uses them.

    Attributes:
        opacity: of each place, (1, 1, H, W) in [0, 1]: what it counts in the pastiche's statistics; None: all are
            opaque.
        regions: of the content, if it isn't painted in one style throughout.
        detail: how much more edges and depth are to count at each place, (1, 1, h, w) in [0, 1]; None: nowhere.
    """

    content: Tensor
    edge: EdgeMap | None = None
    depth: DepthMap | None = None
    opacity: Tensor | None = None
    regions: Regions | None = None
    detail: Tensor | None = None

    @property
    def painted_regions(self) -> int:
        """How many regions are painted, R; the whole is one."""
        return len(self.regions.names) if self.regions else 1

    def guide(self, goal: Tensor, margin: int = 0) -> Tensor | None:
        """What each place of a canvas with this margin counts in the statistics of each region, (1, R, H, W).

        None: the whole is one region, in which all places count the same.
        """
        seen = self.seen(goal, margin)
        if self.regions is None:
            return seen
        guide = _on_canvas(self.regions.painted, goal, margin)
        return guide if seen is None else guide * seen

    def seen(self, goal: Tensor, margin: int = 0) -> Tensor | None:
        """The opacity in the shape of a canvas with this margin, (1, 1, H, W), on its device; None: all is opaque."""
        return None if self.opacity is None else _on_canvas(self.opacity, goal, margin)

    def detail_on(self, goal: Tensor, margin: int = 0) -> Tensor | None:
        """The detail map in the shape of a canvas with this margin, (1, 1, H, W), on its device."""
        return None if self.detail is None else _on_canvas(self.detail, goal, margin)

    def with_kept(self, x: Tensor, goal: Tensor, margin: int = 0) -> Tensor:
        """Canvases (N, 3, H, W) with the content's own pixels where it is to stay as it is.

        Args:
            goal: the content on the canvas, (1, 3, H, W).
        """
        if self.regions is None or self.regions.kept is None:
            return x
        return x.lerp(goal.expand_as(x), _on_canvas(self.regions.kept, goal, margin))


def _on_canvas(planes: Tensor, goal: Tensor, margin: int) -> Tensor:
    """Planes (1, K, h, w) in the shape of a canvas with this margin, (1, K, H, W), on its device."""
    height, width = crop(goal, margin).shape[2:]
    return framed(at_shape(planes, height, width).to(goal), margin)


@dataclass(frozen=True)
class Statistics:
    """Feature statistics of a style in one layer at one size: Gram (1, C, C) and mean (1, C).

    Those of a style with one for each of R regions are (R, C, C) and (R, C); several styles are stacked before these.
    """

    gram: Tensor
    mean: Tensor

    def of(self, styles: Sequence[int] | None) -> Statistics:
        """The statistics of some styles, by index; None for all. Those of consecutive styles are views."""
        if styles is None or len(styles) == len(self.gram):
            return self
        first, last = styles[0], styles[-1]
        if last - first + 1 == len(styles):
            return Statistics(self.gram[first : last + 1], self.mean[first : last + 1])
        chosen = indices(tuple(styles), self.gram.device)
        return Statistics(self.gram[chosen], self.mean[chosen])


@dataclass(frozen=True)
class StyleTargets:
    """Feature statistics of one style for each size of the style picture and each layer of the encoder.

    For a content with regions they may be those of R styles, one for each region; see `by_region`.

    Attributes:
        statistics: by size and layer. If they change from stage to stage, those of the last, which pastiches are
            compared with.
        stages: what each stage of a recipe asks for, if they change; none if they don't.
    """

    statistics: Mapping[StyleSize, Mapping[str, Statistics]]
    stages: tuple[StyleTargets, ...] = ()

    @classmethod
    @torch.inference_mode(False)  # even if the caller is in that mode: gradients will flow beside these tensors
    @torch.no_grad()
    def compute(
        cls,
        style: Tensor,
        models: Models,
        sizes: Iterable[StyleSize],
        layers: Iterable[str] = (),
        mask: Tensor | None = None,
    ) -> StyleTargets:
        """Statistics of a style (1, 3, H, W) at the given sizes.

        They cover the given layers and the encoder's own, which the metrics read. Statistics of the colours are
        always included, because a recoloured start needs them.

        A style so long and narrow that the encoder couldn't read it at one of the sizes is read with a short side of
        16 px (`spnst_core.imaging.io.MIN_SIDE`) instead, or of what the encoder needs.

        Args:
            mask: the part of the style that counts, (1, 1, h, w) in [0, 1], of the style's aspect; None: all of it.

        Raises:
            InputError: the mask covers less than a pixel at one of the sizes.
        """
        wanted = list(dict.fromkeys((*models.encoder.style_layers, *layers)))
        least = smallest_side(models.encoder, wanted)
        readable = StyleSize(max(least, image_io.MIN_SIDE), "short")
        found = {}
        for size in sorted(sizes):
            shape = size.shape(style.shape[2], style.shape[3])
            if min(shape) < least:
                shape = readable.shape(style.shape[2], style.shape[3])
            x = image_io.resize(style, *shape).to(models.device)
            tile = fitting_tile(models.encoder, wanted, x)
            guide = None if mask is None else _guide(mask, x)
            seen = encode(models.encoder, x, wanted, max(x.shape[2:]) if tile is None else tile, guide=guide)
            colour = Statistics(*(moments.moments(x) if guide is None else moments.guided_moments(x, guide)))
            found[size] = {"colour": colour, **{k: Statistics(seen.gram[k], seen.mean[k]) for k in wanted}}
        return cls(found)

    @classmethod
    def blended(cls, styles: Sequence[StyleTargets], shares: Sequence[float]) -> StyleTargets:
        """The statistics of several styles averaged by their shares, which sum to 1.

        Second moments and means of a mixture are the averages of those of its parts: these are the statistics of a
        picture in which each style covers its share of the area.

        Args:
            styles: of the same sizes and layers. A single one is itself.
        """
        if len(styles) == 1:
            return styles[0]

        def mixed(size: StyleSize, layer: str) -> Statistics:
            parts = [(share, style.statistics[size][layer]) for style, share in zip(styles, shares, strict=True)]
            gram = torch.stack([share * part.gram for share, part in parts]).sum(0)
            return Statistics(gram, torch.stack([share * part.mean for share, part in parts]).sum(0))

        return cls(
            {size: {layer: mixed(size, layer) for layer in found} for size, found in styles[0].statistics.items()}
        )

    @classmethod
    def by_stage(cls, stages: Sequence[StyleTargets]) -> StyleTargets:
        """The statistics of a style that changes from stage to stage of a recipe.

        Args:
            stages: one for each stage, of the same sizes and layers. A single one holds for all.
        """
        return stages[0] if len(stages) == 1 else cls(stages[-1].statistics, tuple(stages))

    def at_stage(self, index: int) -> StyleTargets:
        """What the stage of a recipe with this index asks for."""
        return self.stages[index] if self.stages else self

    @classmethod
    def by_region(cls, styles: Sequence[StyleTargets]) -> StyleTargets:
        """The statistics of one style for each region, in the order of `Regions.names`.

        Args:
            styles: of the same layers; the sizes that all of them have remain. One serves all regions. Those that
                change from stage to stage are for recipes of the same number of stages.
        """
        if len(styles) == 1:
            return styles[0]
        if stages := max(len(style.stages) for style in styles):
            return cls.by_stage([cls.by_region([style.at_stage(k) for style in styles]) for k in range(stages)])

        def joined(size: StyleSize, layer: str) -> Statistics:
            parts = [style.statistics[size][layer] for style in styles]
            return Statistics(torch.cat([part.gram for part in parts]), torch.cat([part.mean for part in parts]))

        common = [size for size in styles[0].statistics if all(size in style.statistics for style in styles)]
        return cls({size: {layer: joined(size, layer) for layer in styles[0].statistics[size]} for size in common})

    def with_strokes(self, scales: Sequence[float], sizes: Iterable[StyleSize]) -> StyleTargets:
        """The style with other strokes: at each of the sizes, the statistics averaged over multiples of that size.

        Args:
            scales: the multiples, which the statistics must hold.
        """

        def scaled(size: StyleSize) -> dict[str, Statistics]:
            multiples = [size.times(scale) for scale in scales]
            return {layer: self.averaged(multiples, layer) for layer in self.statistics[size]}

        wanted = tuple(sizes)
        stages = tuple(stage.with_strokes(scales, wanted) for stage in self.stages)
        return StyleTargets({size: scaled(size) for size in wanted}, stages)

    def weakened(self, own: StyleTargets, strength: float) -> StyleTargets:
        """The statistics that lie this far on the way from others, such as the content's own, to these.

        Those of one style serve all regions of the others.

        Args:
            own: of the sizes and layers that are asked for, which this style has as well.
            strength: from 0 to 1.
        """

        def between(size: StyleSize, layer: str) -> Statistics:
            first, second = own.statistics[size][layer], self.statistics[size][layer]
            return Statistics(first.gram.lerp(second.gram, strength), first.mean.lerp(second.mean, strength))

        return StyleTargets(
            {size: {layer: between(size, layer) for layer in found} for size, found in own.statistics.items()},
            tuple(stage.weakened(own, strength) for stage in self.stages),
        )

    def averaged(self, sizes: Iterable[StyleSize], layer: str) -> Statistics:
        """The statistics of one layer averaged over several sizes: strokes of several scales at once."""
        chosen = [self.statistics[size][layer] for size in sizes]
        return Statistics(torch.stack([s.gram for s in chosen]).mean(0), torch.stack([s.mean for s in chosen]).mean(0))

    def recoloured(self, picture: Tensor, sizes: Iterable[StyleSize], guide: Tensor | None = None) -> Tensor:
        """A picture (1, 3, H, W) with the mean and the covariance of the style's colours.

        Args:
            guide: what each place counts in each region, (1, R, H, W), if there is a style for each: of every one, the
                recoloured picture is taken in that share.
        """
        palette = self.averaged(sizes, "colour")
        pairs = zip(palette.gram.split(1), palette.mean.split(1), strict=True)
        pictures = torch.cat([recolour(picture, gram, mean) for gram, mean in pairs])
        if guide is None or len(pictures) == 1:
            return pictures
        shares = guide / guide.sum(1, keepdim=True).clamp_min(1e-6)
        return torch.einsum("rchw,rhw->chw", pictures, shares[0])[None]

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """A safetensors file."""
        groups: dict[str, dict[StyleSize, Tensor]] = {}
        named = {f"{_STAGE}{index}.": stage for index, stage in enumerate(self.stages)} or {"": self}
        for stage, style in named.items():
            for size, layers in style.statistics.items():
                for layer, s in layers.items():
                    groups.setdefault(f"{stage}gram.{layer}", {})[size] = s.gram
                    groups.setdefault(f"{stage}mean.{layer}", {})[size] = s.mean
        return _pack(groups, metadata)

    @classmethod
    def from_bytes(cls, data: bytes, device: str | torch.device = "cpu") -> StyleTargets:
        """Read what `to_bytes` wrote."""
        found = _unpack(data, (), device, StyleSize.parse)
        stages = {group.partition(".")[0] for group in found if group.startswith(_STAGE)}
        return cls.by_stage(
            [_of_stage(found, f"{_STAGE}{index}.") for index in range(len(stages))] or [_of_stage(found)]
        )


_STAGE = "stage"
"""What the names of the statistics of one stage begin with in a file."""


def _of_stage(found: Mapping[str, Mapping[StyleSize, Tensor]], stage: str = "") -> StyleTargets:
    """The statistics in a file whose names begin with this."""
    layers = [group.removeprefix(f"{stage}gram.") for group in found if group.startswith(f"{stage}gram.")]
    if not layers:
        raise InputError("not a style's statistics: it holds no Gram; delete the file, it will be made again")

    def of(layer: str, size: StyleSize) -> Statistics:
        return Statistics(found[f"{stage}gram.{layer}"][size], found[f"{stage}mean.{layer}"][size])

    sizes = found[f"{stage}gram.{layers[0]}"]
    return StyleTargets({size: {layer: of(layer, size) for layer in layers} for size in sizes})


def _guide(mask: Tensor, style: Tensor) -> Tensor:
    """A mask (1, 1, h, w) in the shape of a style (1, 3, H, W), on its device."""
    guide = at_shape(mask, *style.shape[2:]).to(style)
    if guide.sum() < LEAST:
        raise InputError(
            f"a mask covers less than a pixel of a style of {style.shape[3]}×{style.shape[2]}, which a stroke size of "
            "the recipe reduces it to: enlarge the mask, or what is opaque in the style"
        )
    return guide


def read_metadata(data: bytes) -> dict[str, str]:
    """The metadata that any `to_bytes` wrote, without reading a tensor.

    Raises:
        InputError: not a whole safetensors file.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        return dict(header.get("__metadata__", {}))
    except (ValueError, AttributeError) as error:
        raise InputError(f"not a safetensors file: {error}; delete it, it will be made again") from error


def _pack(groups: Mapping[str, Mapping[Size, Tensor]], metadata: Mapping[str, str] | None) -> bytes:
    """Tensors under the names ``<group>.<size>``."""
    tensors = {
        f"{group}.{size}": x.detach().cpu().contiguous() for group, xs in groups.items() for size, x in xs.items()
    }
    return save(tensors, dict(metadata or {}))


def _unpack(
    data: bytes, groups: Iterable[str], device: str | torch.device, parse: Callable[[str], Size]
) -> dict[str, dict[Size, Tensor]]:
    """Read what `_pack` wrote; the named groups must be there."""
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise InputError(f"not a whole safetensors file: {error}; delete it, it will be made again") from error
    found: dict[str, dict[Size, Tensor]] = {}
    for name, x in tensors.items():
        group, _, size = name.rpartition(".")
        try:
            found.setdefault(group, {})[parse(size)] = x.to(device)
        except ValueError as error:
            raise InputError(
                f"the file holds {name}, whose ending isn't a size; delete it, it will be made again"
            ) from error
    missing = [group for group in groups if group not in found]
    if missing:
        raise InputError(f"the file holds no {' and no '.join(missing)}; delete it, it will be made again")
    return found
