"""Execution: bring a whole project up to date in this process, with a persistent Dagster instance beside the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

import dagster as dg

from spnst_core import images
from spnst_core.errors import InputError
from spnst_core.recipes import Recipe
from spnst_core.targets import canvas
from spnst_pipeline.definitions import build
from spnst_pipeline.lineage import Artefact, Lineage
from spnst_pipeline.partitions import Span, rectangles, spans
from spnst_pipeline.progress import Listener, work
from spnst_pipeline.resources import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.sources import Folder

HOME = ".dagster"
"""Folder inside the store that is the project's DAGSTER_HOME."""

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def checked(project: Project) -> Project:
    """The project without pictures that can't be used, found by decoding those that aren't in the store yet.

    Raises:
        InputError: no content or no style is left, or the networks can't be loaded. Nothing was written.
    """
    _ = project.models  # an unknown profile or device is told before anything is written
    lineage = Lineage(project)
    smallest = min(project.content_sizes)

    def content(path: Path) -> None:
        canvas(images.to_tensor(images.decode(path)), smallest)

    def style(path: Path) -> None:
        images.decode(path)

    contents = _unusable(project.contents, lineage, lineage.content_image, content)
    styles = _unusable(project.styles, lineage, lineage.style_image, style)
    for folder, problems in ((project.contents, contents), (project.styles, styles)):
        if len(problems) == len(folder.pictures):
            raise InputError(f"no picture in {folder.path} can be used: {next(iter(problems.values()))}")
    return project.without(contents, styles)


def _unusable(
    folder: Folder, lineage: Lineage, rule: Callable[[str], Artefact], check: Callable[[Path], None]
) -> dict[str, str]:
    """Pictures that fail a check, as slug → why; those already in the store have passed it."""
    problems: dict[str, str] = {}
    for key, path in folder.pictures.items():
        if lineage.is_current(rule(key)):
            continue
        try:
            check(path)
        except InputError as error:
            message = str(error)
            problems[key] = message if str(path) in message else f"{path}: {message}"
    return problems


def open_home(settings: Settings, store: Path) -> dg.DagsterInstance:
    """The project's Dagster instance, made when it isn't there, with the settings beside it for the UI."""
    home = store / HOME
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text((resources.files("spnst_pipeline") / "dagster.yaml").read_text("utf-8"))
    (home / "spnst.yaml").write_text(settings.to_yaml(home), "utf-8")
    return dg.DagsterInstance.from_config(str(home))


class Execution:
    """Makes what is missing or outdated, and nothing else, in as few Dagster runs as cover it.

    Each kind of artefact is planned when its inputs are made, by the rule that its asset uses. What fails is noted,
    and everything that doesn't depend on it is made.
    """

    def __init__(self, project: Project, instance: dg.DagsterInstance, listener: Listener) -> None:
        self.failed: list[str] = []
        """One line for each partition that failed."""
        self.runs: list[str] = []
        """Ids of the Dagster runs."""
        self._project, self._instance, self._listener = project, instance, listener
        self._job = build(project.recipes, project, listener).resolve_implicit_global_asset_job_def()
        self._contents = _sync(instance, "content", project.contents.pictures)
        self._styles = _sync(instance, "style", project.styles.pictures)

    def bring_up_to_date(self) -> None:
        """Every artefact of the project."""
        rules = Lineage(self._project)
        contents = {"content_image": rules.content_image, "depth_map": rules.depth_map, "edge_map": rules.edge_map}
        styles = {"style_image": rules.style_image, "style_grams": rules.style_grams}
        self._make_each("preparing photographs", rules, contents, self._contents)
        self._make_each("preparing paintings", rules, styles, self._styles)

        rules = Lineage(self._project)
        self._make_cells("painting", "pastiche", rules, rules.pastiche, work)

        rules = Lineage(self._project)
        self._make_cells("measuring", "metrics", rules, rules.metrics, lambda _: 1)

        rules = Lineage(self._project)
        self._make_each("drawing rows", rules, {"contact_sheet/content": rules.content_sheet}, self._contents)
        self._make_each("drawing columns", rules, {"contact_sheet/style": rules.style_sheet}, self._styles)

        summaries = {
            "metric_table": rules.metric_table,
            "contact_sheet/grid": rules.grid_sheet,
            "gallery": rules.gallery,
        }
        if rules.cells(rules.metrics) and any(map(rules.outdated, summaries.values())):
            self._listener.phase("drawing the gallery", len(summaries))
            self._run(summaries)

    def _make_each(
        self, name: str, rules: Lineage, assets: Mapping[str, Callable[[str], Artefact]], order: Sequence[str]
    ) -> None:
        """Assets with one partition for each content or style: those partitions where any of them is outdated."""
        wanted = [key for key in order if any(rules.outdated(rule, key) for rule in assets.values())]
        if wanted:
            self._listener.phase(name, len(wanted) * len(assets))
        for span in spans(wanted, order):
            self._run(assets, span)

    def _make_cells(
        self,
        name: str,
        kind: str,
        rules: Lineage,
        rule: Callable[[Recipe, str, str], Artefact],
        effort: Callable[[Recipe], int],
    ) -> None:
        """Outdated cells of the grid; recipes that want the same rectangle share a run."""
        runs: dict[Span, list[str]] = {}
        efforts: list[int] = []
        for recipe in self._project.recipes:
            cells = {(c, s) for c in self._contents for s in self._styles if rules.outdated(rule, recipe, c, s)}
            efforts += [effort(recipe)] * len(cells)
            for rectangle in rectangles(cells, self._contents, self._styles):
                runs.setdefault(rectangle, []).append(f"{kind}/{recipe.name}")
        if runs:
            self._listener.phase(name, sum(efforts), len(efforts))
        for rectangle, assets in runs.items():
            self._run(assets, rectangle)

    def _run(self, assets: Iterable[str], span: Span | None = None) -> None:
        result = self._job.execute_in_process(
            instance=self._instance,
            asset_selection=[dg.AssetKey(asset.split("/")) for asset in assets],
            tags=dict(zip(_RANGE, span, strict=True)) if span else {},
            run_config=_QUIET,
            raise_on_error=False,
        )
        self.runs.append(result.run_id)
        self.failed += _failures(result)


def _sync(instance: dg.DagsterInstance, partitions: str, pictures: Collection[str]) -> Sequence[str]:
    """Make the dynamic partitions those of the folder, and give their order.

    What was made for a picture that is gone stays in the store.
    """
    there = set(instance.get_dynamic_partitions(partitions))
    for gone in sorted(there - set(pictures)):
        instance.delete_dynamic_partition(partitions, gone)
    instance.add_dynamic_partitions(partitions, sorted(set(pictures) - there))
    return instance.get_dynamic_partitions(partitions)


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line for each partition or asset that failed.

    Raises:
        KeyboardInterrupt: the run was interrupted, which Dagster reports as a failed step.
    """
    lines: list[str] = []
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                lines += data.user_failure_data.description.splitlines()
            elif data.error and data.error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
                raise KeyboardInterrupt
            elif data.error:
                lines.append(f"{event.step_key}: {' '.join(data.error.message.split())}")
    return lines
