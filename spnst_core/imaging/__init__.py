"""Pixels: the only door they come in or go out by, and colour."""
