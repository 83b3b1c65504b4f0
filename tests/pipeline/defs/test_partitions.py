"""Partition keys of the grid are Dagster's own."""

import dagster as dg

from spnst_pipeline.artefacts.partition_keys import cell_key, rows
from spnst_pipeline.defs.partitions import GRID


def test_cell_keys_are_dagsters():
    assert str(cell_key("cat", "wave")) == "cat|wave"
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("content", ["cat"])
        instance.add_dynamic_partitions("style", ["wave"])
        assert GRID.get_partition_keys(dynamic_partitions_store=instance) == [cell_key("cat", "wave")]


def test_rows():
    assert rows(["a|x", "a|y", "b|x"]) == {"a": ["x", "y"], "b": ["x"]}
