"""Benchmarks: what the project's networks and pipeline are worth, and how fast they are."""
