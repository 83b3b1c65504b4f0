"""Partitions: one for each content, one for each style, and the grid of both."""

import dagster as dg

CONTENT = dg.DynamicPartitionsDefinition(name="content")
STYLE = dg.DynamicPartitionsDefinition(name="style")
GRID = dg.MultiPartitionsDefinition({"content": CONTENT, "style": STYLE})
