"""Films of an optimisation, encoded frame by frame as H.264 in constant memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image, ImageDraw
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.text import draw_line

if TYPE_CHECKING:
    from spnst_core.optim.optimize import Iterate

FPS = 24
STEPS_PER_FRAME = 2
"""Default number of optimiser steps between two frames."""

HOLD_SECONDS = 1.0
"""How long a film stays on its last picture."""

GAP = 8
"""Pixels between the content and the pastiche."""

_QUALITY = {"crf": "16", "preset": "veryfast", "rc-lookahead": "10", "threads": "1"}
"""As sharp as ``medium`` at twice the speed and half the memory: a batch of cells writes many films at once."""

_PANEL, _WORDS = 84, 28
"""Heights in pixels of the strip with the loss curve and of the line of text on top, in a film up to 800 px wide."""

_INK, _FAINT, _LINE = "#1d1c1a", "#d9d5cd", "#0072b2"

_FINER = 3
"""Factor by which the curve is drawn larger before it is reduced."""

_LONG_SIDE = 384
"""Smallest long side in pixels of the pastiche in a cell's film."""


class Film:
    """Writes a film of one cell to a file: ``with Film(path, size) as film: film.add(x); …; film.finish(image)``.

    The file appears when the film is finished; a film that is left unfinished, by an error or an interruption, leaves
    no file behind. H.264 needs even sides, so the last row or column of an odd side is repeated.

    Args:
        path: the file, ending in ``.mp4``.
        size: width and height of the finished pastiche; frames of coarser stages are enlarged to it.
        beside: a picture shown on the left of every frame, such as the content.
        curve: whether a strip below shows the total loss so far, on a logarithmic scale, over ``steps``.
        steps: number of steps of the whole optimisation, for the curve.
        every: number of iterates between two frames that `follow` adds.
        metadata: text stored in the file by name, such as a fingerprint.

    Raises:
        InputError: the file can't be written.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        beside: Image.Image | None = None,
        curve: bool = False,
        steps: int = 0,
        every: int = STEPS_PER_FRAME,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._size, self._curve, self._steps, self._every = path, size, curve, steps, every
        self._beside = beside.convert("RGB").resize(size, Image.Resampling.LANCZOS) if beside else None
        self._losses: list[tuple[int, float]] = []
        self._finished = False
        width = size[0] * 2 + GAP if beside else size[0]
        self._unit = max(1.0, width / 800)
        height = size[1] + (round(_PANEL * self._unit) if curve else 0)
        self._frame = (width + width % 2, height + height % 2)
        self._part = path.with_name(f".{path.name}.part.mp4")
        # The index comes first, so that a browser can start at once and the first bytes hold the metadata.
        self._container = av.open(str(self._part), "w", options={"movflags": "+faststart+use_metadata_tags"})
        self._container.metadata.update(metadata or {})
        self._stream = self._container.add_stream("libx264", rate=FPS, options=_QUALITY)
        self._stream.width, self._stream.height = self._frame
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, FPS)
        # Tagged explicitly: players guess the standard of an untagged video from its size.
        self._stream.codec_context.colorspace = Colorspace.ITU709
        self._stream.codec_context.color_primaries = ColorPrimaries.BT709
        self._stream.codec_context.color_trc = ColorTrc.BT709
        self._stream.codec_context.color_range = ColorRange.MPEG
        self._frames = 0
        try:
            self._container.start_encoding()
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"film {path} can't be written: {error.strerror}") from error

    @classmethod
    def of_cell(cls, path: Path, content: Tensor, recipe: Recipe, metadata: Mapping[str, str] | None = None) -> Film:
        """A film of a cell with the content (1, 3, H, W) beside the pastiche and the loss curve below.

        Small pastiches are enlarged, because browsers play H.264 with colour at half the resolution.
        """
        height, width = image_io.fit(content.shape[2], content.shape[3], recipe.size)
        larger = -(-_LONG_SIDE // recipe.size)
        return cls(
            path,
            (width * larger, height * larger),
            beside=image_io.to_image(content),
            curve=True,
            steps=recipe.steps,
            every=recipe.record_every or STEPS_PER_FRAME,
            metadata=metadata,
        )

    def __enter__(self) -> Film:
        return self

    def follow(self, iterate: Iterate, cell: int = 0) -> None:
        """Add a frame of one cell of a batch if it `is_due`."""
        if self.is_due(iterate, cell):
            self.add(iterate.image[cell], iterate.step, float(iterate.losses["total"][cell]))

    def is_due(self, iterate: Iterate, cell: int = 0) -> bool:
        """Whether the cell took the step, and the iterate is the first, the last, or a multiple of ``every``."""
        due = iterate.step in (1, iterate.steps) or iterate.step % self._every == 0
        return due and cell in iterate.cells

    def add(self, image: Tensor, step: int = 0, total: float = math.nan) -> None:
        """Add one frame: a picture (3, h, w) or (1, 3, h, w) in [0, 1], and its total loss."""
        if math.isfinite(total):
            self._losses.append((step, total))
        self._encode(self._composed(image_io.to_image(image)))

    def finish(self, image: Image.Image) -> None:
        """End with the finished picture, held for `HOLD_SECONDS`, and put the file in place."""
        last = self._composed(image)
        for _ in range(round(FPS * HOLD_SECONDS)):
            self._encode(last)
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()
        self._finished = True
        self._part.replace(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            with suppress(av.FFmpegError, OSError):  # a file that can't be closed is deleted all the same
                self._container.close()
            self._part.unlink(missing_ok=True)

    def _composed(self, image: Image.Image) -> Image.Image:
        picture = image if image.size == self._size else image.resize(self._size, Image.Resampling.BICUBIC)
        width, height = self._size
        frame = Image.new("RGB", self._frame, "white")
        places = [(self._beside, 0), (picture, width + GAP)] if self._beside else [(picture, 0)]
        for shown, left in places:
            frame.paste(shown, (left, 0))
        if self._curve:
            self._draw_curve(frame, height)
        elif self._frame[1] > height:
            frame.paste(frame.crop((0, height - 1, self._frame[0], height)), (0, height))
        if not self._beside and self._frame[0] > width:
            frame.paste(frame.crop((width - 1, 0, width, self._frame[1])), (width, 0))
        return frame

    def _draw_curve(self, frame: Image.Image, top: int) -> None:
        """Draw step and loss as text and, below, the curve of the losses so far on a logarithmic scale."""
        if not self._losses:
            return
        unit = self._unit
        pad, width, bottom = round(8 * unit), self._frame[0], top + round(_PANEL * unit)
        middle = top + round(_WORDS * unit)
        steps, values = np.array(self._losses).T
        words = (pad, top, width - pad, middle)
        draw_line(frame, words, f"step {steps[-1]:.0f} of {max(self._steps, steps[-1]):.0f}", 13 * unit, _INK)
        draw_line(frame, words, f"loss {values[-1]:.3g}", 13 * unit, _INK, align="right")

        # Drawn at a larger scale and reduced, because Pillow draws lines without antialiasing.
        box = (width - 2 * pad, bottom - middle - pad)
        drawing = Image.new("RGB", (box[0] * _FINER, box[1] * _FINER), "white")
        draw = ImageDraw.Draw(drawing)
        draw.line((0, drawing.height - _FINER, drawing.width, drawing.height - _FINER), fill=_FAINT, width=_FINER)
        logs = np.log10(np.maximum(values, 1e-12))
        span = max(float(logs.max() - logs.min()), 1e-6)
        radius = 3 * unit * _FINER
        x = radius + (drawing.width - 2 * radius) * (steps - 1) / max(self._steps - 1, steps[-1] - 1, 1)
        y = radius + (drawing.height - 2 * radius) * (logs.max() - logs) / span
        points = list(zip(x.tolist(), y.tolist(), strict=True))
        if len(points) > 1:
            draw.line(points, fill=_LINE, width=round(1.6 * unit * _FINER), joint="curve")
        cx, cy = points[-1]
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=_LINE)
        frame.paste(drawing.resize(box, Image.Resampling.BOX), (pad, middle))

    def _encode(self, frame: Image.Image) -> None:
        video = av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        video.pts = self._frames
        self._frames += 1
        for packet in self._stream.encode(video):
            self._container.mux(packet)


@dataclass(frozen=True)
class Facts:
    """Properties of a film: number of frames, duration, and width and height in pixels."""

    frames: int
    seconds: float
    width: int
    height: int


def read_facts(data: bytes) -> Facts:
    """Read the properties from a film's bytes, of which the first few thousand suffice.

    Raises:
        InputError: not a film.
    """
    with _opened(data) as container:
        stream = container.streams.video[0]
        return Facts(stream.frames, stream.frames / FPS, stream.width, stream.height)


def read_metadata(data: bytes) -> dict[str, str]:
    """Read the metadata that `Film` stored from a film's bytes, of which the first few thousand suffice.

    Raises:
        InputError: not a film.
    """
    with _opened(data) as container:
        return dict(container.metadata)


def _opened(data: bytes) -> InputContainer:
    try:
        return av.open(BytesIO(data), "r")
    except av.FFmpegError as error:
        raise InputError(f"not a film: {error}; delete the file, it will be made again") from error
