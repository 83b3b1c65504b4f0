"""What Dagster loads: assets, checks, sensors, jobs and partitions."""
