"""Films: those of a batch's cells, made while the batch is painted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from PIL import Image
from torch import Tensor

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import STEPS_PER_FRAME, Film
from spnst_pipeline.artefacts import rules
from spnst_pipeline.artefacts.rules import Artefact


class Films:
    """The films of some cells of a batch while it is painted, each frame straight into a temporary file of its own.

    A film that fails, because there is no encoder or no room for its file, stops alone: painting goes on, and
    `finished` of its cell raises what was wrong. Leaving the context removes the files.

    Args:
        content: of the batch, (1, 3, H, W) in [0, 1].
        recipe: by which it is painted.
        batch: styles, in the order of the batch.
        films: which films to make, by style.
    """

    def __init__(self, content: Tensor, recipe: Recipe, batch: Sequence[str], films: Mapping[str, Artefact]) -> None:
        self._stack = ExitStack()
        self._batch = batch
        self._paths: dict[str, Path] = {}
        self._films: dict[str, Film] = {}
        self._errors: dict[str, Exception] = {}
        stamp = {rules.EVERY: str(recipe.record_every or STEPS_PER_FRAME)}
        for style, artefact in films.items():
            with self._alone(style):
                folder = TemporaryDirectory(prefix="spnst-", ignore_cleanup_errors=True)
                path = Path(self._stack.enter_context(folder)) / "film.mp4"
                film = Film.of_cell(path, content, recipe, {**artefact.stamp, **stamp})
                self._paths[style], self._films[style] = path, self._stack.enter_context(film)

    def __enter__(self) -> "Films":
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
