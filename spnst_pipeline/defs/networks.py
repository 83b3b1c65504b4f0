"""Loading a project's networks, which takes seconds, where a trace shows it."""

from __future__ import annotations

from collections.abc import Mapping

from spnst_pipeline.defs.tracing import span
from spnst_pipeline.project import Project


def load_networks(project: Project, parent: Mapping[str, str] | None = None) -> None:
    """Load the networks now, unless they are loaded.

    Args:
        parent: where the span belongs, as for `span`.

    Raises:
        InputError: as `load_models`.
    """
    if not project.has_networks:
        with span("load networks", parent, profile=project.settings.profile):
            _ = project.models
