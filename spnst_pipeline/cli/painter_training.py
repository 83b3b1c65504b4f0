"""One painter outside of any project: its style, contents and settings, read before training, and its files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spnst_core import InputError, Recipe, __version__, load_models, samples
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Overrides, fetch_models, find_device
from spnst_core.models.weights import Progress
from spnst_core.painters.course import Step, course, resume, split, to_checkpoint, warning_of_few
from spnst_core.painters.painter import Painter, style_digest
from spnst_core.painters.sheet import validation_sheet
from spnst_core.painters.training import Plan, Training, reduced
from spnst_pipeline.cli.output_files import require_writable
from spnst_pipeline.cli.painter_files import SUFFIX, read_painter
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.places import Folder
from spnst_pipeline.storage.sources import Source


@dataclass(frozen=True)
class PainterFiles:
    """Where a training writes: the painter, and beside it what shows and keeps the training while it lasts."""

    painter: Path

    @property
    def sheet(self) -> Path:
        """The validation sheet."""
        return self.painter.with_suffix(".validation.png")

    @property
    def checkpoint(self) -> Path:
        """What the training goes on from; it is removed when the painter is finished."""
        return self.painter.with_suffix(".checkpoint")

    def require_writable(self, sources: Sequence[Path], overwrite: bool) -> None:
        """Check that the painter can be written.

        Raises:
            InputError: as `spnst_pipeline.cli.output_files.require_writable`.
        """
        require_writable({"painter": (self.painter, (SUFFIX,))}, sources, overwrite)

    def write(self, file: Path, data: bytes) -> None:
        """Write one of them, which is replaced only when it is whole."""
        Folder(file.parent).write(file.name, data)


@dataclass(frozen=True)
class PainterTraining:
    """What to train on what, with what the settings choose."""

    style: Tensor
    contents: Mapping[str, Tensor]
    held_out: Mapping[str, Tensor]
    recipe: Recipe
    plan: Plan
    warm: Painter | None
    settings: Settings
    overrides: Overrides
    notes: tuple[str, ...]

    @classmethod
    def read(
        cls, style: Path, contents: str | None, recipe: str | None, plan: Plan, warm: Path | None, **flags: Any
    ) -> PainterTraining:
        """Read the pictures and settings.

        Args:
            style: the style's file.
            contents: a folder or prefix of contents to train on. By default those of the settings, and the sample
                contents.
            recipe: name or file of the recipe whose objective is minimised; by default ``structure``.
            plan: the plan; a painter to start from decides about the width.
            warm: a painter's file to start from.
            flags: settings, as for `Settings.load`.

        Raises:
            InputError: a picture, folder, recipe, painter or device that can't be used.
        """
        settings = Settings.load(**flags)
        find_device(settings.device)
        started = read_painter(warm) if warm else None
        if started:
            plan = replace(plan, width=started.network.width)
        picture, notes = image_io.read(style), list[str]()
        folder = contents or settings.content
        found = _read_contents(folder, settings.subfolders, plan.size, notes) if folder else {}
        if not contents:
            found |= {f"sample {k}": reduced(image_io.to_tensor(x), plan.size) for k, x in samples.contents().items()}
        if not found:
            raise InputError(f"none of the pictures in {contents} can be used: {'; '.join(notes)}")
        trained, held_out = split(found)
        few = warning_of_few(len(trained))
        overrides: Overrides = {"encoder": settings.encoder, "edges": settings.edges, "depth": settings.depth}
        return cls(
            picture,
            trained,
            held_out,
            Recipe.load(recipe or "structure"),
            plan,
            started,
            settings,
            overrides,
            (*notes, *([few] if few else [])),
        )

    def fetch_models(self, progress: Progress) -> None:
        """Download the networks' weight files that aren't in the cache.

        Raises:
            InputError: weights that can't be had.
        """
        fetch_models(self.settings.profile, **self.overrides, progress=progress)

    def begin(self, files: PainterFiles, note: Callable[[str], object]) -> Training:
        """The training, at its beginning or where its checkpoint has come to.

        Raises:
            InputError: as `Training`.
        """
        settings = self.settings
        torch.set_flush_denormal(True)
        models = load_models(settings.profile, settings.device, precision=settings.precision, **self.overrides)
        contents, held_out = list(self.contents.values()), list(self.held_out.values())
        weights = self.warm.network.state_dict() if self.warm else None
        training = Training(self.style, contents, held_out, self.recipe, models, self.plan, weights)
        if files.checkpoint.exists():
            try:
                resume(training, files.checkpoint.read_bytes())
                note(f"going on after step {training.steps:,}")
            except InputError as error:
                note(f"{files.checkpoint}: {error}; beginning anew")
        return training

    def finish(self, training: Training, files: PainterFiles, follow: Callable[[Training, Step], object]) -> Painter:
        """Train to the end and write the painter; a sheet shows each validation.

        Whatever ends the training early, its checkpoint is kept.

        Raises:
            Diverged: as `Training.step`.
            InputError: a file that can't be written.
        """
        kept = time.monotonic()
        try:
            for step in course(training):
                follow(training, step)
                if step.validation:
                    sheet = validation_sheet(training, self.style, step.validation[1])
                    files.write(files.sheet, image_io.encode_png(sheet))
                if 0 < self.settings.checkpoint_seconds <= time.monotonic() - kept:
                    files.write(files.checkpoint, to_checkpoint(training))
                    kept = time.monotonic()
        except BaseException:
            if training.steps:
                files.write(files.checkpoint, to_checkpoint(training))
            raise
        painter = Painter.trained(
            training, style_digest(self.style), {"spnst": __version__, "torch": torch.__version__}
        )
        files.write(files.painter, painter.to_bytes())
        files.checkpoint.unlink(missing_ok=True)
        return painter


def _read_contents(location: str, subfolders: bool, size: int, notes: list[str]) -> dict[str, Tensor]:
    """The contents of a folder or prefix, reduced to what a training needs; ``notes`` gets those that can't be used."""
    source, found = Source.open(location, "content", subfolders), dict[str, Tensor]()
    notes += source.left_out
    for key, file in source.pictures.items():
        try:
            found[key] = reduced(image_io.read(file.picture([each.read() for each in file.files]), file.name), size)
        except InputError as error:
            notes.append(f"left out: {error}")
    return found
