"""Targets: what contents and styles ask of their pastiches, computed and put into the store.

The assets `depth_map`, `edge_map` and `style_grams` are made here, and so are targets that a step lacks when it comes
to paint: those of a new picture, or of one that has changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg
from PIL import Image
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.blend import StylePicture
from spnst_core.imaging.maps import Kind, decode_map, disagreement
from spnst_core.objective.targets import DepthMap, EdgeMap, StyleTargets
from spnst_core.painting import OwnMaps
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.events import Made, Report, in_one_line
from spnst_pipeline.defs.previews import preview, stored_picture
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project

AGREEMENT = "agreement"
"""Metadata key in a map's own file: correlation of the user's own map with the network's, where one was given."""


@dataclass(frozen=True)
class Target:
    """A kind of target.

    Attributes:
        asset: that it is the artefacts of.
        picture: the asset of the pictures that it is computed from.
        rule: what an artefact must be to be up to date, for one recipe or for all.
        compute: it, from a decoded picture, at the sizes of every recipe of a project; of a partition.
        judges: what each check finds of it.
    """

    asset: ArtefactId
    picture: ArtefactId
    rule: Callable[..., Artefact]
    compute: Callable[[Image.Image, Project, str], DepthMap | EdgeMap | StyleTargets]
    judges: Mapping[checks.Check, Callable[[Any], checks.Verdict]] = field(default_factory=dict)

    @property
    def checks(self) -> list[checks.Check]:
        """The checks that the asset declares."""
        return list(self.judges)

    def make(self, lineage: Lineage, listener: Listener, partition: str, *, force: bool = False) -> Made:
        """Bring one partition up to date in the store; ``force``: make it even if it is.

        Raises:
            NotMade: its picture isn't in the store.
            InputError: its picture can't be read.
            CheckFailed: nothing was written, because a check of severity ERROR failed.
        """
        store, wanted, source = lineage.project.store, self.rule(lineage, partition), self.picture.at(partition)
        picture = stored_picture(store, source)
        if not keep_or_copy(lineage, wanted, force=force):
            self._compute(lineage.project, listener, picture, wanted)
            listener.made(wanted.id)
        carried = metadata(wanted.path, store.read(wanted.path, HEAD))
        looks = [stored_picture(store, wanted.id, what) for what in wanted.beside]
        shown = {
            "preview": preview(picture, *looks),
            "sizes": " ".join(map(str, wanted.sizes)),
            "profile": lineage.project.identity.label,
            **({AGREEMENT: float(carried[AGREEMENT])} if AGREEMENT in carried else {}),
            "fingerprint": wanted.fingerprint,
        }
        return Made(shown, checks.carried(carried), made_of=source)

    def _compute(self, project: Project, listener: Listener, picture: Image.Image, wanted: Artefact) -> None:
        found = self.compute(picture, project, wanted.id.partition)
        told = {}
        if not isinstance(found, StyleTargets) and found.agreement is not None:
            told = {AGREEMENT: f"{found.agreement:.4f}"}
            kind: Kind = "depth" if isinstance(found, DepthMap) else "edges"
            name = project.contents.maps[wanted.id.partition, kind].name
            if warning := disagreement(kind, found.agreement, name):
                listener.note(warning)
        verdicts = checks.stamp([checks.required(judge(found)) for judge in self.judges.values()])
        shown = {"picture": image_io.encode_png(found.picture)} if isinstance(found, DepthMap | EdgeMap) else {}
        put(project.store, wanted, lambda stamp: found.to_bytes({**stamp, **told, **verdicts}), shown)


def own_maps(project: Project, content: str, picture: Tensor, *kinds: Kind) -> OwnMaps:
    """The user's own maps of a content (1, 3, H, W), of these kinds.

    Raises:
        InputError: one that can't be used.
    """
    known = project.contents.maps
    files = {kind: known[content, kind] for kind in kinds if (content, kind) in known}
    own = OwnMaps(**{kind: decode_map(file.read(), kind, file.name) for kind, file in files.items()})
    own.require_aspect(picture, {kind: file.name for kind, file in files.items()})
    return own


