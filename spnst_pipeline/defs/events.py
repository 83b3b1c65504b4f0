"""Events: how an asset tells Dagster of each partition that it made or couldn't make, and what its checks found."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

from spnst_pipeline.defs.checks import Check, CheckFailed, Verdict, summary

Metadata = Mapping[str, Any]

if TYPE_CHECKING:
    Result: TypeAlias = dg.MaterializeResult[None]
else:
    Result = dg.MaterializeResult  # Dagster understands the annotation only without its parameter


@dataclass(frozen=True)
class Made:
    """A partition that is there and up to date: what its event shows, and the verdicts on it.

    ``elsewhere`` holds verdicts on the same partition of other assets, which couldn't be judged before.
    """

    metadata: Metadata
    verdicts: Sequence[Verdict] = ()
    elsewhere: Mapping[dg.AssetKey, Verdict] = field(default_factory=dict)


class Report:
    """What one step tells of an asset's partitions. One that fails doesn't stop the others; the step fails at the end.

    ``asset`` must be given where the step makes several assets.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, checks: Sequence[Check] = (), asset: dg.AssetKey | None = None
    ) -> None:
        self._context = context
        self._checks = checks
        self._asset = asset or context.asset_key
        self._verdicts: list[Verdict] = []
        self.asked = self._asset in context.selected_asset_keys
        """Whether the run is to make the asset; a step may make it all the same, for the sake of another."""
        self.lines: list[str] = []
        """One for each failed partition."""

    def landed(self, key: str, made: Made) -> None:
        """Report one finished partition at once, so that nothing that fails later can lose it.

        The metadata is given a second time, because when the step succeeds Dagster writes an event of its own for
        each partition.
        """
        self._context.log_event(dg.AssetMaterialization(self._asset, partition=str(key), metadata=made.metadata))
        if self.asked:
            self._context.add_asset_metadata(made.metadata, asset_key=self._asset, partition_key=key)
        for verdict in made.verdicts:
            self._judged(key, verdict)
        for other, verdict in made.elsewhere.items():
            self._context.log_event(verdict.evaluation(other, key))

    def failed(self, key: str, error: Exception) -> None:
        """Note a failed partition; the traceback goes to the run's log."""
        message = " ".join(str(error).split()) or type(error).__name__
        self.lines.append(f"{self._asset.to_user_string()}[{key}]: {message}")
        if isinstance(error, CheckFailed):
            self._judged(key, error.verdict)
        else:
            self._context.log.error("".join(traceback.format_exception(error)))

    def result(self) -> Result:
        """What the step returns: one summary of each check."""
        found = [summary(check, self._verdicts) for check in self._checks]
        return dg.MaterializeResult(asset_key=self._asset, check_results=found)

    def _judged(self, key: str, verdict: Verdict) -> None:
        self._verdicts.append(verdict)
        self._context.log_event(verdict.evaluation(self._asset, key))


def results(*reports: Report) -> Iterator[Result]:
    """What a step returns of the assets that it was to make.

    Raises:
        dagster.Failure: one line for each failed partition.
    """
    if lines := [line for report in reports for line in report.lines]:
        raise dg.Failure("\n".join(lines))
    yield from (report.result() for report in reports if report.asked)


def each(context: dg.AssetExecutionContext, make: Callable[[str], Made], checks: Sequence[Check] = ()) -> Result:
    """Make every partition of a step by itself and report it.

    Raises:
        dagster.Failure: some couldn't be made; all others were.
    """
    report = Report(context, checks)
    for key in context.partition_keys:
        try:
            made = make(key)
        except Exception as error:  # one bad partition must not take its neighbours along
            report.failed(key, error)
        else:
            report.landed(key, made)
    [result] = results(report)
    return result
