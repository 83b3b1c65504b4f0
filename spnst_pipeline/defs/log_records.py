"""Log records of a run: what they carry beside their message, and how they are written as lines of JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.dagster_private import log_context

FIELDS = "spnst"
"""Attribute of a log record that holds its fields of ours."""


def extra(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The argument ``extra`` of a logger's methods that gives a record these fields."""
    return {FIELDS: dict(fields)}


def of_artefact(artefact: ArtefactId) -> dict[str, str]:
    """Fields of a record about an artefact: its asset, and those of recipe, content and style that it has."""
    named = {name: getattr(artefact, name) for name in ("recipe", "content", "style")}
    return {"asset": artefact.name, **{name: value for name, value in named.items() if value}}


class JsonFormatter(logging.Formatter):
    """Formats the records of Dagster's runs as one JSON object each.

    Fields: ``time`` (ISO 8601, UTC), ``level``, ``run`` (the run's id), ``job``, ``step``, ``event`` (of Dagster, such
    as ASSET_MATERIALIZATION), ``asset``, ``recipe``, ``content``, ``style`` or ``styles``, ``stage``, ``painter``
    (the host of a pool's painter), ``message``, ``exception``; those that a record hasn't are left out.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        context = log_context(record)
        fields = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "run": context.run,
            "job": context.job,
            "step": context.step,
            "event": context.event,
            **(_made(*context.made) if context.made else {}),
            **getattr(record, FIELDS, {}),
            "message": context.message,
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in fields.items() if value not in (None, "")}, default=str)


def _made(asset: dg.AssetKey, partition: str) -> dict[str, str]:
    try:
        return of_artefact(ArtefactId.from_asset_key(asset, partition))
    except ValueError:  # another project's asset, in the same process
        return {"asset": asset.to_user_string(), "partition": partition}
