"""Examples in docstrings: each runs and prints what it says; those that users start from have one."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import spnst_core as sp

ROOT = Path(sp.__file__).parent
MODULES = [
    ".".join(("spnst_core", *file.relative_to(ROOT).with_suffix("").parts))
    for file in sorted(ROOT.rglob("*.py"))
    if ">>> " in file.read_text("utf-8")
]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.heavy
def test_examples_do_what_they_say(module):
    found = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    "thing", [sp.stylize, sp.stylize_grid, sp.optimize, sp.losses, sp.Recipe], ids=lambda x: x.__name__
)
def test_what_users_start_from_has_an_example(thing):
    assert doctest.DocTestParser().get_examples(thing.__doc__)
