"""Paintings made by code: the style pictures that come with the project."""
