"""Jobs: what a user can ask for with one click. A job tells what it will make; the launcher then starts the runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import dagster as dg
from pydantic import Field

from spnst_core.errors import InputError, closest
from spnst_core.recipes import Recipe
from spnst_pipeline.catalogue import checked, synchronised
from spnst_pipeline.lineage import Lineage
from spnst_pipeline.plan import DRAWING, EVERYTHING, GALLERY, PREPARATION, Phase, Plan
from spnst_pipeline.resources import Project


class Request(dg.Config):
    """What to ask for in the Launchpad."""

    recipes: list[str] = Field([], description="Recipes to paint and to measure, by name; none named: all of them.")
    force: bool = Field(False, description="Make everything again, even what is up to date.")


class Job(NamedTuple):
    """A job by its name: its phases, and how the UI describes it."""

    name: str
    phases: tuple[Phase, ...]
    description: str

    @property
    def op(self) -> str:
        """The name of its only op."""
        return f"plan_{self.name}"


JOBS = (
    Job("precompute", PREPARATION, "Decode new and changed pictures, and prepare what they ask of a pastiche."),
    Job("stylize_missing", EVERYTHING, "Make everything that is missing or outdated, in as few runs as cover it."),
    Job("refresh_gallery", GALLERY, "Score new cells; bring table, contact sheets and gallery up to date."),
)


def chosen(recipes: Sequence[Recipe], names: Sequence[str]) -> list[Recipe]:
    """The recipes of these names; all if none is named.

    Raises:
        InputError: a name that isn't among them.
    """
    known = {recipe.name: recipe for recipe in recipes}
    for name in names:
        if name not in known:
            raise InputError(f'the project has no recipe "{name}"{closest(name, known)}; it has {", ".join(known)}')
    return [known[name] for name in names] or list(recipes)


def job_definition(job: Job) -> dg.JobDefinition:
    """The job as the UI offers it. Its run makes the partitions those of the pictures, and logs what is to be made."""

    @dg.op(name=job.op, description=job.description, out=dg.Out(dg.Nothing))
    def plan(context: dg.OpExecutionContext, config: Request, project: dg.ResourceParam[Project]) -> None:
        usable = checked(project)
        for line in (*usable.contents.left_out, *usable.styles.left_out):
            context.log.warning(f"left out: {line}")
        grid = replace(synchronised(usable, context.instance), recipes=chosen(project.recipes, config.recipes))
        ahead = job.phases[0] in PREPARATION
        lineage = Lineage(usable, ahead=ahead, force=config.force)
        # What sheets will show can't be told ahead of the cells.
        plans = [phase(lineage, grid) for phase in job.phases if not (ahead and phase in DRAWING)]
        for planned in plans:
            context.log.info(_line(planned))
        context.add_output_metadata({planned.phase: _line(planned) for planned in plans})

    @dg.job(name=job.name, description=f"{job.description} The sensor `launcher` starts the runs.")
    def definition() -> None:
        plan()

    return definition


def _line(plan: Plan) -> str:
    wanted = ", ".join(f"{count} {asset}" for asset, count in plan.wanted.items())
    return f"{plan.phase}: {wanted} in {len(plan.launches)} runs" if wanted else f"{plan.phase}: nothing to make"
