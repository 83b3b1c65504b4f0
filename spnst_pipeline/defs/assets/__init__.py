"""The asset graph, a module for each step."""
