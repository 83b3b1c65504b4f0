"""Messages of errors: one line, and nothing in it that steers a terminal."""

import pytest

from spnst_core.errors import InputError, printable


@pytest.mark.parametrize(
    "text", ["cat.png", "猫 1.png", "Die Brücke — 24 × 32", "👩\u200d🎨", "\u3000", "[red]x[/red]"]
)
def test_what_can_be_printed_stays(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\t\0", r"a\nb\r\t\x00"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b2J", r"\x9b2J"),
        ("gnp\u202e.exe", r"gnp\u202e.exe"),
        ("a\u2028b", r"a\u2028b"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_what_cannot_is_escaped(text, shown):
    assert printable(text) == shown == printable(shown)
    assert str(InputError(f"{text}: check it")) == f"{shown}: check it"
    shown.encode()
