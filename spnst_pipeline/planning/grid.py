"""The grid: which pictures of the sources can be used, and the partitions that they become."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import dagster as dg
import torch

from spnst_core.compute.memory import ran_out
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.decoding import MIN_SIDE, too_small
from spnst_core.models.precision import find_precision
from spnst_core.models.profiles import find_device
from spnst_core.objective.canvas import shape_at
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.planning.plan import Grid
from spnst_pipeline.project import Project
from spnst_pipeline.storage.places import Unreachable
from spnst_pipeline.storage.sources import Source

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


@dataclass(frozen=True)
class Side:
    """One side of the grid.

    Attributes:
        name: ``content`` or ``style``.
        partitions: the name of the set of partitions that its pictures become.
        asset: the asset that decodes them.
        source: where they come from.
        keys: those of its pictures that are in the project's shard; of styles, all.
        rule: what their decoded pictures must be.
        check: looks at width and height of a decoded picture; InputError if it can't be used.
    """

    name: str
    partitions: str
    asset: ArtefactId
    source: Source
    keys: Collection[str]
    rule: Callable[[str], Artefact]
    check: Callable[[int, int], None]

    def problems(self, keys: Collection[str], lineage: Lineage) -> Problems:
        """What is wrong with some pictures. Of those that the store holds, only the size is looked at."""
        self.source.hash(keys)
        found = Problems({}, {})
        for key in keys:
            file, kind = self.source.pictures[key], found.unreachable
            try:
                if self.source.digest(key):
                    wanted = self.rule(key)
                    stored = lineage.is_current(wanted)
                    data = [] if stored else [each.read() for each in file.files]
                    kind = found.unusable
                    self.check(*(lineage.index.size(wanted.id) if stored else file.picture(data).size))
            except InputError as error:
                if ran_out(error):
                    kind = found.unreachable
                message = str(error)
                kind[key] = message if file.name in message else f"{file.name}: {message}"
        return found


@dataclass(frozen=True)
class Problems:
    """What is wrong with pictures of one side, each as slug → why.

    Attributes:
        unusable: what their files hold is no picture, or none that can be painted.
        unreachable: they couldn't be read for now, or memory ran out, which tells nothing of what they hold.
    """

    unusable: dict[str, str]
    unreachable: dict[str, str]


def sides(lineage: Lineage) -> tuple[Side, Side]:
    """Contents and styles."""
    project = lineage.project
    smallest, painted = min(project.content_sizes), min(recipe.size for recipe in project.every_recipe)

    def content(width: int, height: int) -> None:
        shape_at(torch.empty(1, 3, height, width, device="meta"), smallest)
        height, width = image_io.fit(height, width, painted)
        if min(height, width) < MIN_SIDE:  # it couldn't be read from the store again
            raise too_small(f"its pastiche at size {painted}", width, height)

    def style(width: int, height: int) -> None:
        """Whatever can be decoded is a style."""

    return (
        Side(
            name="content",
            partitions=project.shard.contents,
            asset=ArtefactId("content_image"),
            source=project.contents,
            keys=project.own_contents,
            rule=lineage.content_image,
            check=content,
        ),
        Side(
            name="style",
            partitions="style",
            asset=ArtefactId("style_image"),
            source=project.styles,
            keys=list(project.styles.pictures),
            rule=lineage.style_image,
            check=style,
        ),
    )


def checked(project: Project) -> Project:
    """The project without pictures that can't be used, found by decoding those that aren't in the store yet.

    Pictures that can't be read for now stay in it: what the store holds of them is taken to be up to date. So do
    contents of other shards, which aren't looked at.

    Raises:
        InputError: no content or no style is left, or the profile or device can't be used. Nothing was written.
        Unreachable: none is left because none can be read for now.
    """
    # Report an unknown device, precision or profile before anything is written.
    find_precision(project.settings.precision, find_device(project.settings.device))
    _ = project.identity
    lineage = Lineage(project)
    lineage.look_at_pictures()
    found = []
    for side in sides(lineage):
        problems = side.problems(side.keys, lineage)
        kept = [key for key in side.keys if key not in problems.unusable]
        if side.keys and all(key in problems.unreachable and not lineage.index.has(side.asset.at(key)) for key in kept):
            error = Unreachable if problems.unreachable else InputError
            first = next(iter((problems.unreachable or problems.unusable).values()))
            raise error(f"no picture in {side.source.location} can be used: {first}")
        found.append(side.source.without(problems.unusable).unread(problems.unreachable))
    contents, styles = found
    return replace(project, contents=contents, styles=styles)


def synchronised(project: Project, instance: dg.DagsterInstance) -> Grid:
    """Bring the partitions in line with the project's pictures, and return the grid.

    What was made from a picture that has since been removed stays in the store. Its partition stays as long as a run is
    unfinished, which may have to do with it.
    """
    removing = not at_work(instance)
    for name, pictures in ((project.shard.contents, project.own_contents), ("style", project.styles.pictures)):
        there = set(instance.get_dynamic_partitions(name))
        for gone in sorted(there - set(pictures)) if removing else ():
            instance.delete_dynamic_partition(name, gone)
        instance.add_dynamic_partitions(name, sorted(set(pictures) - there))
    return known_grid(instance, project)


def at_work(instance: dg.DagsterInstance) -> bool:
    """Whether a run is queued or under way."""
    return bool(instance.get_run_records(dg.RunsFilter(statuses=[*_UNFINISHED]), limit=1))


def known_grid(instance: dg.DagsterInstance, project: Project) -> Grid:
    """The grid of the existing partitions."""
    contents, styles = map(instance.get_dynamic_partitions, (project.shard.contents, "style"))
    return Grid(contents, styles, project.recipes)
