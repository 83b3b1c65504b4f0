"""Identity: what an artefact is, and the table of where every artefact lies in the store.

Partition keys, asset keys, names of steps and paths are made from an `ArtefactId` and parsed back into one here, and
nowhere else are they cut up or glued together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

import dagster as dg

from spnst_pipeline.shard import Shard

Asset = Literal[
    "content_image",
    "style_image",
    "depth_map",
    "edge_map",
    "style_grams",
    "painter",
    "pastiche",
    "timelapse",
    "checkpoint",
    "metrics",
    "metric_table",
    "comparison",
    "experiment",
    "contact_sheet/content",
    "contact_sheet/style",
    "contact_sheet/grid",
    "gallery",
]
"""The kinds of artefacts. Of some there is one asset for each recipe, or for each experiment; of checkpoints, none."""

OF_CELLS: tuple[Asset, ...] = ("pastiche", "metrics", "timelapse")
"""Of each recipe: the assets whose partitions are the cells of the grid."""

SHOWN: tuple[Asset, ...] = ("pastiche", "metrics")
"""Of each recipe: what contact sheets and experiments show."""

MAPS: tuple[Asset, ...] = ("depth_map", "edge_map")
"""Of each content: what its pastiches must keep."""

OF_NETWORKS: tuple[Asset, ...] = ("depth_map", "edge_map", "style_grams", *OF_CELLS)
"""What networks make: on a GPU where there is one."""

OF_ALL_CONTENTS: tuple[Asset, ...] = (
    "painter",
    "metric_table",
    "comparison",
    "experiment",
    "contact_sheet/style",
    "contact_sheet/grid",
    "gallery",
)
"""What contents of all shards are in, or are trained on: the first shard makes it for all."""

Span: TypeAlias = tuple[str, str]
"""The first and the last partition key of a range run; for the grid, opposite corners of a rectangle."""

_FIELDS = ("recipe", "content", "style", "experiment")
_PARTITIONS = ("content", "style")


class _Layout(NamedTuple):
    """Where the artefacts of one kind lie, with the fields of their identity in braces.

    Attributes:
        path: of the file that carries the fingerprint. No other file of the artefact has its suffix.
        beside: of the files that belong to it, by what they are.
    """

    path: str
    beside: Mapping[str, str] = {}


_LAYOUTS: Mapping[Asset, _Layout] = {
    "content_image": _Layout("content_image/{content}.png"),
    "style_image": _Layout("style_image/{style}.png"),
    "depth_map": _Layout("depth_map/{content}.safetensors", {"picture": "depth_map/{content}.png"}),
    "edge_map": _Layout("edge_map/{content}.safetensors", {"picture": "edge_map/{content}.png"}),
    "style_grams": _Layout("style_grams/{style}.safetensors"),
    "painter": _Layout("painter/{recipe}/{style}.safetensors", {"sheet": "painter/{recipe}/{style}.png"}),
    "pastiche": _Layout("pastiche/{recipe}/{content}/{style}.png"),
    "timelapse": _Layout("timelapse/{recipe}/{content}/{style}.mp4"),
    "checkpoint": _Layout("checkpoint/{recipe}/{content}/{style}.safetensors"),
    "metrics": _Layout(
        "metrics/{recipe}/{content}/{style}.json",
        {
            "depth": "metrics/{recipe}/{content}/{style}.depth.png",
            "edges": "metrics/{recipe}/{content}/{style}.edges.png",
        },
    ),
    "metric_table": _Layout(
        "metric_table/metrics.parquet", {"csv": "metric_table/metrics.csv", "columns": "metric_table/metrics.md"}
    ),
    "comparison": _Layout(
        "comparison/comparison.parquet", {"csv": "comparison/comparison.csv", "latex": "comparison/comparison.tex"}
    ),
    "experiment": _Layout(
        "experiment/{experiment}/metrics.parquet",
        {
            "csv": "experiment/{experiment}/metrics.csv",
            "comparison": "experiment/{experiment}/comparison.csv",
            "frontier": "experiment/{experiment}/frontier.png",
            "frontier_svg": "experiment/{experiment}/frontier.svg",
            "frontier_pdf": "experiment/{experiment}/frontier.pdf",
            "sheet": "experiment/{experiment}/grid.png",
            "pages": "experiment/{experiment}/grid.pdf",
        },
    ),
    "contact_sheet/content": _Layout(
        "contact_sheet/content/{content}.png", {"pages": "contact_sheet/content/{content}.pdf"}
    ),
    "contact_sheet/style": _Layout("contact_sheet/style/{style}.png", {"pages": "contact_sheet/style/{style}.pdf"}),
    "contact_sheet/grid": _Layout("contact_sheet/grid.png", {"pages": "contact_sheet/grid.pdf"}),
    "gallery": _Layout("gallery/index.html", {"files": "gallery/files.sha256"}),
}


class _Kind:
    """What follows from the layout of one kind of artefact, worked out once."""

    def __init__(self, asset: Asset, layout: _Layout) -> None:
        self.path, self.beside = layout
        self.fields = tuple(field for field in _FIELDS if f"{{{field}}}" in layout.path)
        self.partitions = tuple(field for field in self.fields if field in _PARTITIONS)
        self.shapes = {_shape(self.fields), _shape(field for field in self.fields if field not in _PARTITIONS)}
        self.name = "/".join([asset, *(f"{{{field}}}" for field in self.fields if field not in _PARTITIONS)])
        self.folder = self.path.partition("{content}")[0].partition("{style}")[0].rpartition("/")[0]
        self._names, self._paths = _pattern(self.name), _pattern(self.path)

    def parse_name(self, name: str) -> dict[str, str] | None:
        """The fields that the name of an asset of this kind holds."""
        found = self._names.fullmatch(name)
        return found and found.groupdict()

    def parse_path(self, path: str) -> dict[str, str] | None:
        """The fields that the path of an artefact of this kind holds."""
        found = self._paths.fullmatch(path)
        return found and found.groupdict()


def _shape(fields: Iterable[str]) -> tuple[bool, ...]:
    """Which of an identity's fields are given."""
    given = set(fields)
    return tuple(field in given for field in _FIELDS)


