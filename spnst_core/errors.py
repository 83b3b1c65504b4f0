"""The error raised for unusable input, and what its message is made of: quoted input, and hints at misspelt names."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

QUOTED = 200
"""Longest piece of input, in characters, that a message quotes."""

TOLD = 5
"""Most problems that one message tells of."""


class InputError(ValueError):
    """Input that can't be used. Its message is one line of `printable` text: what is wrong, where, and what to do.

    Passwords in addresses that it quotes are left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(without_passwords(message)))


def without_passwords(text: str) -> str:
    """Text whose addresses lack user and password: ``http://…@host`` for ``http://user:password@host``."""
    return _LOGIN.sub("…@", text)


def printable(text: str) -> str:
    """Text as it may go to a terminal or a log, whatever names it holds.

    Characters that move the cursor, begin another line, reverse the direction of writing or can't be encoded are
    written as escape sequences: ``\\n``, ``\\x1b``, ``\\u202e``, and ``\\xff`` for a byte of a name that isn't UTF-8.
    """
    return "".join(map(_escaped, text)) if not text.isprintable() else text


def closest(name: str, known: Iterable[str]) -> str:
    """A hint such as ``' (did you mean "structure"?)'``, or ``''`` when nothing known is near."""
    near = get_close_matches(name[:QUOTED], list(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def cut(text: str) -> str:
    """Text as a message quotes it: no more than `QUOTED` characters, and then how many there are."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}… ({len(text):,} characters)"


def quoted(value: object) -> str:
    """A value as a message quotes it, in Python's notation and `cut`."""
    try:
        return cut(repr(value))
    except (ValueError, RecursionError):  # Python doesn't write integers of thousands of digits, nor endless nesting
        return f"this {type(value).__name__}"


def several(problems: Sequence[str]) -> str:
    """Problems in one line: the first `TOLD`, and how many more there are."""
    more = f"; and {len(problems) - TOLD:,} more" if len(problems) > TOLD else ""
    return "; ".join(problems[:TOLD]) + more


_LOGIN = re.compile(r"(?<=://)[^\s/@:]*:[^\s@]*@")
"""A user and a password in an address. The password may hold slashes, as secret keys of S3 do."""

_JOINERS = "\u200c\u200d"
"""Characters of category Cf that scripts and emoji are written with."""


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python shows such a byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    harmful = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") and character not in _JOINERS
    return character.encode("unicode_escape").decode() if harmful else character
