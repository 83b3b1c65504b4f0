"""The gallery's sensor: when cells have landed and it is calm again, scores, sheets and gallery are asked for.

Dagster itself never calls an asset stale that has a hundred or more partitions upstream.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from spnst_pipeline.artefacts.identity import OF_CELLS, ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.sensors.launcher import UNFINISHED
from spnst_pipeline.planning.grid import known_grid
from spnst_pipeline.planning.plan import REPORTING, phases_of
from spnst_pipeline.project import Project
from spnst_pipeline.shard import WHOLE, Shard

CALM = 60.0
"""Seconds without a new cell after which the gallery is refreshed."""


def gallery_sensor(
    recipes: tuple[str, ...], open_project: Callable[[], Project], clock: Callable[[], float], shard: Shard = WHOLE
) -> dg.SensorDefinition:
    """The sensor, given the names of the recipes, how to open the project, seconds since 1970, and the shard.

    The first shard, whose gallery shows the cells of all, looks at those of all.
    """
    watched = shard.all if shard.is_first else (shard,)
    cells = [ArtefactId(asset, recipe).key_in(each) for each in watched for recipe in recipes for asset in OF_CELLS]

    @dg.sensor(
        name="new_cells",
        description="Asks for refresh_gallery when new cells have landed and none is being made.",
        job_name="refresh_gallery",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def new_cells(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = int(context.cursor or 0)
        records = [r for key in cells for r in context.instance.fetch_materializations(key, limit=1).records]
        newest = max(records, key=lambda record: record.storage_id, default=None)
        if newest is None or newest.storage_id <= seen:
            return dg.SensorResult(skip_reason="no new cells")
        running = context.instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
        if any(set(cells) & set(record.dagster_run.asset_selection or ()) for record in running):
            return dg.SensorResult(skip_reason="cells are being made")
        if clock() - newest.timestamp < CALM:
            return dg.SensorResult(skip_reason="cells landed a moment ago")
        project = open_project()
        grid = known_grid(context.instance, project)
        lineage = Lineage(project)
        cursor = str(newest.storage_id)
        if not any(phase(lineage, grid).launches for phase in phases_of(shard, REPORTING)):
            return dg.SensorResult(skip_reason="the gallery shows them already", cursor=cursor)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"cells up to {cursor}")], cursor=cursor)

    return new_cells
