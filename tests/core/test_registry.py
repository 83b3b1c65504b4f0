"""Registries: built-in objects and those of installed packages, found by name; and what a faulty package says."""

import sys

import pytest
from distribution import installed, write

from spnst_core import InputError
from spnst_core.registry import Registry

GROUP = "spnst.numbers"


def require_number(name, value):
    if not isinstance(value, float):
        raise TypeError(f"it is a {type(value).__name__}, not a float")


NUMBERS = Registry("number", GROUP, {"pi": "math:pi", "half": 0.5}, require_number)


def add(folder, module="", name="numerals", version="1.0", **points):
    return write(folder, name, version, module, {GROUP: points})


def test_built_in_objects_are_given_or_imported_when_asked_for():
    assert NUMBERS["half"] == 0.5
    assert NUMBERS["pi"] == pytest.approx(3.14159, abs=1e-5)
    assert NUMBERS.values() == [NUMBERS["pi"], 0.5]
    assert list(NUMBERS) == NUMBERS.names() == ["pi", "half"]
    assert len(NUMBERS) == 2
    assert "pi" in NUMBERS and "tau" not in NUMBERS


def test_a_package_adds_objects_by_entry_points_without_being_imported(tmp_path):
    add(tmp_path, "TWO = 2.0\nclass Powers:\n    three = 8.0\n", two="numerals:TWO", eight="numerals:Powers.three")
    with installed(tmp_path):
        assert NUMBERS.names() == ["pi", "half", "eight", "two"]
        assert "numerals" not in sys.modules
        assert (NUMBERS["two"], NUMBERS["eight"]) == (2.0, 8.0)
        assert NUMBERS.origin("two") == "numerals 1.0"
        assert NUMBERS.origin("pi") == ""
    assert "two" not in NUMBERS


def test_an_unknown_name_gets_the_nearest_and_all_that_there_are():
    with pytest.raises(InputError, match=r'no number "halv" \(did you mean "half"\?\): there are pi, half'):
        NUMBERS["halv"]
    with pytest.raises(InputError, match='no number "tau"'):
        NUMBERS.origin("tau")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("import nonesuch_of_another_package", "ModuleNotFoundError: No module named 'nonesuch_of_another_package'"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("", "AttributeError: .*'TWO'"),
        ("TWO = '2'", "TypeError: it is a str, not a float"),
    ],
)
def test_a_faulty_package_is_named_with_what_it_said(tmp_path, module, says):
    add(tmp_path, module, two="numerals:TWO")
    with installed(tmp_path):
        with pytest.raises(InputError, match=f'number "two" .* numerals:TWO of numerals 1.0: {says}; update or uninst'):
            NUMBERS["two"]
        assert NUMBERS["half"] == 0.5, "the others are as they were"


def test_two_packages_with_one_name_are_both_named(tmp_path):
    add(tmp_path / "a", "TWO = 2.0", "latin", two="latin:TWO")
    add(tmp_path / "b", "TWO = 2.0", "greek", "3.1", two="greek:TWO")
    with (
        installed(tmp_path / "a"),
        installed(tmp_path / "b"),
        pytest.raises(InputError, match=r'two .* "two", greek:TWO of greek 3.1 and latin:TWO of latin 1.0; rename'),
    ):
        NUMBERS.names()


def test_a_built_in_name_cannot_be_taken(tmp_path):
    add(tmp_path, "PI = 3.0", pi="numerals:PI")
    with installed(tmp_path), pytest.raises(InputError, match='numerals 1.0 adds the number "pi", which is built in'):
        NUMBERS.names()
