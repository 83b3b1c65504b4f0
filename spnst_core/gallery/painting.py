"""A page on which visitors paint a content of their own, in the browser, with painters that were trained.

It opens from disk like the gallery. Browsers let no page from disk read other files, so that painters and ONNX Runtime
come as scripts, which hold them in base64.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from spnst_core.gallery.copies import THUMBNAIL, Files, copy, href, mark, stem
from spnst_core.gallery.description import StoredPicture
from spnst_core.gallery.pages import environment, script
from spnst_core.gallery.runtime import PACKAGE, Runtime

PAGE = "paint.html"
STATIC = ("paint.js",)
WORKER = "paint_worker.js"

SIZES = (256, 384, 512, 768, 1024, 1536)
"""Long sides in pixels that can be chosen. The last takes a browser some 500 MB."""

CHOSEN = 512
"""The one that is chosen at first."""


@dataclass(frozen=True)
class BrowserPainter:
    """A painter that visitors can choose.

    Attributes:
        name: of its style, or of its file.
        recipe: the name of the recipe that it was trained by.
        onnx: gives its network as ONNX; called only if the file has to be written.
        version: a text that changes whenever the network does.
        style: the style's picture.
    """

    name: str
    recipe: str
    onnx: Callable[[], bytes]
    version: str
    style: StoredPicture | None = None


@dataclass(frozen=True)
class Painting:
    """What the page offers.

    Attributes:
        painters: at least one.
        runtime: gives the runtime; called only if its file has to be written.
        smallest: shortest side in pixels of a picture that the painters' networks can paint.
    """

    painters: Sequence[BrowserPainter]
    runtime: Callable[[], Runtime]
    smallest: int


def painting_page(painting: Painting, back: str | None) -> tuple[Files, Mapping[str, bytes]]:
    """The page's files: those whose names contain their version, and the others; see `GalleryFiles`.

    Args:
        back: title of the gallery that the page belongs to; None for a page by itself.
    """
    source, versioned = resources.files("spnst_core.gallery"), Files()
    worker = (source / WORKER).read_text()
    path = f"painters/runtime.{mark(PACKAGE + worker)}.js"
    versioned[path] = lambda: _runtime(painting.runtime(), worker)
    data = {
        "runtime": href(path),
        "sizes": SIZES,
        "chosen": CHOSEN,
        "smallest": painting.smallest,
        "painters": [_painter(versioned, painter) for painter in painting.painters],
    }
    pages = {
        **{name: (source / name).read_bytes() for name in STATIC},
        "painters.js": script("window.painting", data),
        PAGE: environment().get_template(PAGE).render(back=back).encode(),
    }
    return versioned, pages


def painting_folder(painting: Painting) -> tuple[Files, Mapping[str, bytes]]:
    """The same as a folder by itself, whose page is ``index.html``."""
    versioned, pages = painting_page(painting, None)
    style_sheet = (resources.files("spnst_core.gallery") / "gallery.css").read_bytes()
    renamed = {"index.html" if name == PAGE else name: data for name, data in pages.items()}
    return versioned, {"gallery.css": style_sheet, **renamed}


def _painter(files: Files, painter: BrowserPainter) -> dict[str, Any]:
    path = f"painters/{stem(painter.recipe, painter.name)}.{mark(painter.version)}.js"
    files[path] = lambda: _registered(path, painter.onnx())
    picture = copy(files, painter.style, stem("style", painter.name), THUMBNAIL) if painter.style else None
    return {"name": painter.name, "recipe": painter.recipe, "file": href(path), "picture": picture}


def _registered(path: str, data: bytes) -> bytes:
    return script(f"(window.networks ??= {{}})[{json.dumps(href(path))}]", b64encode(data).decode())


def _runtime(runtime: Runtime, worker: str) -> bytes:
    """The runtime and the worker's own script; machine code compressed to a quarter, which the browser undoes."""
    parts = {
        "script": runtime.script.decode(),
        "module": runtime.module.decode(),
        "code": b64encode(gzip.compress(runtime.code, mtime=0)).decode(),
        "worker": worker,
    }
    return script("window.runtime", parts)
