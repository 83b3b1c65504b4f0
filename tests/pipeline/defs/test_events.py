"""What a step tells Dagster, by a small asset really run."""

from dataclasses import dataclass

import dagster as dg
import pytest

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.checks import NOT_CONSTANT, POSITIVE_SEMIDEFINITE, CheckFailed, Verdict
from spnst_pipeline.defs.events import BATCH, Made, Results, each, in_one_line
from spnst_pipeline.storage.slugs import slug

KEY, OTHER = dg.AssetKey("depth_map"), ArtefactId("edge_map")
LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])
CHECKS = [POSITIVE_SEMIDEFINITE, NOT_CONSTANT]


def fine(number=1.0):
    return Verdict(POSITIVE_SEMIDEFINITE, True, "all is well", {"number": number})


@pytest.fixture
def run():
    """A function that covers partitions of the asset in one run, and gives whether it went well and what was logged."""
    with dg.DagsterInstance.ephemeral() as instance:

        def cover(make, partitions="a c"):
            @dg.asset(
                key=KEY,
                code_version="3",
                partitions_def=LETTERS,
                backfill_policy=dg.BackfillPolicy.multi_run(10),
                check_specs=[check.spec(KEY) for check in CHECKS],
            )
            def thing(context: dg.AssetExecutionContext) -> Results:
                return each(context, make, CHECKS)

            first, last = partitions.split()
            result = dg.materialize(
                [thing],
                instance=instance,
                tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
            events = [entry.dagster_event for entry in instance.all_logs(result.run_id) if entry.dagster_event]
            return Log(result.success, events, instance)

        yield cover


@dataclass(frozen=True)
class Log:
    success: bool
    events: list
    instance: dg.DagsterInstance

    @property
    def checks(self):
        found = [e for e in self.events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        return [e.asset_check_evaluation_data for e in found]

    @property
    def materialisations(self):
        found = [e for e in self.events if e.is_step_materialization]
        return [e.step_materialization_data.materialization for e in found]

    @property
    def failure(self):
        (event,) = [e for e in self.events if e.is_step_failure]
        return event.step_failure_data.user_failure_data.description


def made(verdicts=(), elsewhere=None, **metadata):
    return Made({"fingerprint": "f00d", **metadata}, verdicts, elsewhere or {})


def test_every_partition_has_its_event_and_its_verdicts_and_every_check_one_summary(run):
    result = run(lambda key: made([fine(), Verdict(NOT_CONSTANT, key != "b", f"of {key}")]))
    assert result.success
    found = {(e.partition, e.check_name): e for e in result.checks}
    assert len(found) == len(result.checks) == 2 * (3 + 2)
    assert [found[p, "not_constant"].passed for p in ("a", "b", "c", None)] == [True, False, True, False]
    assert found["b", "not_constant"].severity == dg.AssetCheckSeverity.WARN
    assert found["b", "not_constant"].description == "of b"
    assert found["a", "positive_semidefinite"].metadata["number"].value == 1.0
    assert found[None, "not_constant"].description == "2 of 3 passed"
    assert found[None, "positive_semidefinite"].severity == dg.AssetCheckSeverity.ERROR


def test_the_summary_of_a_single_partition_is_its_verdict(run):
    found = run(lambda key: made([fine(0.25)]), "b b").checks
    summary = next(e for e in found if e.partition is None and e.check_name == "positive_semidefinite")
    assert (summary.description, summary.metadata["number"].value) == ("all is well", 0.25)


def test_a_check_with_nothing_to_judge_passes_and_says_so(run):
    found = run(lambda key: made()).checks
    assert {(e.partition, e.passed, e.description) for e in found} == {(None, True, "nothing to judge")}


def test_metadata_is_there_at_once_and_on_the_event_of_the_step(run):
    result = run(lambda key: made(size=ord(key)))
    sizes = [(m.partition, m.metadata["size"].value) for m in result.materialisations if m.metadata]
    assert sizes == [("a", 97), ("b", 98), ("c", 99)] * 2


@pytest.mark.parametrize("partitions", ["a c", "b b"])
def test_every_partition_of_a_batch_ends_with_its_own_data_version_and_dagsters_provenance(run, partitions):
    result = run(lambda key: Made({"fingerprint": f"print of {key}"}, digest="" if key == "c" else key * 3), partitions)
    wanted = {"a": "aaa", "b": "bbb", "c": "print of c"}
    versions = result.instance.get_latest_storage_id_by_partition(KEY, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert set(versions) == ({"b"} if partitions == "b b" else set(wanted))
    for key in versions:
        event = result.instance.get_latest_data_version_record(KEY, partition_key=key).asset_materialization
        assert event.tags["dagster/data_version"] == wanted[key]
        assert event.tags["dagster/data_version_is_user_provided"] == "true"
        assert event.tags["dagster/code_version"] == "3"
        assert event.metadata["fingerprint"].value == f"print of {key}"


def state(instance, asset, check):
    """What the asset's page shows of a check."""
    key = dg.AssetCheckKey(asset, check)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    return record.status.value, record.evaluation.description


@pytest.mark.parametrize("bad", ["a", "b", "c"])
def test_the_state_of_a_check_is_the_batchs_and_failed_if_a_partition_did(run, bad):
    result = run(lambda key: made([Verdict(NOT_CONSTANT, key != bad, f"of {key}")]))
    assert state(result.instance, KEY, "not_constant") == ("FAILED", "2 of 3 passed")
    result = run(lambda key: made([Verdict(NOT_CONSTANT, True, f"of {key}")]))
    assert state(result.instance, KEY, "not_constant") == ("SUCCEEDED", "3 of 3 passed")


def test_the_summary_takes_no_partitions_place_and_adds_none(run):
    """Dagster keeps one evaluation for each check, run and partition."""
    result = run(lambda key: made([Verdict(NOT_CONSTANT, key != "a", f"of {key}")]))
    assert result.instance.get_materialized_partitions(KEY) == {"a", "b", "c"}
    check = dg.AssetCheckKey(KEY, "not_constant")
    history = result.instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
    assert [record.partition for record in history] == [BATCH, "c", "b", "a", None]
    assert slug(BATCH) != BATCH


def test_the_state_of_another_assets_check_is_the_batchs_as_well(run):
    result = run(lambda key: made([], {OTHER: Verdict(NOT_CONSTANT, key != "a", f"of {key}")}))
    assert state(result.instance, OTHER.asset_key, "not_constant") == ("FAILED", "2 of 3 passed")


def test_the_state_of_a_check_of_a_single_partition_is_its_verdict(run):
    result = run(lambda key: made([Verdict(NOT_CONSTANT, False, f"of {key}")]), "b b")
    assert state(result.instance, KEY, "not_constant") == ("FAILED", "of b")


def test_the_state_of_a_check_is_told_even_if_the_step_fails(run):
    def make(key):
        if key == "c":
            raise ValueError("no")
        return made([Verdict(NOT_CONSTANT, key != "a", f"of {key}")])

    assert state(run(make).instance, KEY, "not_constant") == ("FAILED", "1 of 2 passed")


def test_a_failing_partition_costs_no_other_and_the_step_fails_with_one_line_for_each(run):
    def make(key):
        if key != "b":
            raise ValueError(f"no\n  {key}")
        return made([fine()])

    result = run(make)
    assert not result.success
    assert result.failure == "depth_map[a]: no a\ndepth_map[c]: no c"
    assert [m.partition for m in result.materialisations] == ["b"]
    assert [e.partition for e in result.checks] == ["b"]


def test_a_result_that_fails_a_check_is_told_as_failure_and_as_check(run):
    def make(key):
        if key == "a":
            raise CheckFailed(Verdict(POSITIVE_SEMIDEFINITE, False, "not even a number"))
        return made([fine()])

    result = run(make)
    assert result.failure == "depth_map[a]: not even a number"
    assert [(e.partition, e.passed) for e in result.checks] == [("a", False), ("b", True), ("c", True), (BATCH, False)]


def test_a_verdict_on_another_asset_is_kept_for_its_partition(run):
    result = run(lambda key: made([], {OTHER: Verdict(NOT_CONSTANT, False, "seen now")}), "b b")
    check = dg.AssetCheckKey(OTHER.asset_key, "not_constant")
    history = result.instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
    assert [(record.partition, record.status.value) for record in history] == [("b", "FAILED")]


@pytest.mark.parametrize("error", [ValueError(), RuntimeError("")])
def test_an_error_without_words_is_named(run, error):
    def make(key):
        raise error

    assert run(make, "a a").failure == f"depth_map[a]: {type(error).__name__}"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no\nsuch\tthing"), "no such thing"),
        (KeyError(), "KeyError"),
        (MemoryError(), "memory ran out: choose a smaller size, or run again where more memory is free"),
        (
            InputError("big.png can't be decoded, because memory ran out"),
            "big.png can't be decoded, because memory ran out",
        ),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(error, line):
    assert in_one_line(error) == line
