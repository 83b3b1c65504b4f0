"""The catalogue's sensor: partitions come and go with the pictures of the sources, and new pictures are decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import dagster as dg
import numpy as np
from pydantic import BaseModel

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.planning.grid import Side, at_work, sides
from spnst_pipeline.planning.plan import Launch
from spnst_pipeline.planning.rectangles import cover
from spnst_pipeline.project import Project
from spnst_pipeline.shard import WHOLE, Shard
from spnst_pipeline.storage.blends import Blend
from spnst_pipeline.storage.files import File

MOST_PICTURES = 32
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


def catalogue_sensor(open_project: Callable[[], Project], shard: Shard = WHOLE) -> dg.SensorDefinition:
    """The sensor, given how to open the project with its sources as they are now, which may be empty."""
    decoded = (ArtefactId("content_image"), ArtefactId("style_image"))

    @dg.sensor(
        name="catalogue",
        description="Adds and removes partitions as pictures come and go, and decodes new and changed pictures. A file "
        "is left alone until it has stayed the same from one tick to the next; a place without any picture takes no "
        "partition away.",
        asset_selection=dg.AssetSelection.assets(*(asset.key_in(shard) for asset in decoded)),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def catalogue(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before, lineage = Cursor.model_validate_json(context.cursor or "{}"), Lineage(open_project())
        cpu_tags = lineage.project.settings.cpu_run_tags or {}
        keep = at_work(context.instance)  # a run whose partitions vanish fails
        differences = [
            _difference(side, seen, context.instance.get_dynamic_partitions(side.partitions), lineage, keep)
            for side, seen in zip(sides(lineage), (before.content, before.style), strict=True)
        ]
        content, style = map(_remembered, (before.content, before.style), differences)
        launches = [launch for difference in differences for launch in _launches(difference, lineage)]
        lines = [line for difference in differences for line in _lines(difference)]
        for line in lines:
            context.log.info(line)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=run_key, asset_selection=launch.keys_in(shard), tags={**cpu_tags, **launch.tags})
                for launch, run_key in launches
            ],
            dynamic_partitions_requests=[request for each in differences for request in _requests(each)],
            skip_reason=None if launches else "; ".join(lines) or "no picture has settled or gone",
            cursor=Cursor(content=content, style=style).model_dump_json(),
        )

    return catalogue


@dataclass(frozen=True)
class _Difference:
    """How one side of the grid differs from its partitions.

    Attributes:
        there: the partitions, by slug.
        now: the state of every file, by slug.
        usable: files that have settled and can be decoded.
        unusable: what is wrong with those that have settled and can't, by slug.
        unreachable: why some that have settled couldn't be read, by slug; the next tick tries again.
        gone: partitions whose file wasn't there at this tick nor at the last one.
    """

    side: Side
    there: Sequence[str]
    now: Mapping[str, str]
    usable: Sequence[str]
    unusable: Mapping[str, str]
    unreachable: Mapping[str, str]
    gone: Sequence[str]

    @property
    def added(self) -> list[str]:
        """Usable files that have no partition yet."""
        return [slug for slug in self.usable if slug not in self.there]


def _difference(side: Side, seen: Seen, there: Sequence[str], lineage: Lineage, keep: bool) -> _Difference:
    """How a side differs now, given what was seen of it at the last tick; with ``keep``, no partition is gone.

    Nor is one where the source has no picture at all.
    """
    now = {slug: _state(side.source.pictures[slug]) for slug in side.keys}
    settled = _settled(now, seen)
    problems = side.problems(settled, lineage)
    usable = [slug for slug in settled if slug not in problems.unusable and slug not in problems.unreachable]
    gone = [] if keep or not side.source.pictures else _gone(now, seen, there)
    return _Difference(side, there, now, usable, problems.unusable, problems.unreachable, gone)


def _settled(now: Mapping[str, str], seen: Seen) -> list[str]:
    """Files that are to be dealt with in this tick: pending ones that are as they were at the last tick."""
    last = seen.last or {}
    return [slug for slug, state in now.items() if slug in seen.pending and last.get(slug) == state][:MOST_PICTURES]


def _gone(now: Mapping[str, str], seen: Seen, there: Sequence[str]) -> list[str]:
    """Partitions without a file for two ticks."""
    if seen.last is None:
        return []
    return [slug for slug in there if slug not in now and slug not in seen.last]


def _remembered(seen: Seen, difference: _Difference) -> Seen:
    """What to remember until the next tick."""
    now, last = difference.now, seen.last or {}
    changed = {slug for slug, state in now.items() if last.get(slug) != state}
    dealt_with = {*difference.usable, *difference.unusable}
    return Seen(last=dict(now), pending=((seen.pending | changed) - dealt_with) & set(now))


def _requests(
    difference: _Difference,
) -> Iterator[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """Partitions to add and to delete."""
    if difference.added:
        yield dg.AddDynamicPartitionsRequest(difference.side.partitions, difference.added)
    if difference.gone:
        yield dg.DeleteDynamicPartitionsRequest(difference.side.partitions, difference.gone)


def _lines(difference: _Difference) -> Iterator[str]:
    """The same in words, and what is wrong."""
    name = difference.side.name
    if difference.added:
        yield f"new {name}: {', '.join(difference.added)}"
    if difference.gone:
        yield f"{name} gone, what was made of it stays: {', '.join(difference.gone)}"
    if difference.there and not difference.side.source.pictures:
        hint = f"the partitions of {name} stay, lest it be a mistake; if it isn't, delete them by hand"
        yield f"{difference.side.source.location} holds no picture at all: {hint}"
    yield from (f"left out: {problem}" for problem in difference.unusable.values())
    yield from (f"couldn't be read, and is tried again: {problem}" for problem in difference.unreachable.values())


def _launches(difference: _Difference, lineage: Lineage) -> Iterator[tuple[Launch, str]]:
    """Runs that decode what is new or changed, each with a key that is the same for the same states of its files."""
    side, usable = difference.side, difference.usable
    order = [slug for slug in (*difference.there, *difference.added) if slug not in difference.gone]
    wanted = [slug in usable and lineage.outdated(side.rule, slug) for slug in order]
    barred = [slug not in usable for slug in order]
    for r in cover(np.array(wanted, bool)[:, None], lineage.project.settings.batch, np.array(barred, bool)[:, None]):
        states = [f"{slug} {difference.now[slug]}" for slug in order[r.top : r.bottom + 1] if slug in usable]
        run_key = sha256("\n".join((side.asset.name, *states)).encode()).hexdigest()
        yield Launch((side.asset,), (order[r.top], order[r.bottom]), False), run_key


def _state(file: File | Blend) -> str:
    """A few letters that change when the file may have."""
    return sha256(f"{file.size} {file.modified}".encode()).hexdigest()[:12]
