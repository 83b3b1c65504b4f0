"""The error raised for unusable input, and the hint that it gives for a misspelt name."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that can't be used. Its message is one line: what is wrong, where, and what to do."""


def closest(name: str, known: Iterable[str]) -> str:
    """A hint such as ``' (did you mean "structure"?)'``, or ``''`` when nothing known is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""
