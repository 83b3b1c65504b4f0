"""spnst as a Dagster project: partitions, assets, store, settings and command line. It holds no tensor mathematics."""

import os

# How long threads that wait for each other spin before they sleep (GNU OpenMP reads this when PyTorch is imported).
# Sleeping at once costs a step of the optimiser a third of its speed; spinning for long makes it ten times slower
# where processors are shared. docs/performance.md has the figures.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
