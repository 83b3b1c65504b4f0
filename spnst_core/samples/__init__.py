"""Sample pictures: contents, and styles that are painted by code."""

from spnst_core.samples.collection import contents, styles

__all__ = ["contents", "styles"]
