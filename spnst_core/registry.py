"""Registries: objects found by name, the built-in ones and those that other packages add by entry points."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, reduce
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from spnst_core.errors import InputError, closest, cut

T = TypeVar("T")


class Registry(Generic[T]):
    """Objects by name, each imported when it is first asked for.

    A package adds its own under an entry point group in its ``pyproject.toml``:

        [project.entry-points."spnst.metrics"]
        sharpness = "my_package.sharpness:SHARPNESS"

    The installed packages are searched once for each value of ``sys.path``.

    Args:
        kind: what one of them is called in error messages, such as ``"metric"``.
        group: the entry point group, such as ``"spnst.metrics"``.
        built_in: built-in objects by name, each itself or, to be imported when asked for, as ``"module:attribute"``.
        check: called with the name and the object that a package adds; raises an exception that says what is wrong.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        built_in: Mapping[str, T | str],
        check: Callable[[str, Any], None] | None = None,
    ) -> None:
        self.kind, self.group = kind, group
        self._built_in, self._check = built_in, check

    def names(self) -> list[str]:
        """All names, built-in ones first in their own order, then added ones alphabetically; nothing is imported."""
        return [*self._built_in, *self._added()]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._added()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __getitem__(self, name: str) -> T:
        """The object of that name.

        Raises:
            InputError: no such name, or the object that a package adds can't be imported or isn't of this kind.
        """
        self.require(name)
        if name in self._built_in:
            found = self._built_in[name]
            return cast(T, _attribute(EntryPoint(name, found, self.group))) if isinstance(found, str) else found
        point = self._added()[name]
        try:
            added = _attribute(point)
            if self._check:
                self._check(name, added)
        except Exception as error:  # whatever another package raises while it is imported
            raise InputError(
                f'{self.kind} "{name}" can\'t be loaded from {_origin(point)}: '
                f"{type(error).__name__}: {' '.join(str(error).split())}; update or uninstall that package"
            ) from error
        return cast(T, added)

    def require(self, name: str) -> None:
        """Check that the name is registered.

        Raises:
            InputError: it isn't; the message suggests the closest name.
        """
        if name not in self:
            names = self.names()
            raise InputError(f'no {self.kind} "{cut(name)}"{closest(name, names)}: there are {", ".join(names)}')

    def values(self) -> list[T]:
        """All objects, in the order of `names`, each imported.

        Raises:
            InputError: a package that adds one can't be imported.
        """
        return [self[name] for name in self.names()]

    def origin(self, name: str) -> str:
        """Name and version of the distribution that adds an object; empty for built-in ones.

        Raises:
            InputError: no such name.
        """
        self.require(name)
        point = self._added().get(name)
        return f"{point.dist.name} {point.dist.version}" if point and point.dist else ""

    def _added(self) -> dict[str, EntryPoint]:
        """The entry points that packages add, by name.

        Raises:
            InputError: two of them add the same name, or one adds a built-in one.
        """
        added: dict[str, EntryPoint] = {}
        for point in _installed(self.group, tuple(sys.path)):
            if point.name in self._built_in:
                raise InputError(
                    f'{_origin(point)} adds the {self.kind} "{point.name}", which is built in; '
                    "rename it in its entry points, or uninstall that package"
                )
            other = added.setdefault(point.name, point)
            if other.value != point.value:
                raise InputError(
                    f'two packages add the {self.kind} "{point.name}", {_origin(other)} and {_origin(point)}; '
                    "rename one in its entry points, or uninstall one of them"
                )
        return added


@lru_cache(maxsize=64)
def _installed(group: str, path: tuple[str, ...]) -> list[EntryPoint]:
    """The group's entry points of the distributions on ``sys.path``, by name: looking through them takes 20 ms."""
    return sorted(entry_points(group=group), key=lambda point: (point.name, point.value))


def _attribute(point: EntryPoint) -> Any:
    return reduce(getattr, point.attr.split(".") if point.attr else [], import_module(point.module))


def _origin(point: EntryPoint) -> str:
    return f"{point.value} of {point.dist.name} {point.dist.version}" if point.dist else point.value
