"""Automation: jobs, schedule and sensors, as the UI offers them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import OF_CELLS, ArtefactId
from spnst_pipeline.defs.jobs import job_definition, jobs
from spnst_pipeline.defs.sensors.failures import failure_sensor
from spnst_pipeline.defs.sensors.gallery import gallery_sensor
from spnst_pipeline.defs.sensors.launcher import launcher_sensor
from spnst_pipeline.defs.sensors.sources import catalogue_sensor
from spnst_pipeline.project import Project, all_of
from spnst_pipeline.settings import Settings
from spnst_pipeline.shard import WHOLE, Shard

NIGHTLY = "0 2 * * *"


def cells(shard: Shard) -> dg.AssetSelection:
    """Everything that can be made as soon as its own inputs are there; sheets and gallery wait for all cells."""
    waiting: dg.AssetSelection = dg.AssetSelection.groups("contact_sheets", "gallery")
    if shard.is_first:  # the others have no tables
        tables = (ArtefactId("metric_table"), ArtefactId("comparison"))
        waiting |= dg.AssetSelection.assets(*(table.key_in(shard) for table in tables))
    return dg.AssetSelection.all() - waiting


def at_once(recipes: Sequence[Recipe], experiments: Sequence[Experiment], shard: Shard = WHOLE) -> dg.AssetSelection:
    """`cells` without films that no recipe asks for, and without experiments, whose pictures are chosen by hand."""
    grid = {recipe.name for recipe in recipes}
    unasked = [ArtefactId("timelapse", recipe.name) for recipe in recipes if not recipe.record_every]
    unasked += [
        ArtefactId(asset, recipe.name)
        for recipe in all_of((), experiments)
        for asset in OF_CELLS
        if recipe.name not in grid
    ]
    if shard.is_first:
        unasked += [ArtefactId("experiment", experiment=experiment.name) for experiment in experiments]
    chosen = cells(shard)
    return chosen - dg.AssetSelection.assets(*(asset.key_in(shard) for asset in unasked)) if unasked else chosen


_missing = dg.AutomationCondition.missing()
_asked_for = dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()

AT_ONCE = (
    (
        (_missing & dg.AutomationCondition.initial_evaluation())
        | _missing.newly_true()
        | dg.AutomationCondition.any_deps_updated()
    ).since(_asked_for)
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("at once")
"""Make a partition as soon as its inputs are there, and again when they change.

As `dg.AutomationCondition.eager`, but what was missing before the sensor was switched on is made too. Each is asked for
once: a cell that fails isn't tried again until one of its inputs changes.
"""


def figures(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor for Prometheus, where the settings name a folder for it."""
    if not settings.prometheus:
        return []
    from spnst_pipeline.defs.sensors.queue import queue_sensor  # prometheus_client is an extra

    return [queue_sensor(Path(settings.prometheus).expanduser())]


def automation(settings: Settings, recipes: Sequence[Recipe], experiments: Sequence[Experiment]) -> dg.Definitions:
    """Everything that starts runs without a user naming assets and partitions."""

    shard = settings.part

    def project() -> Project:
        return Project.open(settings)

    nightly = dg.ScheduleDefinition(
        name="nightly",
        job_name="stylize_missing",
        cron_schedule=NIGHTLY,
        description="Asks for everything that is missing or outdated, every night at two (UTC).",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    at_once = dg.AutomationConditionSensorDefinition(
        name="stylize_at_once",
        target=cells(shard),
        description="Paints every new picture at once, and what was missing before this was switched on.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    offered = jobs(experiments, shard)
    return dg.Definitions(
        jobs=[job_definition(job, {**(settings.cpu_run_tags or {}), **shard.tags}) for job in offered],
        schedules=[nightly],
        sensors=[
            launcher_sensor(project, offered, shard),
            catalogue_sensor(lambda: Project.open(settings, empty=True), shard),
            gallery_sensor(tuple(recipe.name for recipe in recipes), project, time.time, shard),
            at_once,
            *([failure_sensor(settings.failure_webhook.get_secret_value())] if settings.failure_webhook else []),
            *figures(settings),
        ],
    )
