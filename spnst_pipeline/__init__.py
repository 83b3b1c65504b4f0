"""spnst as a Dagster project: partitions, assets, store, settings and command line. It holds no tensor mathematics."""

import os

# Threads that wait for each other should sleep, not spin: where processors are shared, spinning makes an optimiser
# step up to ten times slower. OpenMP reads this when PyTorch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
