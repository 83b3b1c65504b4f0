"""Registries: objects found by name, the built-in ones and those that other packages add by entry points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from spnst_core.errors import InputError, closest

T = TypeVar("T")


class Registry(Generic[T]):
    """Objects by name, imported when asked for.

    A package adds its own under an entry point group in its ``pyproject.toml``::

        [project.entry-points."spnst.metrics"]
        sharpness = "my_package.sharpness:SHARPNESS"

    Args:
        kind: what one of them is called in error messages, such as ``"metric"``.
        group: the entry point group, such as ``"spnst.metrics"``.
        built_in: built-in objects by name, each as ``"module:attribute"``.
    """

    def __init__(self, kind: str, group: str, built_in: Mapping[str, str]) -> None:
        self.kind, self.group = kind, group
        self._built_in = {name: EntryPoint(name, value, group) for name, value in built_in.items()}

    def names(self) -> list[str]:
        """All names, built-in ones first; nothing is imported."""
        return list(self._found())

    def __contains__(self, name: object) -> bool:
        return name in self._found()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """The object of that name.

        Raises:
            InputError: no such name, or the package that adds it can't be imported.
        """
        self.require(name)
        found = self._found()[name]
        try:
            module = import_module(found.module)
            return cast(T, getattr(module, found.attr) if found.attr else module)
        except Exception as error:  # whatever another package raises while it is imported
            if name in self._built_in:
                raise
            raise InputError(
                f'{self.kind} "{name}" can\'t be loaded from {found.value}{_of(found)}: '
                f"{type(error).__name__}: {error}; update or uninstall that package"
            ) from error

    def require(self, name: str) -> None:
        """Nothing, if there is such a name.

        Raises:
            InputError: there isn't.
        """
        known = self._found()
        if name not in known:
            raise InputError(f'no {self.kind} "{name}"{closest(name, known)}: there are {", ".join(known)}')

    def values(self) -> list[T]:
        """All objects, built-in ones first, each imported.

        Raises:
            InputError: a package that adds one can't be imported.
        """
        return [self[name] for name in self.names()]

    def origin(self, name: str) -> str:
        """The distribution that adds a name, with its version; empty for built-in ones."""
        found = self._found()[name]
        return f"{found.dist.name} {found.dist.version}" if found.dist else ""

    def _found(self) -> dict[str, EntryPoint]:
        found: dict[str, Any] = dict(self._built_in)
        for added in sorted(entry_points(group=self.group), key=lambda point: point.name):
            other = found.setdefault(added.name, added)
            if other.value != added.value:
                raise InputError(
                    f'two packages add the {self.kind} "{added.name}": {other.value}{_of(other)} and '
                    f"{added.value}{_of(added)}; rename one in its entry points, or uninstall it"
                )
        return found


def _of(point: EntryPoint) -> str:
    return f" of {point.dist.name} {point.dist.version}" if point.dist else ""
