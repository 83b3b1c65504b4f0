"""YAML files: the only door through which recipes and settings are read.

They hold mappings, lists, text, numbers, booleans and nulls, and nothing else: no tags, which name types to construct;
no aliases, by which ten lines expand to gigabytes; no key twice; no dates. Size and depth are bounded before anything
is made of them.
"""

from __future__ import annotations

import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from spnst_core.errors import InputError, cut

MAX_BYTES = 20_000
"""Largest file that is read: many times a recipe, and even the slowest text of that length takes but two seconds."""

MAX_DEPTH = 20
"""How deeply mappings and lists may be nested."""

MAX_DIGITS = 100
"""Longest number, in characters."""

_YAML = "tag:yaml.org,2002:"
"""What every tag of YAML's own begins with; ``!!`` stands for it."""

_PLAIN = ("null", "bool", "int", "float")
"""What a word without quotes can be instead of text; YAML also has dates and merge keys."""


def read_yaml(file: Path, kind: str) -> dict[str, Any]:
    """The mapping in a YAML file; empty for an empty one.

    Args:
        file: its path.
        kind: what it holds, for messages, such as ``recipe``.

    Raises:
        InputError: it can't be read, isn't a regular file of at most `MAX_BYTES`, isn't UTF-8, or as `parse_yaml`.
    """
    name = f"{kind} {cut(str(file))}"
    try:
        data = _bytes(file)
    except (OSError, ValueError) as error:  # ValueError: also a NUL in the path
        raise InputError(f"{name} can't be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        return parse_yaml(data.decode(), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: it isn't text in UTF-8: save it in that encoding") from error


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """The mapping in a YAML text, which errors call ``name``; empty for an empty text.

    Raises:
        InputError: it isn't YAML, isn't a mapping, is longer than `MAX_BYTES`, nested deeper than `MAX_DEPTH`, or has
            a tag, an alias, a key that is given twice or isn't text, or a number longer than `MAX_DIGITS`.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{name} can't be read: {_too_long(len(text))}")
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that refuses more
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{name}, line {line}: it holds a control character: remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        problem = str(error.problem) if error.context == _REFUSED else f"it isn't YAML: {_said(error)}"
        raise InputError(f"{name}{where}: {problem}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"{name} must be a mapping, with lines such as key: value")
    return found


def _bytes(file: Path) -> bytes:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):  # reading from a FIFO or a device may never end
        raise ValueError("it isn't a regular file: give one that holds text")
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(_too_long(max(status.st_size, len(data))))
    return data


def _too_long(length: int) -> str:
    return f"it has {length:,} bytes, and at most {MAX_BYTES:,} are read: make it shorter"


_REFUSED = "refused"


def _refuse(problem: str, mark: Any) -> NoReturn:
    raise yaml.MarkedYAMLError(_REFUSED, None, problem, mark)


def _said(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's own words, in one line and without its marks."""
    return cut(" ".join(", ".join(filter(None, (error.context, error.problem))).split()))


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, without tags, aliases, dates and merge keys, and with bounds."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in _PLAIN]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            _refuse(f"aliases aren't read: write out what *{cut(str(event.anchor))} stands for", event.start_mark)
        if getattr(event, "tag", None) is not None:
            _refuse(f"tags aren't read: leave out {cut(event.tag.replace(_YAML, '!!'))}", event.start_mark)
        if self._depth > MAX_DEPTH:
            _refuse(f"it is nested more than {MAX_DEPTH} levels deep: a recipe needs five", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse("a key must be a word", key.start_mark)
            if key.value in seen:
                _refuse(f"the key {cut(key.value)} is given twice: keep one of them", key.start_mark)
            seen.add(key.value)
        # Keys are text even where they read like numbers or booleans: these are for values.
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag.endswith((":int", ":float")) and len(node.value) > MAX_DIGITS:
            _refuse(f"a number of {len(node.value):,} characters: at most {MAX_DIGITS} are read", node.start_mark)
        try:
            return super().construct_object(node, deep)
        except ValueError:  # such as 0x_, which YAML 1.1 calls a number
            _refuse(f"{cut(str(node.value))} isn't a number", node.start_mark)
