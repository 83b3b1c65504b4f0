"""The error about a layout of samples that no decoder here reads rightly."""


class UnknownLayout(Exception):
    """A layout that can't be decoded. Its message is the layout in words."""
