"""One pastiche outside of any project: its pictures and settings, checked before anything is loaded, and its files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from PIL import Image
from torch import Tensor

from spnst_core import Blend, InputError, Recipe, Region, load_models, stylize
from spnst_core.errors import cut, printable
from spnst_core.imaging import io as image_io
from spnst_core.imaging.blend import StylePicture
from spnst_core.imaging.decoding import OPACITY
from spnst_core.imaging.encoding import SUFFIXES, FileFormat
from spnst_core.imaging.gamut import Gamut
from spnst_core.imaging.gamut import choose as choose_gamut
from spnst_core.imaging.maps import Kind, read_map
from spnst_core.imaging.planes import require_aspect
from spnst_core.models.profiles import Overrides, choose, fetch_models, find_device, identify
from spnst_core.models.weights import Progress
from spnst_core.objective.targets import ContentTargets
from spnst_core.painters import arbitrary
from spnst_core.painters.arbitrary import ArbitraryPainter
from spnst_core.painting import upscaling
from spnst_core.recipes.drafts import draft_of
from spnst_pipeline.cli.output_files import require_writable
from spnst_pipeline.cli.regions import RegionOptions
from spnst_pipeline.progress import Listener, work
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.places import Folder

MAP_OPTIONS: Mapping[Kind, str] = {"depth": "--depth-map", "edges": "--edge-map", "detail": "--detail-map"}
"""Options that name the user's own maps."""


