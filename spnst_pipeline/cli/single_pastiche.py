"""One pastiche outside of any project: its pictures and settings, checked before anything is loaded, and its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from spnst_core import InputError, Recipe, load_models, stylize
from spnst_core.errors import printable
from spnst_core.imaging import io as image_io
from spnst_core.imaging.encoding import SUFFIXES, FileFormat
from spnst_core.models.profiles import Overrides, choose, fetch_models, find_device, identify
from spnst_core.models.weights import Progress
from spnst_pipeline.progress import Listener, work
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.places import Folder


class Changes(NamedTuple):
    """What is to differ from the recipe; None: as the recipe says.

    Attributes:
        structure: as for `Recipe.with_structure`.
        strokes: as for `Recipe.with_strokes`.
        colour, colour_strength: as for `Recipe.with_colour`.
    """

    structure: float | None = None
    strokes: str | None = None
    colour: str | None = None
    colour_strength: float | None = None

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with the changes.

        Raises:
            InputError: a value that the recipe can't have.
        """
        changed = recipe if self.structure is None else recipe.with_structure(self.structure)
        changed = changed.with_strokes(self.strokes) if self.strokes else changed
        if self.colour is None and self.colour_strength is None:
            return changed
        return changed.with_colour(self.colour, self.colour_strength)


@dataclass(frozen=True)
class SinglePastiche:
    """What to paint: two picture files, decoded, and the recipe suited to the encoder that the settings choose."""

    content: Path
    style: Path
    pictures: tuple[Image.Image, Image.Image]
    recipe: Recipe
    settings: Settings
    overrides: Overrides

    @classmethod
    def read(
        cls,
        content: Path,
        style: Path,
        recipe: str | None = None,
        changes: Changes = Changes(),  # noqa: B008 - it can't be changed
        **flags: Any,
    ) -> SinglePastiche:
        """Read the pictures, the settings and the recipe.

        Args:
            content, style: picture files.
            recipe: its name or file; by default the first of the settings' recipes.
            changes: to the recipe.
            flags: settings, as for `Settings.load`.

        Raises:
            InputError: a picture, setting, recipe, network or device that can't be used, or one file given twice.
        """
        settings = Settings.load(recipes=(recipe,) if recipe else None, **flags)
        overrides: Overrides = {"encoder": settings.encoder, "edges": settings.edges, "depth": settings.depth}
        encoder = choose(settings.profile, **overrides)["encoder"]
        find_device(settings.device)
        chosen = changes.applied_to(Recipe.load(settings.recipes[0]))
        chosen = chosen.with_size(settings.size) if settings.size else chosen
        pictures = image_io.decode(content), image_io.decode(style)
        if os.path.samefile(content, style):
            raise InputError(f"{content} is given both as content and as style: name two different pictures")
        return cls(content, style, pictures, chosen.suited_to(encoder), settings, overrides)

    def require_writable(self, output: Path | None, film: Path | None, overwrite: bool) -> Path:
        """The file for the pastiche, by default named after both pictures, once it is sure that both can be written.

        Raises:
            InputError: a suffix that isn't known, a folder that isn't there or can't be written to, one of the two
                pictures, or, without ``overwrite``, a file that exists.
        """
        output = output or Path(f"{self.content.stem}_{self.style.stem}.png")
        files = {"pastiche": (output, SUFFIXES), "film": (film, (".mp4",))}
        for name, (file, suffixes) in files.items():
            try:
                if file:
                    self._require_writable(file, name, suffixes, overwrite)
            except OSError as error:  # a name that is too long, a folder that can't be searched
                raise InputError(f"{name} {file} can't be written: {error.strerror}; choose another name") from error
        return output

    def _require_writable(self, file: Path, name: str, suffixes: tuple[str, ...], overwrite: bool) -> None:
        if file.suffix.lower() not in suffixes:
            raise InputError(f"{name} {file}: its name must end in {' or '.join(suffixes)}")
        if not file.parent.is_dir():
            raise InputError(f"{name} {file}: there is no folder {file.parent}; make it, or choose another")
        Folder(file.parent).require_writable()
        if file.is_dir():
            raise InputError(f"{name} {file} is a folder: name a file")
        if not file.exists():
            return
        if any(os.path.samefile(file, picture) for picture in (self.content, self.style)):
            raise InputError(f"{name} {file} is one of the two pictures, which are never replaced: choose another name")
        if not overwrite:
            raise InputError(f"{name} {file} exists: choose another name, or give --overwrite to replace it")

    def fetch_models(self, progress: Progress) -> None:
        """Download the networks' weight files that aren't in the cache.

        Raises:
            InputError: weights that can't be had.
        """
        fetch_models(self.settings.profile, **self.overrides, progress=progress)

    @property
    def notice(self) -> str:
        """A warning if the networks, which must be in the cache, run on stand-in weights; otherwise empty."""
        return identify(self.settings.profile, **self.overrides).notice

    def paint(self, listener: Listener, output: Path, form: FileFormat, film: Path | None) -> None:
        """Paint the pastiche and write it to its file, which appears only when it is whole; so does a film.

        The file tells how it was made, as the pipeline's pastiches do.

        Raises:
            InputError: as `spnst_core.stylize`, or a file that can't be written.
        """
        from spnst_pipeline.artefacts import provenance  # it brings pandas, which a refusal doesn't have to wait for

        settings, began = self.settings, datetime.now(timezone.utc)
        listener.phase("loading the networks", 0)
        models = load_models(settings.profile, settings.device, precision=settings.precision, **self.overrides)
        listener.phase("painting", work(self.recipe), 1)
        listener.batch(self.recipe, printable(self.content.stem), [printable(self.style.stem)])
        result = stylize(*self.pictures, self.recipe, models, callback=listener.step, film=film)
        made = provenance.describe(self.recipe, models, result.history, result.pixels, result.seconds, began)
        told = provenance.stamp(made, result.history)
        Folder(output.parent).write(output.name, form.encode(result.pixels, told))