def _pattern(template: str) -> re.Pattern[str]:
    """What a template with fields in braces matches."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/|]+)", re.escape(template)))


_KINDS = {asset: _Kind(asset, layout) for asset, layout in _LAYOUTS.items()}

FOLDERS = tuple(dict.fromkeys(layout.path.split("/")[0] for asset, layout in _LAYOUTS.items() if asset != "checkpoint"))
"""The folders of a store; checkpoints have a store of their own."""


@dataclass(frozen=True)
class ArtefactId:
    """What an artefact is: one partition of an asset, or an asset as a whole.

    Attributes:
        asset: the kind of artefact.
        recipe: the recipe of a pastiche, a film or scores.
        content: the partition of what is made of one content; none: the asset as a whole.
        style: the same for styles.
        experiment: the name of an experiment.

    Raises:
        ValueError: fields that artefacts of this kind don't have, or only some of those that they have.
    """

    asset: Asset
    recipe: str | None = None
    content: str | None = None
    style: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        given = (self.recipe is not None, self.content is not None, self.style is not None, self.experiment is not None)
        if given not in _KINDS[self.asset].shapes:
            named = [field for field, there in zip(_FIELDS, given, strict=True) if there]
            raise ValueError(f"{self.asset} is told apart by {_KINDS[self.asset].fields}, not by {named}")

    @classmethod
    def from_asset_key(cls, key: dg.AssetKey, partition: str = "") -> ArtefactId:
        """The asset with this key, or one of its partitions, in whichever shard.

        Raises:
            ValueError: there is no such asset, or no such partition of it.
        """
        name = "/".join(key.path[len(Shard.of_key(key.path).prefix) :])
        for asset, kind in _KINDS.items():
            if (fields := kind.parse_name(name)) is not None:
                found = cls(asset, **fields)
                return found.at(partition) if partition else found
        raise ValueError(f"{name!r} is no asset's key")

    @classmethod
    def from_step(cls, step: str) -> ArtefactId:
        """The asset that a step makes, as a whole; the step that makes pastiches makes their films as well.

        Raises:
            ValueError: there is no such step.
        """
        return cls.from_asset_key(dg.AssetKey(step.split("__", 1)))

    @classmethod
    def from_path(cls, path: str) -> ArtefactId:
        """The artefact whose fingerprint the file at ``path`` carries.

        Raises:
            ValueError: the file is something else.
        """
        for asset, kind in _KINDS.items():
            if (fields := kind.parse_path(path)) is not None:
                return cls(asset, **fields)
        raise ValueError(f"{path!r} is no artefact's path")

    def at(self, partition: str) -> ArtefactId:
        """One partition of the asset, by its key.

        Raises:
            ValueError: the asset has no such partition.
        """
        fields, parts = _KINDS[self.asset].partitions, partition.split("|")
        if len(fields) != len(parts):
            raise ValueError(f"{self.name} has no partition {partition!r}")
        given = dict(zip(fields, parts, strict=True))
        return replace(self, content=given.get("content"), style=given.get("style"))

    def of_cell(self, cell: ArtefactId) -> ArtefactId:
        """The partition of the asset that belongs to a cell: by its content, by its style, or by both.

        Raises:
            ValueError: ``cell`` isn't one.
        """
        (content, style), fields = cell.cell, _KINDS[self.asset].partitions
        return replace(
            self, content=content if "content" in fields else None, style=style if "style" in fields else None
        )

    @property
    def whole(self) -> ArtefactId:
        """The asset that the artefact is a partition of."""
        return replace(self, content=None, style=None)

    @property
    def is_of_contents(self) -> bool:
        """Whether the asset's partitions are the contents, or the cells."""
        return "content" in _KINDS[self.asset].partitions

    @property
    def is_cell(self) -> bool:
        """Whether the asset's partitions are the cells of the grid."""
        return len(_KINDS[self.asset].partitions) == 2

    @property
    def cell(self) -> tuple[str, str]:
        """The content and the style of a cell.

        Raises:
            ValueError: the artefact isn't one of a cell.
        """
        if self.content is None or self.style is None:
            raise ValueError(f"{self} isn't of one cell")
        return self.content, self.style

    @property
    def name(self) -> str:
        """The asset's name, such as ``pastiche/structure``."""
        return _KINDS[self.asset].name.format(recipe=self.recipe, experiment=self.experiment)

    @property
    def family(self) -> str:
        """What the asset shares its code version with: ``contact_sheet`` for all contact sheets."""
        return self.asset.split("/")[0]

    @property
    def asset_key(self) -> dg.AssetKey:
        """The asset's key in Dagster, in a project without shards."""
        return dg.AssetKey(self.name.split("/"))

    def key_in(self, shard: Shard) -> dg.AssetKey:
        """The asset's key in Dagster, in one shard; that of the first, if it makes the asset for all."""
        maker = shard.all[0] if self.asset in OF_ALL_CONTENTS else shard
        return dg.AssetKey([*maker.prefix, *self.asset_key.path])

    @property
    def step(self) -> str:
        """The name of the step that makes the asset. Films are made by the step that paints."""
        painted = replace(self, asset="pastiche") if self.asset == "timelapse" else self
        return painted.name.replace("/", "__")

    @property
    def partition(self) -> str:
        """The partition's key, such as ``cat`` or ``cat|wave``; empty for an asset as a whole."""
        if self.content is None or self.style is None:
            return self.content or self.style or ""
        return dg.MultiPartitionKey({"content": self.content, "style": self.style})

    @property
    def folder(self) -> str:
        """The folder of the store that holds the asset's files."""
        return self._filled(_KINDS[self.asset].folder)

    @cached_property
    def path(self) -> str:
        """Where the artefact's own file lies in the store, which carries its fingerprint.

        Of an asset as a whole: where its files lie, with ``<content>`` and ``<style>`` in place of the names.
        """
        return self._filled(_KINDS[self.asset].path)

    @property
    def beside(self) -> dict[str, str]:
        """Where the other files lie that belong to the artefact, by what they are."""
        return {what: self._filled(path) for what, path in _KINDS[self.asset].beside.items()}

    def __str__(self) -> str:
        """As people are told of it, such as ``depth_map[cat]``, ``pastiche/gatys[cat|wave]`` or ``gallery``."""
        return f"{self.name}[{self.partition}]" if self.partition else self.name

    def _filled(self, template: str) -> str:
        return template.format(
            recipe=self.recipe,
            experiment=self.experiment,
            content=self.content or "<content>",
            style=self.style or "<style>",
        )


def rows(cells: Iterable[ArtefactId]) -> dict[str, list[str]]:
    """The styles of some cells by their content, in the order given."""
    grid: dict[str, list[str]] = {}
    for content, style in (artefact.cell for artefact in cells):
        grid.setdefault(content, []).append(style)
    return grid
