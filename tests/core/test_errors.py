"""Messages of errors: one line, and nothing in it that steers a terminal."""

import pytest

from spnst_core.errors import InputError, closest, cut, printable, quoted, several


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


def test_long_input_is_quoted_by_its_beginning_and_its_length():
    assert cut("x" * 200) == "x" * 200
    assert cut("x" * 1200) == "x" * 200 + "… (1,200 characters)"
    assert quoted({"a": [1, "b"]}) == "{'a': [1, 'b']}"
    assert quoted("y" * 300) == "'" + "y" * 199 + "… (302 characters)"


def test_what_python_cannot_write_is_called_by_its_type():
    assert quoted(10**5000) == "this int"
    endless = []
    for _ in range(10_000):
        endless = [endless]
    assert quoted(endless) == "this list"


def test_of_many_problems_five_are_told():
    assert several(["a", "b"]) == "a; b"
    assert several([str(k) for k in range(2005)]) == "0; 1; 2; 3; 4; and 2,000 more"


def test_a_hint_at_a_name_takes_no_time_however_long_it_is():
    assert closest("structur", ["structure", "gatys"]) == ' (did you mean "structure"?)'
    assert closest("x" * 10_000_000, ["structure"]) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pass@host:9000/x can't", "http://…@host:9000/x can't"),
        ("s3://AKIA:se/cr+et@bucket/made", "s3://…@bucket/made"),
        ("s3://bucket/me@home is no place", "s3://bucket/me@home is no place"),
        ("http://host:9000 and me@example.org", "http://host:9000 and me@example.org"),
    ],
)
def test_a_message_holds_no_password_of_an_address(text, shown):
    assert str(InputError(text)) == shown
