"""Private API of other packages is touched in two modules only, in functions that say what happens without it."""

import ast
import inspect
import re
from pathlib import Path

import dagster as dg
import pytest
from dagster._annotations import is_public

from spnst_pipeline.dagster_private import SUPPORTED

ROOT = Path(__file__).parents[1]
EXEMPT = {"spnst_core/compute/torch_private.py", "spnst_pipeline/dagster_private.py"}
OURS = ("spnst_core", "spnst_pipeline")
DAGSTER = {
    "instance": dg.DagsterInstance,
    "run": dg.DagsterRun,
    "dagster_run": dg.DagsterRun,
    "event": dg.DagsterEvent,
}
"""What Dagster's objects are called in the pipeline, whose members are checked for Dagster's mark."""

DOCUMENTED = {"dagster/column_schema", "dagster/row_count"}
"""Keys of metadata, which Dagster's documentation lists."""


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def own_names(trees):
    """Names with an underscore that our own modules, classes and objects have."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield node.attr
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def private_uses(tree, own):
    """(line, name) of each private name of another package that a module imports or reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [".".join([*module, alias.name]) for alias in node.names]
            for name in names:
                if not name.startswith(OURS) and any(map(is_private, name.split("."))):
                    yield node.lineno, name
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and is_private(name.value) and name.value not in own:
                yield node.lineno, name.value


def is_public_member(kind, name):
    """Marked public, or a documented field: an argument of a class that is marked public."""
    fields = inspect.signature(kind.__new__ if issubclass(kind, tuple) else kind.__init__).parameters
    field = is_public(kind) and name in fields and kind is not dg.DagsterInstance
    member = inspect.getattr_static(kind, name, None)
    return field or (member is not None and is_public(member))


def is_private_tag(value):
    return isinstance(value, str) and re.match(r"dagster/\w", value) and value not in DOCUMENTED


def unmarked_uses(tree):
    """(line, name) of each member of a Dagster object that lacks Dagster's mark of public API."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            kind = DAGSTER.get(owner.lstrip("_"))
            if kind is not None and hasattr(kind, node.attr) and not is_public_member(kind, node.attr):
                yield node.lineno, f"{kind.__name__}.{node.attr}"
        elif isinstance(node, ast.Constant) and is_private_tag(node.value):
            yield node.lineno, node.value


@pytest.fixture(scope="module")
def trees():
    files = [file for package in OURS for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text("utf-8")) for file in files}


@pytest.mark.heavy
def test_no_other_module_touches_a_private_name_of_another_package(trees):
    own = set(own_names(trees.values()))
    found = {name: uses for name, tree in trees.items() if (uses := list(private_uses(tree, own)))}
    assert set(found) - EXEMPT == set(), found


def test_no_other_module_touches_what_dagster_does_not_mark_as_public(trees):
    found = {name: uses for name, tree in trees.items() if (uses := list(unmarked_uses(tree)))}
    assert set(found) - EXEMPT == set(), found


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import dagster._core.events", "dagster._core.events"),
        ("from dagster._core.storage.tags import MAX_RETRIES_TAG", "dagster._core.storage.tags.MAX_RETRIES_TAG"),
        ("from torch import _C", "torch._C"),
        ("torch._C.x", "_C"),
        ("x.grad_fn._saved_self", "_saved_self"),
        ('getattr(torch.cpu, "_init_amx")', "_init_amx"),
    ],
)
def test_a_private_name_is_found_however_it_is_reached(code, name):
    assert list(private_uses(ast.parse(code), set())) == [(1, name)]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("instance.event_log_storage", ["DagsterInstance.event_log_storage"]),
        ("self._instance.get_runs()", ["DagsterInstance.get_runs"]),
        ("context.instance.add_run_tags(a, b)", ["DagsterInstance.add_run_tags"]),
        ("event.step_failure_data", ["DagsterEvent.step_failure_data"]),
        ('{"dagster/priority": "1"}', ["dagster/priority"]),
        ("instance.get_run_records(); run.tags; event.is_step_failure; run.is_finished", []),
    ],
)
def test_an_unmarked_member_is_found_and_a_marked_one_is_not(code, names):
    assert [name for _, name in unmarked_uses(ast.parse(code))] == names


def test_versions_are_bounded_above():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    required = dict(re.findall(r'"(dagster|dagster-webserver|dagster-postgres|torch)([<>=][^"]*)"', text))
    assert required["dagster"] == required["dagster-webserver"] == SUPPORTED
    assert re.fullmatch(r">=0\.(\d+),<0\.\d+", required["dagster-postgres"])
    assert re.fullmatch(r">=2\.\d+,<3", required["torch"])
    assert dg.__version__.startswith(SUPPORTED.removeprefix(">=").partition(",")[0])
