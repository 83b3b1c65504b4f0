"""Execution: bring a whole project up to date in this process, with a persistent Dagster instance beside the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from urllib.parse import unquote

import dagster as dg

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.cli.records import BrokenOff, opening, using
from spnst_pipeline.dagster_private import job_of_all_assets, make_pool, open_records, run_failure, step_failure
from spnst_pipeline.definitions import build
from spnst_pipeline.defs.checkpoints import sweep
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.project_resource import project_resource
from spnst_pipeline.planning.grid import synchronised
from spnst_pipeline.planning.plan import EVERYTHING, Launch, Phase, Plan
from spnst_pipeline.progress import Listener, work
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.stale_runs import fail_stale_runs, process_tags
from spnst_pipeline.storage.places import Folder

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def require_usable_home(settings: Settings) -> None:
    """Find out whether Dagster can keep its records where the settings say; nothing is made.

    Raises:
        InputError: it can't be written, or Dagster can't keep records there.
    """
    home = settings.dagster_home
    path = str(home.absolute())
    if "?" in path or unquote(path) != path:  # Dagster makes an address of SQLite of it
        raise InputError(
            f'Dagster can\'t keep its records in {home}, because of the "{"?" if "?" in path else "%"}" in the path: '
            "name another folder with --home, or another store with --out"
        )
    Folder(home).require_writable()


def make_home(settings: Settings) -> None:
    """Make the folder of Dagster's records when it isn't there.

    Raises:
        InputError: as `require_usable_home`.
    """
    require_usable_home(settings)
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{home} can't be made ({error.strerror}): name another folder with --home") from error


def open_home(settings: Settings) -> dg.DagsterInstance:
    """The project's Dagster instance, made when it isn't there, with the settings beside it for the UI.

    Runs that a killed process left behind are reported as failed.

    Raises:
        InputError: its folder can't be written, or what lies in it can't be used.
        Unreachable: the database server that it names doesn't answer.
    """
    home = settings.dagster_home
    make_home(settings)
    place = Folder(home)
    if not (home / "dagster.yaml").exists():
        place.write("dagster.yaml", (resources.files("spnst_pipeline") / "dagster.yaml").read_bytes())
    place.write("spnst.yaml", settings.to_yaml(home).encode())
    with opening(home):
        instance = open_records(home)
        make_pool(instance, "gpu")
        fail_stale_runs(instance)
    return instance


class Execution:
    """Makes what is missing or outdated, and nothing else, in as few Dagster runs as cover it.

    What fails is noted, and everything that doesn't depend on it is made.
    """

    def __init__(self, project: Project, instance: dg.DagsterInstance, listener: Listener) -> None:
        self.failed = [*project.contents.unreachable.values(), *project.styles.unreachable.values()]
        """One line for each picture that couldn't be read, and for each partition that failed."""
        self.runs: list[str] = []
        """Ids of the Dagster runs."""
        self._project, self._instance, self._listener = project, instance, listener
        resource = project_resource(project.settings, project)
        batch = project.settings.batch
        graph = build(project.recipes, resource, listener, batch, project.experiments, project.drafts)
        with using(project.settings.dagster_home):
            self._job = job_of_all_assets(graph)  # it asks the records for definitions whose state is kept there
            self._grid = replace(synchronised(project, instance), recipes=project.every_recipe)

    def bring_up_to_date(self, force: bool = False, phases: Sequence[Phase] = EVERYTHING) -> None:
        """Make every artefact of some phases.

        Args:
            force: make those too that are up to date.
            phases: what to make, in this order; by default the whole project.
        """
        for phase in phases:
            lineage = Lineage(self._project, force=force)
            plan = phase(lineage, self._grid)
            for line in lineage.damage():
                self._listener.note(line)
            if plan.launches:
                self._listener.phase(plan.phase, self._effort(plan), plan.cells)
            for launch in plan.launches:
                self._run(launch)
        sweep(self._project.checkpoints, Lineage(self._project))

    def blocked(self) -> list[str]:
        """One line for each cell that a failed check keeps from sheets, tables and gallery."""
        lineage = Lineage(self._project)
        recipes = self._project.every_recipe
        lineage.look_at_targets()
        lineage.look_at_cells(recipes)
        cells = lineage.blocked_cells(lineage.contents(), lineage.styles(), recipes)
        return [f"{pastiche.id}: {reason}" for pastiche, reason in cells]

    def _effort(self, plan: Plan) -> int:
        """The total that the listener is told: the `work` of every cell to paint, plus one for every other artefact."""
        costs = {ArtefactId("pastiche", recipe.name).step: work(recipe) for recipe in self._project.every_recipe}
        return sum(count * costs.get(step, 1) for step, count in plan.steps.items())

    def _run(self, launch: Launch) -> None:
        try:
            with using(self._project.settings.dagster_home):
                result = self._job.execute_in_process(
                    instance=self._instance,
                    asset_selection=launch.keys,
                    tags={**launch.tags, **process_tags()},
                    run_config={**_QUIET, **launch.config},
                    raise_on_error=False,
                )
        except BrokenOff as error:
            self.failed.append(f"{', '.join(map(str, launch.assets))}: {error}")
            return
        except InputError:
            raise
        except Exception as error:  # such as partitions that were deleted by hand meanwhile; the other runs go on
            self.failed.append(f"{', '.join(map(str, launch.assets))}: {in_one_line(error)}")
            return
        self.runs.append(result.run_id)
        self.failed += failures(result)


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line for each partition or asset that failed; if it was none of them, one for the run.

    Raises:
        KeyboardInterrupt: the run was interrupted, which Dagster reports as a failed step or a failed run.
    """
    lines: list[str] = []
    for event in result.all_events:
        if event.is_step_failure:
            step = step_failure(event)
            if step.description:
                lines += step.description.splitlines()
            elif step.error == dg.DagsterExecutionInterruptedError.__name__:
                raise KeyboardInterrupt
            elif step.error or step.message:
                said, _, _ = step.message.partition(" [SQL: ")  # SQLAlchemy adds the statement, which can be long
                lines.append(f"{ArtefactId.from_step(event.step_key or '')}: {said}")
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE and not lines:
            run = run_failure(event)
            if run.interrupted:
                raise KeyboardInterrupt
            if run.message:
                lines.append(f"run {result.run_id}: {run.message}")
    if not result.success and not lines:
        lines.append(f"run {result.run_id}: terminated")
    return lines
