"""The asset graph, one module for each stretch of it."""
