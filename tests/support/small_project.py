"""A small project that is really run: two photographs, two paintings, two recipes of a few steps, 48 pixels."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
from PIL import Image

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.cli.execution import Execution, open_home
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

RECIPES = {
    "structure": "weights: {edge: 0.2, depth: 0.15, tv: 0.05}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n",
    "gatys": "weights: {tv: 0.05}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n",
}
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

    def batch(self, recipe: Recipe, content: str, styles: Sequence[str]) -> None:
        self.batches.append((recipe.name, content, tuple(styles)))

    def step(self, iterate) -> None:
        self.steps += 1

    def made(self, artefact: ArtefactId) -> None:
        self.keys.append(artefact.path)


@dataclass(frozen=True)
class Run:
    """What one run left behind."""

    execution: Execution
    recorder: Recorder
    project: Project


@dataclass(frozen=True)
class Workplace:
    """Folders of a small project, with its settings."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    def settings(self, **changes) -> Settings:
        given = {
            "content": str(self.root / "photos"),
            "style": str(self.root / "paintings"),
            "out": str(self.out),
            "recipes": tuple(str(self.root / f"{name}.yaml") for name in RECIPES),
            "profile": "embedded",
            "size": 48,
            "device": "cpu",
        }
        return Settings.load(**{**given, **changes})

    def run(self, recorder: Recorder | None = None, force: bool = False, **changes) -> Run:
        settings = self.settings(**changes)
        project = checked(Project.open(settings))
        recorder = recorder or Recorder()
        with open_home(settings) as instance:
            execution = Execution(project, instance, recorder)
            execution.bring_up_to_date(force)
        return Run(execution, recorder, project)

    def copied(self, root: Path) -> "Workplace":
        shutil.copytree(self.root, root)
        return Workplace(root)

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.out / ".dagster"))


def furnish(root: Path) -> Workplace:
    for folder, names, seed in (("photos", CONTENTS, 1), ("paintings", STYLES, 11)):
        (root / folder).mkdir(parents=True)
        for number, name in enumerate(names):
            draw(seed + number).save(root / folder / f"{name}.png")
    for name, text in RECIPES.items():
        (root / f"{name}.yaml").write_text(text)
    return Workplace(root)