def _depth(picture: Image.Image, project: Project, content: str) -> DepthMap:
    pixels, _ = image_io.read_with_opacity(picture)
    own = own_maps(project, content, pixels, "depth")
    return DepthMap.compute(pixels, project.models, project.content_sizes, own.depth)


def _edges(picture: Image.Image, project: Project, content: str) -> EdgeMap:
    pixels, _ = image_io.read_with_opacity(picture)
    own = own_maps(project, content, pixels, "edges")
    return EdgeMap.compute(pixels, project.models, project.content_sizes, own.edges)


def style_pictures(project: Project, style: str, picture: Image.Image | None = None) -> list[StylePicture]:
    """The decoded pictures that the statistics of a style are taken from.

    Args:
        picture: that of the style, if it was read already. That of a blend only stands for its parts.
    """
    parts = project.styles.parts(style)
    if picture is not None and not parts:
        return [StylePicture.read(picture, style)]
    shares = {part.key: part.shares for part in parts} or {style: (1.0,)}
    pictures = {key: ArtefactId("style_image", style=key) for key in shares}
    return [StylePicture.read(take(project.store, pictures[key]), key, own) for key, own in shares.items()]


def _statistics(picture: Image.Image, project: Project, style: str) -> StyleTargets:
    pictures, sizes, layers = style_pictures(project, style, picture), project.style_sizes, project.style_layers
    found = [StyleTargets.compute(x.pixels, project.models, sizes, layers, x.opacity) for x in pictures]
    stages = zip(*(x.shares for x in pictures), strict=True)
    return StyleTargets.by_stage([StyleTargets.blended(found, shares) for shares in stages])


DEPTH = Target(
    ArtefactId("depth_map"),
    ArtefactId("content_image"),
    Lineage.depth_map,
    _depth,
    {checks.NOT_CONSTANT: checks.not_constant},
)
EDGES = Target(
    ArtefactId("edge_map"),
    ArtefactId("content_image"),
    Lineage.edge_map,
    _edges,
)
GRAMS = Target(
    ArtefactId("style_grams"),
    ArtefactId("style_image"),
    Lineage.style_grams,
    _statistics,
    {checks.POSITIVE_SEMIDEFINITE: checks.positive_semidefinite},
)


@dataclass(frozen=True)
class Preparation:
    """What became of the targets that some cells lacked.

    Attributes:
        lineage: what is up to date now.
        reports: on the targets that were made, one for each of their assets.
        failed: cells that can't be painted, because a target of theirs couldn't be made.
    """

    lineage: Lineage
    reports: Sequence[Report]
    failed: Mapping[ArtefactId, NotMade]


def prepare(
    context: dg.AssetExecutionContext,
    lineage: Lineage,
    listener: Listener,
    recipe: Recipe,
    cells: Sequence[ArtefactId],
) -> Preparation:
    """Make the targets that a recipe needs for some cells, where they are missing or out of date.

    Each is put into the store and reported as a partition of its own asset. Runs that meet in making the same target
    write the same file, each atomically. A picture that isn't in the store stays missing.
    """
    reports, failed, found_all = list[Report](), dict[ArtefactId, NotMade](), True
    for target in (DEPTH, EDGES, GRAMS):
        report = Report(context, target.checks, target.asset.asset_key)
        reports.append(report)
        waiting: dict[ArtefactId, list[ArtefactId]] = {}
        for cell in cells:
            waiting.setdefault(target.asset.of_cell(cell), []).append(cell)
        for wanted, its_cells in waiting.items():
            if not lineage.outdated(partial(target.rule, lineage), wanted.partition, recipe):
                continue
            found_all = False
            try:
                made = target.make(lineage, listener, wanted.partition)
            except Exception as error:  # other rows and columns go on
                report.failed(wanted.partition, error)
                failed = dict.fromkeys(its_cells, NotMade(f"{wanted} can't be made: {in_one_line(error)}")) | failed
            else:
                report.landed(wanted.partition, made)
    return Preparation(lineage if found_all else Lineage(lineage.project), reports, failed)
