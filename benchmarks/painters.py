"""Painters that are compared with each other, and an album that keeps what they painted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Protocol

from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.recipes.recipe import Recipe
from spnst_core.stylize import stylize_grid

Cell = tuple[Path, Path]
"""Paths of a content and a style."""


class Painter(Protocol):
    """Paints one content in some styles.

    Attributes:
        name: a short name, also of its folder.
        identity: changes with everything that changes its pictures, apart from content and style.
    """

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> str: ...
    def paint(self, content: Path, styles: list[Path]) -> Iterator[tuple[Path, Image.Image, float]]:
        """Each style with its pastiche and the seconds that it took."""
        ...


@dataclass(frozen=True)
class ByRecipe:
    """The project's own painter."""

    name: str
    recipe: Recipe
    models: Models

    @property
    def identity(self) -> str:
        """Of the recipe as it paints with this encoder, and of the networks."""
        suited = self.recipe.suited_to(self.models.encoder.name)
        return f"{suited.model_dump_json(exclude={'name', 'description'})} {self.models.identity.fingerprint}"

    def paint(self, content: Path, styles: list[Path]) -> Iterator[tuple[Path, Image.Image, float]]:
        """A row of the grid, in batches."""
        pictures = {str(style): style for style in styles}
        for _, key, result in stylize_grid({content.stem: content}, pictures, self.recipe, self.models):
            yield pictures[key], result.image, result.seconds


def painted(painter: Painter, cells: Iterable[Cell], folder: Path) -> dict[Cell, tuple[Path, float]]:
    """The file and the seconds of each cell's pastiche; those that the folder lacks are painted.

    Each pastiche is saved as soon as it is finished, so that nothing is lost when painting is stopped.
    """
    album = folder / f"{painter.name}-{sha256(painter.identity.encode()).hexdigest()[:8]}"
    found: dict[Cell, tuple[Path, float]] = {}
    for content, row in groupby(sorted(cells), key=lambda cell: cell[0]):
        files = {style: album / content.stem / f"{style.stem}.png" for _, style in row}
        missing = [style for style, file in files.items() if not file.exists()]
        for style, image, seconds in painter.paint(content, missing) if missing else ():
            file = files[style]
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".part")
            unfinished.write_bytes(image_io.encode_png(image, {"seconds": f"{seconds:.3f}"}))
            unfinished.replace(file)
            print(f"  {painter.name}: {content.stem} x {style.stem}, {seconds:.1f} s", flush=True)
        for style, file in files.items():
            found[content, style] = file, float(image_io.png_text(file.read_bytes())["seconds"])
    return found


def pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, by name.

    Raises:
        InputError: there is none, or two differ in nothing but their suffix.
    """
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in Image.registered_extensions())
    if not found:
        raise InputError(f"no pictures in {folder}")
    stems: Mapping[str, Path] = {path.stem: path for path in found}
    if len(stems) < len(found):
        raise InputError(f"pictures in {folder} differ in nothing but their suffix: rename one")
    return found
