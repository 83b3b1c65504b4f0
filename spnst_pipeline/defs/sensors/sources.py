"""The catalogue's sensor: partitions come and go with the pictures of the sources, and new pictures are decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import dagster as dg
import numpy as np
from pydantic import BaseModel

from spnst_pipeline.artefacts.rules import Lineage
from spnst_pipeline.defs.partitions import CONTENT, STYLE
from spnst_pipeline.planning.grid import Side, sides
from spnst_pipeline.planning.plan import Launch
from spnst_pipeline.planning.rectangles import cover
from spnst_pipeline.project import Project
from spnst_pipeline.storage.sources import File

PARTITIONS = {"content": CONTENT, "style": STYLE}
"""What the pictures of each side of the grid become."""

AT_ONCE = 32
"""Most new pictures of a side of the grid that one tick looks into: a tick has a minute."""


class Seen(BaseModel):
    """What is remembered of one side of the grid. Dagster keeps it with each tick for a week, so it is kept short.

    Attributes:
        last: the state of every file at the last tick, by slug; None: there was none.
        pending: those that weren't dealt with yet, as usable or not.
    """

    last: dict[str, str] | None = None
    pending: set[str] = set()


class Cursor(BaseModel):
    """What the sensor remembers."""

    content: Seen = Seen()
    style: Seen = Seen()


@dataclass
class Changes:
    """What a tick asks Dagster for, and what it says."""

    partitions: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = field(default_factory=list)
    launches: list[tuple[Launch, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def catalogue_sensor(open_project: Callable[[], Project]) -> dg.SensorDefinition:
    """The sensor, given how to open the project with its sources as they are now, which may be empty."""

    @dg.sensor(
        name="catalogue",
        description="Adds and removes partitions as pictures come and go, and decodes new and changed pictures. A file "
        "is left alone until it has stayed the same from one tick to the next; a place without any picture takes no "
        "partition away.",
        asset_selection=dg.AssetSelection.assets("content_image", "style_image"),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def catalogue(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor = Cursor.model_validate_json(context.cursor or "{}")
        lineage = Lineage(open_project())
        changes = Changes()
        for side, seen in zip(sides(lineage), (cursor.content, cursor.style), strict=True):
            there = context.instance.get_dynamic_partitions(side.name)
            _compare(side, seen, there, lineage, changes)
        for line in changes.lines:
            context.log.info(line)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=run_key, asset_selection=launch.keys, tags=launch.tags)
                for launch, run_key in changes.launches
            ],
            dynamic_partitions_requests=changes.partitions,
            skip_reason=None if changes.launches else "; ".join(changes.lines) or "no picture has settled or gone",
            cursor=cursor.model_dump_json(),
        )

    return catalogue


def _compare(side: Side, seen: Seen, there: Sequence[str], lineage: Lineage, changes: Changes) -> None:
    """What one side of the grid needs; ``seen`` is brought up to date."""
    now = {slug: _state(file) for slug, file in side.source.pictures.items()}
    last = seen.last or {}
    quiet = [slug for slug, state in now.items() if slug in seen.pending and last.get(slug) == state][:AT_ONCE]
    gone = [slug for slug in there if slug not in now and slug not in last] if seen.last is not None and now else []
    unusable = side.unusable(quiet, lineage)
    usable = [slug for slug in quiet if slug not in unusable]
    added = [slug for slug in usable if slug not in there]
    changed = {slug for slug, state in now.items() if last.get(slug) != state}
    seen.pending = ((seen.pending | changed) - set(quiet)) & set(now)
    seen.last = now

    if added:
        changes.partitions.append(PARTITIONS[side.name].build_add_request(added))
        changes.lines.append(f"new {side.name}: {', '.join(added)}")
    if gone:
        changes.partitions.append(PARTITIONS[side.name].build_delete_request(gone))
        changes.lines.append(f"{side.name} gone, what was made of it stays: {', '.join(gone)}")
    if there and not now:
        hint = f"the partitions of {side.name} stay, lest it be a mistake; if it isn't, delete them by hand"
        changes.lines.append(f"{side.source.location} holds no picture at all: {hint}")
    changes.lines += [f"left out: {problem}" for problem in unusable.values()]

    order = [slug for slug in (*there, *added) if slug not in gone]
    wanted = [slug in usable and lineage.outdated(side.rule, slug) for slug in order]
    barred = [slug not in usable for slug in order]
    for r in cover(np.array(wanted, bool)[:, None], lineage.project.batch, np.array(barred, bool)[:, None]):
        states = [f"{slug} {now[slug]}" for slug in order[r.top : r.bottom + 1] if slug in usable]
        run_key = sha256("\n".join((side.asset, *states)).encode()).hexdigest()
        changes.launches.append((Launch((side.asset,), (order[r.top], order[r.bottom]), False), run_key))


def _state(file: File) -> str:
    """A few letters that change when the file may have."""
    return sha256(f"{file.size} {file.modified}".encode()).hexdigest()[:12]
