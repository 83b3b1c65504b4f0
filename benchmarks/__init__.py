"""Benchmarks: the quality of the project's networks, and the speed of library and pipeline."""
