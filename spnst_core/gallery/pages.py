"""What all pages are made with: templates, and scripts that hold data."""

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """Where the templates are, with escaping, and errors for names that they aren't given."""
    return Environment(
        loader=PackageLoader("spnst_core.gallery", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script(target: str, value: Any) -> bytes:
    """A script that assigns a value to something."""
    return f"{target} = {as_json(value)};\n".encode("ascii")


def as_json(value: Any) -> str:
    """JSON that is also safe inside a script element: ASCII only, and without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
