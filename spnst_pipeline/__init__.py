"""spnst as a Dagster project: partitions, assets, store, settings and command line. It holds no tensor mathematics."""
