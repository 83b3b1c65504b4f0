"""The project as a Dagster resource: its page in the UI shows every setting, and runs get the opened project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

SHOWN = {name: info for name, info in Settings.model_fields.items() if not info.exclude}
"""The settings that aren't secret."""


class _Opened(dg.ConfigurableResource[Project]):
    """Opens the project when a run starts, with its folders as they are then."""

    def create_resource(self, context: dg.InitResourceContext) -> Project:
        """The project that assets get.

        Raises:
            InputError: a setting that can't be used.
        """
        return Project.open(Settings(**{name: getattr(self, name) for name in SHOWN}))


def project_resource(settings: Settings, project: Project | None = None) -> dg.ConfigurableResource[Project]:
    """The resource for some settings.

    Every field of `Settings` that isn't secret is one of its own, with the same description.

    Args:
        settings: what its page shows.
        project: the same settings, already opened, for runs in this process, which then share the loaded networks.
    """
    base: type[_Opened] = _Opened
    if project is not None:
        opened = project

        class Shared(_Opened):
            """Gives every run the same project: Dagster makes a new resource for each from its settings alone."""

            def create_resource(self, context: dg.InitResourceContext) -> Project:
                return opened

        base = Shared
    fields: dict[str, Any] = {name: _field(info) for name, info in SHOWN.items()}
    resource: Callable[..., dg.ConfigurableResource[Project]] = create_model(
        "Project", __base__=base, __module__=__name__, **fields
    )
    return resource(**settings.model_dump(mode="json"))


def _field(info: FieldInfo) -> tuple[Any, Any]:
    """A field of the settings as Dagster's configuration knows it, which has lists but no tuples."""
    several = isinstance(info.default, tuple)
    annotation = list[str] if several else info.annotation
    return annotation, Field(list(info.default) if several else info.default, description=info.description)
