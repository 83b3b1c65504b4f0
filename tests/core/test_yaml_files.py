"""YAML files: plain values from regular files of bounded size and depth, or one line that says what is wrong where."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spnst_core.errors import QUOTED, InputError
from spnst_core.yaml_files import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml


def refusal(text):
    with pytest.raises(InputError) as error:
        parse_yaml(text, "recipe mine.yaml")
    message = str(error.value)
    assert message.startswith("recipe mine.yaml")
    assert "\n" not in message
    assert len(message) < 2 * QUOTED
    return message


def test_plain_values_are_read():
    text = "# a comment\nsize: 256\nweights: {style: 1.0e+3, tv: .5}\non: [yes, false, null]\n'quoted': \"a\\tb\"\n"
    assert parse_yaml(text, "") == {
        "size": 256,
        "weights": {"style": 1000, "tv": 0.5},
        "on": [True, False, None],
        "quoted": "a\tb",
    }


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "null"])
def test_an_empty_text_is_an_empty_mapping(text):
    assert parse_yaml(text, "") == {}


def test_keys_are_text_and_so_are_dates_and_yamls_own_signs():
    text = "1: 2024-99-99\ntrue: 2024-01-02\n<<: {a: =}\n"
    assert parse_yaml(text, "") == {"1": "2024-99-99", "true": "2024-01-02", "<<": {"a": "="}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nsize: !!int foo", "line 2: tags aren't read: leave out !!int"),
        ("a: !!python/object/apply:os.system [id]", "line 1: tags aren't read"),
        ("!mine {a: 1}", "line 1: tags aren't read: leave out !mine"),
        ("a: &x [1]\nb: *x", "line 2: aliases aren't read: write out what *x stands for"),
        ("a: &a [*a]", "line 1: aliases aren't read"),
        ("size: 1\nb: {}\nsize: 2", "line 3: the key size is given twice"),
        ("a: {b: 1, 'b': 2}", "line 1: the key b is given twice"),
        ("? [a, b]\n: c", "line 1: a key must be a word"),
        ("a: " + "9" * 5000, "line 1: a number of 5,000 characters"),
        ("a: 1" + ":59" * 5000, "line 1: a number of 15,001 characters"),
        ("a: 0b_", "line 1: 0b_ isn't a number"),
        ("a: " + "[" * 3000, f"line 1: it is nested more than {MAX_DEPTH} levels deep"),
        ("- " * 3000, f"line 1: it is nested more than {MAX_DEPTH} levels deep"),
        ("a: b: c", "line 1: it isn't YAML: mapping values are not allowed here"),
        ("a: 1\nb: [", "line 2: it isn't YAML: while parsing a flow node"),
        ("a: 'x" + "y" * 5000, "line 1: it isn't YAML"),
        ("%YAML 9.9\n---\na: b", "it isn't YAML"),
        ("a: 1\n--- \nb: 2", "line 2: it isn't YAML"),
        ("a: 1\nb: \x00", "line 2: it holds a control character"),
        ("a: 1\nb: \x1b[2J", "line 2: it holds a control character"),
        ("- a\n- b", "must be a mapping"),
        ("word", "must be a mapping"),
        (f"{'k' * 1000}: 1\n{'k' * 1000}: 2", f"{'k' * QUOTED}… (1,000 characters) is given twice"),
        ("#" * (MAX_BYTES + 1), "20,001 bytes, and at most 20,000 are read"),
    ],
)
def test_everything_else_is_refused_in_one_line(text, says):
    assert says in refusal(text)


def test_ten_lines_of_laughs_are_refused_at_their_first_alias():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10)]
    assert "line 2: aliases aren't read" in refusal("\n".join(lines))


WORDS = [
    "a",
    "b",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    ",",
    "? ",
    "&x ",
    "*x",
    "!!int ",
    "!x ",
    "<<: ",
    "0x_",
    "1.5",
    ".nan",
    "2024-99-99",
    "'",
    '"',
    ">\n",
    "#",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "\n",
    "\n  ",
    "\t",
    "\\",
    "\x85",
    "é",
]


def read_or_refused(read):
    """The mapping, or what the refusal says."""
    try:
        return read()
    except InputError as error:
        return str(error)


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=20).map("".join))
def test_any_text_is_a_mapping_or_a_refusal(text):
    found = read_or_refused(lambda: parse_yaml(text, "recipe"))
    assert isinstance(found, dict) or (found.startswith("recipe") and found.isprintable())


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_so_are_any_bytes(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("bytes", numbered=True) / "x.yaml"
    file.write_bytes(data)
    found = read_or_refused(lambda: read_yaml(file, "recipe"))
    assert isinstance(found, dict) or found.startswith(f"recipe {file}")


def fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (fifo, "can't be read: it isn't a regular file: give one that holds text"),
        (lambda path: path.mkdir(), "can't be read: it isn't a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "can't be read: it isn't a regular file"),
        (lambda path: path.symlink_to(path), "can't be read: "),
        (lambda path: None, "can't be read: No such file"),
        (lambda path: path.write_bytes(b"a: 1\nb: caf\xe9\n"), ", line 2: it isn't text in UTF-8"),
        (lambda path: path.write_text("a: 1", "utf-16"), ", line 1: it isn't text in UTF-8"),
        (lambda path: path.write_bytes(b"#" * 30_000), "can't be read: it has 30,000 bytes"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 40), "it has 1,099,511,627,776 bytes"),
    ],
)
def test_a_file_that_holds_no_short_text_is_refused_without_reading_it(tmp_path, make, says):
    path = tmp_path / "mine.yaml"
    make(path)
    with pytest.raises(InputError) as error:
        read_yaml(path, "recipe")
    assert f"recipe {path}" in str(error.value)
    assert says in str(error.value)


def test_so_is_a_name_that_no_file_has():
    for name in ("x" * 300 + ".yaml", "a\0b.yaml"):
        with pytest.raises(InputError, match="can't be read"):
            read_yaml(Path(name), "recipe")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1", "utf-8-sig")
    assert read_yaml(tmp_path / "x.yaml", "recipe") == {"a": 1}