class Changes(NamedTuple):
    """What is to differ from the recipe; None: as the recipe says.

    Attributes:
        structure: as for `Recipe.with_structure`.
        strokes: as for `Recipe.with_strokes`.
        colour, colour_strength: as for `Recipe.with_colour`.
        strength: as for `Recipe.with_style_strength`.
    """

    structure: float | None = None
    strokes: str | None = None
    colour: str | None = None
    colour_strength: float | None = None
    strength: float | None = None

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with the changes.

        Raises:
            InputError: a value that the recipe can't have.
        """
        changed = recipe if self.structure is None else recipe.with_structure(self.structure)
        changed = changed.with_strokes(self.strokes) if self.strokes else changed
        changed = changed if self.strength is None else changed.with_style_strength(self.strength)
        if self.colour is None and self.colour_strength is None:
            return changed
        return changed.with_colour(self.colour, self.colour_strength)


@dataclass(frozen=True)
class SinglePastiche:
    """What to paint: picture files, decoded, and the recipe suited to the encoder that the settings choose.

    Attributes:
        maps: of the content's depth, edges and detail, the user's own, (1, 1, H, W).
        regions: of the content, by name.
        keep_rest: leave what no region covers as it is.
        smaller: pastiche to start from; the recipe then has the stages that refine it alone.
        files: all that were read, which are never replaced.
    """

    content: Path
    styles: tuple[Path, ...]
    picture: Image.Image
    style: Image.Image | Blend
    maps: Mapping[Kind, Tensor]
    regions: Mapping[str, Region]
    keep_rest: bool
    smaller: Image.Image | None
    files: tuple[Path, ...]
    recipe: Recipe
    settings: Settings
    overrides: Overrides

    @classmethod
    def read(
        cls,
        content: Path,
        styles: Sequence[Path],
        weights: Sequence[str] = (),
        recipe: str | None = None,
        changes: Changes = Changes(),  # noqa: B008 - it can't be changed
        maps: Mapping[Kind, Path | None] = MappingProxyType({}),
        regions: RegionOptions = RegionOptions(),  # noqa: B008 - it can't be changed
        upscale_from: Path | None = None,
        **flags: Any,
    ) -> SinglePastiche:
        """Read the pictures, the settings and the recipe.

        Args:
            content: a picture file.
            styles: picture files; several are blended into one style.
            weights: of the styles, separated by commas, once or for each stage; by default all count the same.
            recipe: its name or file; by default the first of the settings' recipes.
            changes: to the recipe.
            maps: files of the user's own maps of the content.
            regions: of the content, as options give them.
            upscale_from: a smaller pastiche to start from.
            flags: settings, as for `Settings.load`.

        Raises:
            InputError: a picture, map, mask, weight, setting, recipe, network, device or pastiche that can't be used,
                or one file given twice.
        """
        settings = Settings.load(recipes=(recipe,) if recipe else None, **flags)
        overrides: Overrides = {"encoder": settings.encoder, "edges": settings.edges, "depth": settings.depth}
        encoder = choose(settings.profile, **overrides)["encoder"]
        find_device(settings.device)
        chosen = changes.applied_to(Recipe.load(settings.recipes[0]))
        chosen = chosen.with_size(settings.size) if settings.size else chosen
        numbers = _weights(weights, len(styles))
        picture, seen = image_io.decode(content), [image_io.decode(style) for style in styles]
        image_io.read_with_opacity(picture, printable(str(content)))  # some of it must be seen
        for number, style in enumerate(styles):
            if os.path.samefile(content, style):
                raise InputError(f"{content} is given both as content and as style: name two different pictures")
            if any(os.path.samefile(style, other) for other in styles[:number]):
                raise InputError(f"{style} is given twice as style: give it once, with a larger weight")
        files = {kind: file for kind, file in maps.items() if file}
        if chosen.engine == "arbitrary":
            unused = {MAP_OPTIONS[kind]: file for kind, file in files.items()}
            arbitrary.refuse(chosen, {**unused, "--region": regions.masks or None, "--upscale-from": upscale_from})
        own = {kind: read_map(file, kind) for kind, file in files.items()}
        for kind, values in own.items():
            require_aspect(values, image_io.to_tensor(picture), str(files[kind]))
        style_or_blend = seen[0] if len(seen) == 1 else Blend(seen, numbers)
        chosen, smaller = chosen.suited_to(encoder), None
        if "detail" in own:
            chosen.require_detail()
        if upscale_from:
            smaller = image_io.decode(upscale_from)
            small, whole = image_io.to_tensor(smaller), image_io.to_tensor(picture)
            chosen = upscaling(chosen, small, whole, str(upscale_from))
        if isinstance(style_or_blend, Blend):
            chosen.require_stages(len(style_or_blend.stages))
        parts, read = regions.read(picture, style_or_blend, chosen)
        return cls(
            content,
            tuple(styles),
            picture,
            style_or_blend,
            own,
            parts,
            regions.keep_rest,
            smaller,
            (content, *styles, *files.values(), *read, *([upscale_from] if upscale_from else ())),
            chosen,
            settings,
            overrides,
        )

    @property
    def transparent(self) -> bool:
        """Whether the content is transparent anywhere, and so will the pastiche be."""
        return OPACITY in self.picture.info

    def gamut(self, name: str) -> Gamut:
        """The colour space that a file is to have, as `spnst_core.imaging.gamut.choose` tells it.

        Raises:
            InputError: likewise.
        """
        return choose_gamut(name, self.picture, str(self.content))

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """Those of several styles, in each stage or once for all; none if there is one style."""
        return self.style.stages if isinstance(self.style, Blend) else ()

    def require_writable(self, output: Path | None, film: Path | None, overwrite: bool) -> Path:
        """The file for the pastiche, by default named after all pictures, once it is sure that both can be written.

        Raises:
            InputError: as `require_writable`, or the recipe can't be filmed.
        """
        if self.recipe.engine == "arbitrary":
            arbitrary.refuse(self.recipe, {"--film": film})
        output = output or Path(f"{'_'.join(file.stem for file in (self.content, *self.styles))}.png")
        require_writable({"pastiche": (output, SUFFIXES), "film": (film, (".mp4",))}, self.files, overwrite)
        return output

    def fetch_models(self, progress: Progress) -> None:
        """Download the networks' weight files that aren't in the cache.

        Raises:
            InputError: weights that can't be had.
        """
        draft = draft_of(self.recipe)
        if "arbitrary" in (self.recipe.engine, draft and draft.engine):
            arbitrary.fetch(progress)
        if self.recipe.engine != "arbitrary":
            fetch_models(self.settings.profile, **self.overrides, progress=progress)

    @property
    def notice(self) -> str:
        """A warning if the networks, which must be in the cache, run on stand-in weights; otherwise empty."""
        if self.recipe.engine == "arbitrary":
            return ""
        return identify(self.settings.profile, **self.overrides).notice

    def paint(self, listener: Listener, output: Path, form: FileFormat, film: Path | None) -> None:
        """Paint the pastiche and write it to its file, which appears only when it is whole; so does a film.

        The file tells how it was made, as the pipeline's pastiches do.

        Raises:
            InputError: as `spnst_core.stylize`, or a file that can't be written.
        """
        from spnst_pipeline.artefacts import provenance  # it brings pandas, which a refusal doesn't have to wait for

        if self.recipe.engine == "arbitrary":
            listener.phase("painting", 0)
            self._paint_in_one_pass(output, form)
            return
        settings, began = self.settings, datetime.now(timezone.utc)
        listener.phase("loading the networks", 0)
        models = load_models(settings.profile, settings.device, precision=settings.precision, **self.overrides)
        listener.phase("painting", work(self.recipe), 1)
        listener.batch(
            self.recipe, printable(self.content.stem), [" + ".join(printable(style.stem) for style in self.styles)]
        )
        result = stylize(
            self.picture,
            self.style,
            self.recipe,
            models,
            callback=listener.step,
            upscale_from=self.smaller,
            film=film,
            depth_map=self.maps.get("depth"),
            edge_map=self.maps.get("edges"),
            detail_map=self.maps.get("detail"),
            regions=self.regions,
            keep_rest=self.keep_rest,
        )
        made = provenance.describe(
            self.recipe, models, result.history, result.pixels, result.seconds, began, self.shares
        )
        made |= {"own_maps": list(self.maps)} if self.maps else {}
        made |= {"regions": list(self.regions)} if self.regions else {}
        made |= {"upscaled_from": "{} × {}".format(*self.smaller.size)} if self.smaller else {}
        told = provenance.stamp(made, result.history)
        Folder(output.parent).write(output.name, form.encode(result.pixels, told, result.opacity))

    def _paint_in_one_pass(self, output: Path, form: FileFormat) -> None:
        from spnst_pipeline.artefacts import provenance

        painter, began = ArbitraryPainter.load(find_device(self.settings.device)), datetime.now(timezone.utc)
        started = time.perf_counter()
        name = "the style"
        styles = self.style.read(name) if isinstance(self.style, Blend) else [StylePicture.read(self.style, name)]
        picture, opacity = image_io.read_with_opacity(self.picture, printable(str(self.content)))
        image = painter.paint(picture, [(style.on_white, style.share) for style in styles], self.recipe)
        seconds = time.perf_counter() - started
        shares = self.shares[-1] if self.shares else ()
        made = provenance.describe_arbitrary(self.recipe, image, seconds, began, painter.device, shares)
        guide = ContentTargets(picture, opacity=opacity).guide(image)
        Folder(output.parent).write(output.name, form.encode(image, {provenance.MADE: json.dumps(made)}, guide))


def _weights(given: Sequence[str], styles: int) -> list[list[float]] | None:
    """Weights as an option gives them, once or for each stage.

    Raises:
        InputError: not numbers separated by commas, not one for each style, or there is one style only.
    """
    if given and styles == 1:
        raise InputError("--weights is for several styles: name another picture, or leave it out")
    return [_numbers(written, styles) for written in given] or None


def _numbers(written: str, styles: int) -> list[float]:
    try:
        numbers = [float(part) for part in written.split(",")]
    except ValueError as error:
        raise InputError(f"--weights must be numbers such as 0.7,0.3, not {cut(written)}") from error
    if len(numbers) != styles:
        raise InputError(f"--weights has {len(numbers)} numbers for {styles} styles: give one for each")
    return numbers
