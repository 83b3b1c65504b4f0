"""A small project that is really run: two contents, two styles, two recipes of a few steps, 48 pixels."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
from PIL import Image

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.cli.execution import Execution, failures, open_home
from spnst_pipeline.definitions import build
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.planning.plan import EVERYTHING, PREPARATION, Phase, painting
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

RECIPES = {
    "structure": "weights: {edge: 0.2, depth: 0.15, tv: 0.05}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n",
    "gatys": "weights: {tv: 0.05}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n",
}
PAINTED: tuple[Phase, ...] = (*PREPARATION, painting)
"""Everything up to the pastiches and their films: half of the time of a run goes to what is made of them."""

CONTENTS, STYLES = ("boat", "cat"), ("dots", "wave")


def draw(seed: int, width: int = 80, height: int = 60) -> Image.Image:
    """A smooth coloured pattern with a bright square, different for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 6, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    image.paste((250, 240, 40), (10 + seed % 20, 20, 30 + seed % 20, 40))
    return image


class Recorder(Listener):
    """Remembers what the assets told."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, str, tuple[str, ...]]] = []
        self.steps = 0
        self.keys: list[str] = []
        self.notes: list[str] = []

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self.batches.append((recipe.name, content, tuple(styles)))

    def step(self, iterate) -> None:
        self.steps += 1

    def made(self, artefact: ArtefactId) -> None:
        self.keys.append(artefact.path)

    def note(self, line: str) -> None:
        self.notes.append(line)


@dataclass(frozen=True)
class Run:
    """What one run left behind.

    Attributes:
        failed: one line for each partition that failed.
        runs: ids of the Dagster runs.
        recorder: what the assets told.
    """

    failed: list[str]
    runs: list[str]
    recorder: Recorder
    project: Project


@dataclass(frozen=True)
class Launched:
    """What came of a launch from the Launchpad.

    Attributes:
        keys: paths of the artefacts that were made.
        steps: how many steps the optimiser took.
        failed: one line for each partition that failed.
        events: what Dagster was told of each partition, in order.
    """

    keys: list[str]
    steps: int
    failed: list[str]
    events: list[dg.AssetMaterialization]

    def told(self, asset: str, partition: str | None = None) -> dict[str, object]:
        """What the last event of a partition shows."""
        *_, last = [e for e in self.events if (e.asset_key.to_user_string(), e.partition) == (asset, partition)]
        return {name: value.value for name, value in last.metadata.items()}


@dataclass(frozen=True)
class Workplace:
    """Folders of a small project, with its settings."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    def settings(self, **changes) -> Settings:
        given = {
            "content": str(self.root / "contents"),
            "style": str(self.root / "styles"),
            "out": str(self.out),
            "recipes": tuple(str(self.root / f"{name}.yaml") for name in RECIPES),
            "profile": "embedded",
            "size": 48,
            "device": "cpu",
        }
        return Settings.load(**{**given, **changes})

    def run(
        self,
        recorder: Recorder | None = None,
        force: bool = False,
        phases: Sequence[Phase] = EVERYTHING,
        **changes,
    ) -> Run:
        settings = self.settings(**changes)
        project = checked(Project.open(settings))
        recorder = recorder or Recorder()
        with open_home(settings) as instance:
            execution = Execution(project, instance, recorder)
            execution.bring_up_to_date(force, phases)
        return Run(execution.failed, execution.runs, recorder, project)

    def launch(self, *assets: str, key: str | None = None, **config) -> Launched:
        """Make one partition of some assets as the Launchpad does, with options for the step of the first."""
        recorder, project = Recorder(), Project.open(self.settings())
        chosen = [dg.AssetKey(asset.split("/")) for asset in assets]
        job = build(project.recipes, project, recorder, 64).resolve_implicit_global_asset_job_def()
        with self.instance() as instance:
            result = job.execute_in_process(
                instance=instance,
                asset_selection=chosen,
                partition_key=key,
                run_config={
                    "ops": {ArtefactId.from_asset_key(chosen[0]).step: {"config": config}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
                raise_on_error=False,
            )
        events = [e.step_materialization_data.materialization for e in result.all_events if e.is_step_materialization]
        return Launched(recorder.keys, recorder.steps, failures(result), events)

    def copied(self, root: Path) -> "Workplace":
        shutil.copytree(self.root, root)
        return Workplace(root)

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.out / ".dagster"))


def furnish(root: Path) -> Workplace:
    for folder, names, seed in (("contents", CONTENTS, 1), ("styles", STYLES, 11)):
        (root / folder).mkdir(parents=True)
        for number, name in enumerate(names):
            draw(seed + number).save(root / folder / f"{name}.png")
    for name, text in RECIPES.items():
        (root / f"{name}.yaml").write_text(text)
    return Workplace(root)
