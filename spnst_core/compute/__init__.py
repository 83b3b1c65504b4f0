"""What everything stands on: memory, threads, tiles and tensors' ways between devices."""
