"""The error raised for unusable input, and the hint that it gives for a misspelt name."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that can't be used. Its message is one line of `printable` text: what is wrong, where, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Text as it may go to a terminal or a log, whatever names it holds.

    Characters that move the cursor, begin another line, reverse the direction of writing or can't be encoded are
    written as escape sequences: ``\\n``, ``\\x1b``, ``\\u202e``, and ``\\xff`` for a byte of a name that isn't UTF-8.
    """
    return "".join(map(_escaped, text)) if not text.isprintable() else text


def closest(name: str, known: Iterable[str]) -> str:
    """A hint such as ``' (did you mean "structure"?)'``, or ``''`` when nothing known is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


_JOINERS = "\u200c\u200d"
"""Characters of category Cf that scripts and emoji are written with."""


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python shows such a byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    harmful = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") and character not in _JOINERS
    return character.encode("unicode_escape").decode() if harmful else character
