"""The grid: which pictures of the sources can be used, and the partitions that they become."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import dagster as dg
import torch

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.models.precision import find_precision
from spnst_core.models.profiles import find_device
from spnst_core.objective.canvas import shape_at
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.planning.plan import Grid
from spnst_pipeline.project import Project
from spnst_pipeline.storage.sources import File, Source


@dataclass(frozen=True)
class Side:
    """One side of the grid.

    Attributes:
        name: ``content`` or ``style``, the partitions that its pictures become.
        asset: the asset that decodes them.
        source: where they come from.
        rule: what their decoded pictures must be.
        check: decodes a file; InputError if it can't be used.
    """

    name: str
    asset: ArtefactId
    source: Source
    rule: Callable[[str], Artefact]
    check: Callable[[File], None]

    def unusable(self, keys: Collection[str], lineage: Lineage) -> dict[str, str]:
        """Pictures that can't be used, as slug → why; those already in the store have passed."""
        self.source.hash(keys)
        problems: dict[str, str] = {}
        for key in keys:
            file = self.source.pictures[key]
            try:
                if not lineage.is_current(self.rule(key)):
                    self.check(file)
            except InputError as error:
                message = str(error)
                problems[key] = message if file.name in message else f"{file.name}: {message}"
        return problems


def sides(lineage: Lineage) -> tuple[Side, Side]:
    """Contents and styles."""
    project = lineage.project
    smallest = min(project.content_sizes)

    def content(file: File) -> None:
        image = image_io.decode(file.read(), file.name)
        shape_at(torch.empty(1, 3, image.height, image.width, device="meta"), smallest)

    def style(file: File) -> None:
        image_io.decode(file.read(), file.name)

    return (
        Side("content", ArtefactId("content_image"), project.contents, lineage.content_image, content),
        Side("style", ArtefactId("style_image"), project.styles, lineage.style_image, style),
    )


def checked(project: Project) -> Project:
    """The project without pictures that can't be used, found by decoding those that aren't in the store yet.

    Raises:
        InputError: no content or no style is left, or the profile or device can't be used. Nothing was written.
    """
    # Report an unknown device, precision or profile before anything is written.
    find_precision(project.settings.precision, find_device(project.settings.device))
    _ = project.identity
    lineage = Lineage(project)
    lineage.look_at_pictures()
    problems = []
    for side in sides(lineage):
        problems.append(side.unusable(side.source.pictures, lineage))
        if len(problems[-1]) == len(side.source.pictures):
            raise InputError(f"no picture in {side.source.location} can be used: {next(iter(problems[-1].values()))}")
    return project.without(*problems)


def synchronised(project: Project, instance: dg.DagsterInstance) -> Grid:
    """Bring the partitions in line with the project's pictures, and return the grid.

    What was made from a picture that has since been removed stays in the store.
    """
    for name, source in (("content", project.contents), ("style", project.styles)):
        there = set(instance.get_dynamic_partitions(name))
        for gone in sorted(there - set(source.pictures)):
            instance.delete_dynamic_partition(name, gone)
        instance.add_dynamic_partitions(name, sorted(set(source.pictures) - there))
    return known_grid(instance, project)


def known_grid(instance: dg.DagsterInstance, project: Project) -> Grid:
    """The grid of the existing partitions."""
    return Grid(instance.get_dynamic_partitions("content"), instance.get_dynamic_partitions("style"), project.recipes)
