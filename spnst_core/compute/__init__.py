"""Computing on devices: memory, threads, tiles, reductions and transfers between devices."""
