"""Jobs: what a user can ask for with one click.

The run of a job only asks: it logs what is to be made. The launcher then starts the runs that make it, and tags the
asking run with their outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
from pydantic import Field

from spnst_core.errors import InputError, closest
from spnst_core.recipes.experiments import Experiment
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.planning.grid import checked, synchronised
from spnst_pipeline.planning.plan import (
    DRAWING,
    EVERYTHING,
    EXPERIMENT,
    PREPARATION,
    REPORTING,
    Grid,
    Phase,
    Plan,
    phases_of,
)
from spnst_pipeline.project import Project
from spnst_pipeline.shard import WHOLE, Shard
from spnst_pipeline.wording import counted

ROLE = "spnst/role"
"""Tag of the runs of jobs."""

OUTCOME = "spnst/outcome"
"""Tag of the run of a job, once what it asked for is over: ``done 12/12``, ``failed 3`` or ``cancelled``."""


class Selection(dg.Config):
    """The part of the grid to make, as chosen in the Launchpad."""

    contents: list[str] = Field([], description="Partition keys of the contents; if empty, all of them.")
    styles: list[str] = Field([], description="Partition keys of the styles; if empty, all of them.")
    force: bool = Field(False, description="Make everything again, even what is up to date.")


class Request(Selection):
    """A selection for jobs that paint: it can also name recipes."""

    recipes: list[str] = Field([], description="Names of the recipes to paint and measure; if empty, all of them.")


@dataclass(frozen=True)
class Job:
    """A job: its name, its phases, and its description in the UI.

    Attributes:
        recipes: names of the recipes whose cells it makes; if empty, those that are asked for, or all of the grid.
    """

    name: str
    phases: tuple[Phase, ...]
    description: str
    config: type[Selection] = Request
    recipes: tuple[str, ...] = ()

    @property
    def op(self) -> str:
        """The name of its only op."""
        return f"plan_{self.name}"

    def grid(self, project: Project, grid: Grid, config: Selection) -> Grid:
        """The part of a grid that is asked for."""
        asked = self._recipes(config)
        known = {recipe.name: recipe for recipe in project.every_recipe}
        recipes = [known[name] for name in asked if name in known] if asked else project.recipes
        return replace(grid, recipes=recipes, rows=config.contents or None, columns=config.styles or None)

    def require_known(self, project: Project, config: Selection) -> None:
        """Check that everything asked for exists.

        Raises:
            InputError: a recipe, content or style doesn't exist, or a content is in another shard.
        """
        recipes = [recipe.name for recipe in project.every_recipe]
        for kind, known, names in (
            ("recipe", recipes, self._recipes(config)),
            ("content", project.contents.pictures, config.contents),
            ("style", project.styles.pictures, config.styles),
        ):
            for name in names:
                if kind == "content" and name in known and project.shard.having(name) != project.shard:
                    place = project.shard.having(name)
                    raise InputError(f'content "{name}" is in shard {place}, not in {project.shard}: launch it there')
                if name not in known:
                    raise InputError(f'the project has no {kind} "{name}"{closest(name, known)}')

    def _recipes(self, config: Selection) -> Sequence[str]:
        return self.recipes or (config.recipes if isinstance(config, Request) else ())


_JOBS = (
    Job(
        "precompute",
        PREPARATION,
        "Asks for new and changed pictures to be decoded, and for their targets.",
        Selection,
    ),
    Job("stylize_missing", EVERYTHING, "Asks for everything that is missing or outdated."),
    Job("refresh_gallery", REPORTING, "Asks for metrics of new cells, and for tables, sheets and gallery."),
)


def jobs(experiments: Sequence[Experiment], shard: Shard = WHOLE) -> list[Job]:
    """Every job of a shard, one for each experiment among them."""
    trials = [
        Job(
            f"experiment_{experiment.name}",
            EXPERIMENT,
            f"Asks for chosen contents in chosen styles by every recipe of an experiment. {experiment.description}",
            Selection,
            tuple(recipe.name for recipe in experiment.recipes),
        )
        for experiment in experiments
    ]
    return [replace(job, phases=phases_of(shard, job.phases)) for job in (*_JOBS, *trials)]


def job_definition(job: Job, tags: Mapping[str, Any] = MappingProxyType({})) -> dg.JobDefinition:
    """The job as the UI offers it. Its run makes the partitions those of the pictures, and logs what is to be made.

    Args:
        job: what it asks for.
        tags: further tags of its runs, which use no networks.
    """

    if TYPE_CHECKING:
        Config: TypeAlias = Selection
    else:
        Config = job.config  # Dagster makes the config's schema from the annotation

    @dg.op(name=job.op, description=job.description, out=dg.Out(dg.Nothing))
    def plan(context: dg.OpExecutionContext, config: Config, project: dg.ResourceParam[Project]) -> None:
        usable = checked(project)
        for line in (*usable.contents.left_out, *usable.styles.left_out):
            context.log.warning(f"left out: {line}")
        job.require_known(usable, config)
        grid = job.grid(usable, synchronised(usable, context.instance), config)
        ahead = job.phases[0] in PREPARATION
        lineage = Lineage(usable, ahead=ahead, force=config.force)
        # What sheets will show can't be told ahead of the cells.
        plans = [phase(lineage, grid) for phase in job.phases if not (ahead and phase in DRAWING)]
        for line in lineage.damage():
            context.log.warning(line)
        for planned in plans:
            context.log.info(_line(planned))
        context.log.info(f"this run only asks: the sensor launcher starts the runs, and sets the tag {OUTCOME} here")
        context.add_output_metadata({planned.phase: _line(planned) for planned in plans})

    @dg.job(
        name=job.name,
        description=f"{job.description} A run of this job makes nothing itself: the sensor `launcher` starts the runs "
        f"that do, as few as cover what is asked for, and then sets the tag `{OUTCOME}` of this one.",
        tags={**tags, ROLE: "request"},
    )
    def definition() -> None:
        plan()

    return definition


def _line(plan: Plan) -> str:
    wanted = ", ".join(f"{count} {asset}" for asset, count in plan.wanted.items())
    return (
        f"{plan.phase}: {wanted} in {counted(len(plan.launches), 'run')}"
        if wanted
        else f"{plan.phase}: nothing to make"
    )
