"""One pastiche by a painter, outside of any project: it needs neither a style nor any other network."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from spnst_core.errors import InputError, printable
from spnst_core.imaging import io as image_io
from spnst_core.imaging.encoding import SUFFIXES, FileFormat
from spnst_core.imaging.gamut import choose
from spnst_core.models.profiles import find_device
from spnst_core.objective.targets import ContentTargets
from spnst_pipeline.artefacts.provenance import MADE, describe_pass
from spnst_pipeline.cli.output_files import require_writable
from spnst_pipeline.cli.painter_files import read_painter
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.places import Folder


def paint_by(
    painter: Path,
    content: Path,
    output: Path | None,
    overwrite: bool,
    bits: int | None,
    dpi: int | None,
    gamut: str,
    size: int | None,
    device: str | None,
) -> tuple[Path, bool]:
    """Paint a content by a painter and write the pastiche.

    Returns:
        Its file, and whether what is transparent in the content became white, as the file holds no transparency.

    Args:
        bits, dpi: as for `FileFormat`.
        gamut: as for `spnst_core.imaging.gamut.choose`.

    Raises:
        InputError: a file that can't be read, used or written, a size that the painter can't paint, or a device that
            this machine doesn't have.
    """
    network, settings = read_painter(painter), Settings.load(size=size, device=device)
    output = output or Path(f"{content.stem}_{painter.stem}.png")
    seen = image_io.decode(content)
    form = FileFormat(output.suffix, bits, dpi, choose(gamut, seen, str(content)))
    picture, opacity = image_io.read_with_opacity(seen, printable(str(content)))
    require_writable({"pastiche": (output, SUFFIXES)}, (content, painter), overwrite)
    began, started = datetime.now(timezone.utc), time.perf_counter()
    place = find_device(settings.device)
    pastiche = network.paint(picture, settings.size, place)
    made = describe_pass(network, pastiche, time.perf_counter() - started, began, place)
    shown = ContentTargets(picture, opacity=opacity).seen(pastiche)
    Folder(output.parent).write(output.name, form.encode(pastiche, {MADE: json.dumps(made)}, shown))
    return output, opacity is not None and not form.holds_alpha


def refuse(options: Mapping[str, object]) -> None:
    """Check that no option is given that a painter has no use for.

    Raises:
        InputError: one is.
    """
    given = [name for name, value in options.items() if value not in (None, [])]
    if given:
        raise InputError(f"a painter paints as it was trained: leave out {', '.join(given)}, or leave out --painter")
