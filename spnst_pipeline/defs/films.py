"""Films: recording the cells of a batch while it is painted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, TracebackType

import torch
from PIL import Image
from torch import Tensor

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import STEPS_PER_FRAME, Film
from spnst_pipeline.artefacts import rules
from spnst_pipeline.artefacts.checkpoint import Frame
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.seal import BLANK, SEAL


class Films:
    """The films of some cells of a batch; frames are written straight to a temporary file for each film.

    If a film fails, because there is no video encoder or the disk is full, painting and the other films go on, and
    `finished` raises the error for that cell. Leaving the context removes the files.

    Args:
        content: the batch's content, (1, 3, H, W) in [0, 1].
        recipe: the recipe that paints it.
        batch: names of the styles, in the order of the batch.
        films: which films to make, by style.
        earlier: by style, the frames of an earlier attempt at the batch, which these films begin with.
    """

    def __init__(
        self,
        content: Tensor,
        recipe: Recipe,
        batch: Sequence[str],
        films: Mapping[str, Artefact],
        earlier: Mapping[str, Sequence[Frame]] = MappingProxyType({}),
    ) -> None:
        self._stack = ExitStack()
        self._batch = batch
        self._paths: dict[str, Path] = {}
        self._films: dict[str, Film] = {}
        self._frames: dict[str, list[Frame]] = {}
        self._errors: dict[str, Exception] = {}
        stamp = {rules.EVERY: str(recipe.record_every or STEPS_PER_FRAME)}
        for style, artefact in films.items():
            with self._alone(style):
                folder = TemporaryDirectory(prefix="spnst-", ignore_cleanup_errors=True)
                path = Path(self._stack.enter_context(folder)) / "film.mp4"
                film = Film.of_cell(path, content, recipe, {**artefact.stamp, **stamp, SEAL: BLANK})
                self._paths[style], self._films[style] = path, self._stack.enter_context(film)
                self._frames[style] = []
                for frame in earlier.get(style, ()):
                    self._add(style, frame)

    def __enter__(self) -> "Films":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def follow(self, iterate: Iterate) -> None:
        """Add a frame to every film that has one for this step."""
        for cell, style in enumerate(self._batch):
            if (film := self._films.get(style)) and film.is_due(iterate, cell):
                with self._alone(style):
                    picture = iterate.image[cell].mul(255).round().to("cpu", torch.uint8)
                    self._add(style, Frame(iterate.step, float(iterate.losses["total"][cell]), picture))

    def frames(self, style: str) -> Sequence[Frame] | None:
        """The frames of a style's film so far; None if it isn't filmed."""
        return self._frames.get(style)

    def _add(self, style: str, frame: Frame) -> None:
        self._films[style].add(frame.picture.float().div(255), frame.step, frame.total)
        self._frames[style].append(frame)

    def finished(self, style: str, pastiche: Image.Image) -> bytes:
        """The film of one cell, ending on its pastiche.

        Raises:
            Exception: the error that this film failed with.
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
            self._frames.pop(style, None)
