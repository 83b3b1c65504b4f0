"""Partitions: one for each content, one for each style, and the grid of both."""

import dagster as dg

from spnst_pipeline.shard import WHOLE, Shard

STYLE = dg.DynamicPartitionsDefinition(name="style")
"""The styles are the same in every shard."""


def contents_of(shard: Shard) -> dg.DynamicPartitionsDefinition:
    """The contents of one shard."""
    return dg.DynamicPartitionsDefinition(name=shard.contents)


def grid_of(shard: Shard) -> dg.MultiPartitionsDefinition:
    """The cells of one shard."""
    return dg.MultiPartitionsDefinition({"content": contents_of(shard), "style": STYLE})


CONTENT, GRID = contents_of(WHOLE), grid_of(WHOLE)
