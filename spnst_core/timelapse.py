"""Timelapse: a film of an optimisation, frame by frame into H.264, at constant memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from spnst_core import images
from spnst_core.errors import InputError

FPS = 24
HOLD_SECONDS = 1.0
"""How long a film rests on its last picture."""

GAP = 8
"""Pixels between the photograph and the pastiche."""

_QUALITY = {"crf": "16", "preset": "medium"}
_PANEL = 72
"""Height in pixels of the strip with the loss curve."""


class Film:
    """Writes a film of one cell to a file: ``with Film(path, size) as film: film.add(x); …; film.finish(image)``.

    The file appears when the film is finished; one that is left unfinished, by an error or an interruption, leaves
    nothing behind. H.264 wants even sides: a picture with an odd one gets its last row or column repeated.

    Args:
        path: the file, ending in ``.mp4``.
        size: width and height of the finished pastiche; frames of coarser stages are enlarged to it.
        beside: a picture shown on the left of every frame, such as the photograph.
        curve: whether a strip below shows the total loss so far, on a logarithmic scale, over ``steps``.
        steps: of the whole optimisation, for the curve.
        metadata: words kept in the file, such as a fingerprint.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        beside: Image.Image | None = None,
        curve: bool = False,
        steps: int = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._path, self._size, self._curve, self._steps = path, size, curve, steps
        self._beside = beside.convert("RGB").resize(size, Image.Resampling.LANCZOS) if beside else None
        self._losses: list[tuple[int, float]] = []
        self._finished = False
        width = size[0] * 2 + GAP if beside else size[0]
        height = size[1] + (_PANEL if curve else 0)
        self._frame = (width + width % 2, height + height % 2)
        self._part = path.with_name(f".{path.name}.part.mp4")
        # The index goes in front, so that a browser can start at once and the first bytes tell the metadata.
        self._container = av.open(str(self._part), "w", options={"movflags": "+faststart+use_metadata_tags"})
        self._container.metadata.update(metadata or {})
        self._stream = self._container.add_stream("libx264", rate=FPS, options=_QUALITY)
        self._stream.width, self._stream.height = self._frame
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, FPS)
        self._frames = 0

    def __enter__(self) -> Film:
        return self

    def add(self, image: Tensor, step: int = 0, total: float = math.nan) -> None:
        """One frame: a picture (3, h, w) or (1, 3, h, w) in [0, 1], and the loss that it was made at."""
        if math.isfinite(total):
            self._losses.append((step, total))
        self._encode(self._composed(images.to_image(image)))

    def finish(self, image: Image.Image) -> None:
        """End on the finished picture, held for `HOLD_SECONDS`, and put the file in place."""
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
            self._draw_curve(ImageDraw.Draw(frame), height)
        elif self._frame[1] > height:
            frame.paste(frame.crop((0, height - 1, self._frame[0], height)), (0, height))
        if not self._beside and self._frame[0] > width:
            frame.paste(frame.crop((width - 1, 0, width, self._frame[1])), (width, 0))
        return frame

    def _draw_curve(self, draw: ImageDraw.ImageDraw, top: int) -> None:
        """The losses so far as a line, the first at the top of the strip and the lowest at its bottom."""
        pad, width, height = 8, self._frame[0], _PANEL
        if not self._losses:
            return
        steps, values = np.array(self._losses).T
        logs = np.log10(np.maximum(values, 1e-12))
        span = max(float(logs.max() - logs.min()), 1e-6)
        x = pad + (width - 2 * pad) * steps / max(self._steps, steps[-1], 1)
        y = top + height - pad - (height - 2 * pad) * (logs - logs.min()) / span
        points = list(zip(x.tolist(), y.tolist(), strict=True))
        if len(points) > 1:
            draw.line(points, fill=(40, 90, 160), width=2, joint="curve")
        cx, cy = points[-1]
        draw.ellipse((cx - 3, cy - 3, cx + 3, cy + 3), fill=(40, 90, 160))
        caption = f"step {int(steps[-1])}   loss {values[-1]:.3g}"
        draw.text((width - pad, top + pad), caption, fill=(90, 90, 90), anchor="ra")

    def _encode(self, frame: Image.Image) -> None:
        video = av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")
        video.pts = self._frames
        self._frames += 1
        for packet in self._stream.encode(video):
            self._container.mux(packet)


def read_metadata(data: bytes) -> dict[str, str]:
    """The words that `Film` kept, from a film's bytes or from the first few thousand of them.

    Raises:
        InputError: not a film.
    """
    try:
        with av.open(BytesIO(data)) as container:
            return dict(container.metadata)
    except av.FFmpegError as error:
        raise InputError(f"not a film: {error}; delete the file, it will be made again") from error
