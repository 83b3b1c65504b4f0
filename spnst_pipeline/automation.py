"""Automation: jobs, schedule and sensors, as the UI offers them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dagster as dg

from spnst_core.recipes import Recipe
from spnst_pipeline.catalogue_sensor import catalogue_sensor
from spnst_pipeline.gallery_sensor import gallery_sensor
from spnst_pipeline.jobs import JOBS, job_definition
from spnst_pipeline.launcher import launcher_sensor
from spnst_pipeline.resources import Project, load_recipes
from spnst_pipeline.settings import Settings

NIGHTLY = "0 2 * * *"

TABLES = dg.AssetSelection.assets("metric_table", "comparison")
CELLS = dg.AssetSelection.all() - dg.AssetSelection.groups("gallery") - TABLES
"""Everything that can be made as soon as its own inputs are there; sheets and gallery wait until it is calm."""


def at_once(recipes: Sequence[Recipe]) -> dg.AssetSelection:
    """The same without the films that no recipe asks for."""
    unasked = [dg.AssetKey(["timelapse", recipe.name]) for recipe in recipes if not recipe.record_every]
    return CELLS - dg.AssetSelection.assets(*unasked) if unasked else CELLS


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


def automation(settings: Settings) -> dg.Definitions:
    """Everything that starts runs without a user naming assets and partitions."""

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
        target=CELLS,
        description="Paints every new picture at once, and what was missing before this was switched on.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    return dg.Definitions(
        jobs=[job_definition(job) for job in JOBS],
        schedules=[nightly],
        sensors=[
            launcher_sensor(project),
            catalogue_sensor(lambda: Project.open(settings, empty=True)),
            gallery_sensor(tuple(recipe.name for recipe in load_recipes(settings)), project, time.time),
            at_once,
        ],
    )
