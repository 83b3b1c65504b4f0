"""Timelapse: the films of cells, recorded by the step that paints them (`spnst_pipeline.defs.assets.stylization`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import dagster as dg
from PIL import Image
from torch import Tensor

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import EVERY, Film, read_facts, read_metadata
from spnst_pipeline.artefacts import layout, rules
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.defs.assets.input_images import content_image
from spnst_pipeline.defs.events import Made
from spnst_pipeline.storage.store import Store


def timelapse_spec(recipe: Recipe) -> dg.AssetSpec:
    """The asset ``timelapse/<recipe>``."""
    return dg.AssetSpec(
        ["timelapse", recipe.name],
        deps=[dg.AssetKey(["pastiche", recipe.name]), content_image],
        group_name="pastiches",
        kinds={"pytorch", "video"},
        description=f"Films of {recipe.name} at work: photograph, pastiche and loss, ending on the finished pastiche. "
        "Made where the recipe or the settings say record_every, or when materialised by hand: then a pastiche that "
        "is up to date is painted once more to be filmed, and stays as it is.",
        metadata={
            "file": layout.timelapse(recipe.name, "<content>", "<style>"),
            "format": "MP4, H.264, 8-bit 4:2:0, with the fingerprint and the steps between frames as metadata",
            "shape": f"photograph and pastiche side by side, each with a long side of {recipe.size} px",
        },
    )


class Recording:
    """The films of some cells of a batch while it is painted, each frame straight into a temporary file of its own.

    A film that fails, because there is no encoder or no room for its file, stops alone: painting goes on, and
    `finished` of its cell raises what was wrong. Leaving the recording removes the files.

    Args:
        photograph: of the batch, (1, 3, H, W).
        recipe: that paints.
        batch: styles, in the order of the batch.
        films: what to record, by style.
    """

    def __init__(self, photograph: Tensor, recipe: Recipe, batch: Sequence[str], films: Mapping[str, Artefact]) -> None:
        self._stack = ExitStack()
        self._batch = batch
        self._paths: dict[str, Path] = {}
        self._films: dict[str, Film] = {}
        self._errors: dict[str, Exception] = {}
        stamp = {rules.EVERY: str(recipe.record_every or EVERY)}
        for style, artefact in films.items():
            with self._alone(style):
                folder = TemporaryDirectory(prefix="spnst-", ignore_cleanup_errors=True)
                path = Path(self._stack.enter_context(folder)) / "film.mp4"
                film = Film.of_cell(path, photograph, recipe, {**artefact.stamp, **stamp})
                self._paths[style], self._films[style] = path, self._stack.enter_context(film)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def follow(self, iterate: Iterate) -> None:
        """Frames of all films, where it is the iterate's turn."""
        for cell, style in enumerate(self._batch):
            if film := self._films.get(style):
                with self._alone(style):
                    film.follow(iterate, cell)

    def finished(self, style: str, pastiche: Image.Image) -> bytes:
        """The film of one cell, ending on its pastiche.

        Raises:
            Exception: whatever was wrong with this film.
        """
        if style in self._errors:
            raise self._errors[style]
        self._films[style].finish(pastiche)
        return self._paths[style].read_bytes()

    @contextmanager
    def _alone(self, style: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # told by `finished`
            self._errors[style] = error
            self._films.pop(style, None)


def shown(store: Store, key: str) -> Made:
    """What a film's event shows."""
    data = store.read(key)
    facts, carried = read_facts(data), read_metadata(data)
    return Made(
        {
            "frames": facts.frames,
            "seconds_of_film": round(facts.seconds, 2),
            "size": f"{facts.width} × {facts.height} px",
            "bytes": len(data),
            rules.EVERY: int(carried[rules.EVERY]),
            "path": dg.MetadataValue.path(store.locate(key)),
            "fingerprint": carried["fingerprint"],
        }
    )
