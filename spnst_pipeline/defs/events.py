"""Events: how an asset reports to Dagster each partition that it made or couldn't make, and the results of its checks.

Dagster has no result for one partition of many (dagster #34013, #21072, #17836), so each partition is reported at once
by an event of its own. When the step has succeeded, Dagster writes events with one data version for the whole batch;
each partition is then reported again with its own. The last evaluation of each check is the summary of the batch,
because the asset's page shows the latest one as the state of the check.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

from spnst_core.compute.memory import ran_out, shortage
from spnst_core.errors import InputError
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.dagster_private import (
    forget_input_version,
    input_tags,
    own_version_tags,
    provenance_tags,
    version_tags,
)
from spnst_pipeline.defs.checks import Check, CheckFailed, Verdict, summary
from spnst_pipeline.defs.log_records import extra, of_artefact
from spnst_pipeline.shard import Shard

Metadata = Mapping[str, Any]

if TYPE_CHECKING:
    Results: TypeAlias = Iterator[dg.MaterializeResult[None]]
else:
    Results = dg.MaterializeResult  # Dagster takes a generator, but understands no other annotation of its asset


@dataclass(frozen=True)
class Made:
    """A partition that is up to date: what its event shows, and the verdicts on it.

    Attributes:
        metadata: what the event shows, the artefact's ``fingerprint`` among it.
        verdicts: what the asset's checks found.
        elsewhere: verdicts on the same partition of other assets, which only this result made possible.
        digest: SHA-256 of the source file; empty if the artefact is made of other artefacts.
        made_of: the one artefact that it is made of, for provenance where another asset's step made it.
    """

    metadata: Metadata
    verdicts: Sequence[Verdict] = ()
    elsewhere: Mapping[ArtefactId, Verdict] = field(default_factory=dict)
    digest: str = ""
    made_of: ArtefactId | None = None

    @property
    def version(self) -> str:
        """The data version, by which Dagster tells whether what was made of this partition is stale."""
        return self.digest or str(self.metadata["fingerprint"])


BATCH = "whole batch"
"""In place of a partition, in the summary of a check.

Dagster stores the summary that a step returns in a row that was created when the run began, so the partitions'
evaluations, which get rows of their own, count as later ones. With a name in place of the partition, the summary gets a
new row too. The name shows up only in the check's history: Dagster doesn't record an evaluation as an event of a
partition, so the asset gains none. The space keeps it apart from every slug: a partition of the same name would lose
its own evaluation to the summary.
"""


class Report:
    """Reports the partitions of one asset in a step. A failed one doesn't stop the others; the step fails at the end.

    ``asset`` must be given if the step makes several assets.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, checks: Sequence[Check] = (), asset: ArtefactId | None = None
    ) -> None:
        self._context = context
        self._checks = checks
        self._shard = Shard.of_key(next(iter(context.selected_asset_keys)).path)
        self._asset = asset.key_in(self._shard) if asset else context.asset_key
        self._landed: dict[str, Made] = {}
        self._verdicts: dict[dg.AssetKey, list[Verdict]] = {}
        self.asked = self._asset in context.selected_asset_keys
        """Whether the asset is selected in this run; a step may make it even so, together with another."""
        self.lines: list[str] = []
        """One for each failed partition."""

    def landed(self, key: str, made: Made) -> None:
        """Report a finished partition at once, so that a later failure doesn't lose it."""
        if self.asked:
            self._materialised(key, made, version_tags(made.version))
        else:  # Dagster knows nothing of an asset that the run wasn't asked for
            self._materialised(key, made, own_version_tags(made.version, self._provenance(made)))
            forget_input_version(self._context, self._asset)
        self._landed[key] = made
        for verdict in made.verdicts:
            self._judged(self._asset, key, verdict)
        for other, verdict in made.elsewhere.items():
            self._judged(other.key_in(self._shard), key, verdict)

    def failed(self, key: str, error: Exception) -> None:
        """Note a failed partition; the traceback goes to the run's log."""
        self.lines.append(f"{ArtefactId.from_asset_key(self._asset, key)}: {in_one_line(error)}")
        if isinstance(error, CheckFailed):
            self._judged(self._asset, key, error.verdict)
        else:
            fields = of_artefact(ArtefactId.from_asset_key(self._asset, key))
            self._context.log.error("".join(traceback.format_exception(error)), extra=extra(fields))

    def result(self) -> Results:
        """The step's results for the asset, with a summary of each check."""
        found = [summary(check, self._verdicts.get(self._asset, [])).result() for check in self._checks]
        if len(self._landed) == 1:
            [(key, made)] = self._landed.items()
            self._context.add_asset_metadata(made.metadata, asset_key=self._asset, partition_key=key)
            version = dg.DataVersion(made.version)
            yield dg.MaterializeResult(asset_key=self._asset, check_results=found, data_version=version)
        else:
            yield dg.MaterializeResult(asset_key=self._asset, check_results=found)
            self._tell_versions()

    def summarise(self) -> None:
        """Log the summary of each check of several partitions as its last evaluation."""
        for asset, verdicts in self._verdicts.items():
            for check, judged in Counter(verdict.check for verdict in verdicts).items():
                if judged > 1:  # of one partition, the last evaluation is its own
                    self._context.log_event(summary(check, verdicts).evaluation(asset, BATCH))

    def _tell_versions(self) -> None:
        """Report every partition again with its own data version, and with the provenance tags that Dagster set."""
        shared: dict[str, str] = {}
        for key in list(self._landed)[:1]:
            shared = provenance_tags(self._context.instance, self._asset, str(key))
        for key, made in self._landed.items():
            self._materialised(key, made, own_version_tags(made.version, shared))

    def _provenance(self, made: Made) -> Mapping[str, str]:
        if not made.made_of:
            return {}
        code_version = str(VERSIONS[ArtefactId.from_asset_key(self._asset).family])
        made_of = made.made_of.key_in(self._shard)
        return input_tags(self._context.instance, made_of, made.made_of.partition, code_version)

    def _materialised(self, key: str, made: Made, tags: Mapping[str, str]) -> None:
        event = dg.AssetMaterialization(self._asset, partition=str(key), metadata=made.metadata, tags=tags)
        self._context.log_event(event)

    def _judged(self, asset: dg.AssetKey, key: str, verdict: Verdict) -> None:
        self._verdicts.setdefault(asset, []).append(verdict)
        self._context.log_event(verdict.evaluation(asset, key))


def in_one_line(error: Exception) -> str:
    """What an exception says; if it says nothing, what it is. Of memory that ran out, what to do about it."""
    if ran_out(error) and not isinstance(error, InputError):
        return shortage(error)
    return " ".join(str(error).split()) or type(error).__name__


def results(*reports: Report) -> Results:
    """The results of a step for the assets that it was asked for.

    Raises:
        dagster.Failure: one line for each failed partition.
    """
    lines = [line for report in reports for line in report.lines]
    for report in reports:
        if report.asked and not lines:
            yield from report.result()
        report.summarise()
    if lines:
        raise dg.Failure("\n".join(lines))


def each(context: dg.AssetExecutionContext, make: Callable[[str], Made], checks: Sequence[Check] = ()) -> Results:
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
    yield from results(report)
