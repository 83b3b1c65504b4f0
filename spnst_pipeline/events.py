"""Events: how an asset tells Dagster of each partition that it made, and of each that it couldn't make."""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

Metadata = Mapping[str, Any]


def land(context: dg.AssetExecutionContext, key: str, metadata: Metadata) -> None:
    """Report one finished partition at once, so that nothing that fails later can lose it.

    The metadata is given a second time, because when the step succeeds Dagster writes an event of its own for
    each partition.
    """
    context.log_event(dg.AssetMaterialization(context.asset_key, partition=str(key), metadata=metadata))
    context.add_asset_metadata(metadata, partition_key=key)


class Failures:
    """Partitions of one step that failed: the others go on, and the step fails at the end, naming them all."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._lines: list[str] = []

    def add(self, key: str, error: Exception) -> None:
        """Note a failed partition; the traceback goes to the run's log."""
        message = " ".join(str(error).split()) or type(error).__name__
        self._lines.append(f"{self._context.asset_key.to_user_string()}[{key}]: {message}")
        self._context.log.error("".join(traceback.format_exception(error)))

    def report(self) -> None:
        """Fail the step if any partition failed.

        Raises:
            dagster.Failure: one line for each failed partition.
        """
        if self._lines:
            raise dg.Failure("\n".join(self._lines))


def each(context: dg.AssetExecutionContext, make: Callable[[str], Metadata]) -> None:
    """Make every partition of a step by itself and report it.

    Raises:
        dagster.Failure: some couldn't be made; all others were.
    """
    failures = Failures(context)
    for key in context.partition_keys:
        try:
            metadata = make(key)
        except Exception as error:  # one bad partition must not take its neighbours along
            failures.add(key, error)
        else:
            land(context, key, metadata)
    failures.report()
