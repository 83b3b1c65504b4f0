"""Pictures to try the project on: sample contents, and sample styles painted by code."""

from spnst_core.samples.collection import contents, styles

__all__ = ["contents", "styles"]
