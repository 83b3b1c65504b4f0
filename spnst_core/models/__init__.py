"""The networks that the losses look through: ``build("hed", weights="network-bsds500.pytorch")``."""

from spnst_core.models.networks import build, network_names

__all__ = ["build", "network_names"]
