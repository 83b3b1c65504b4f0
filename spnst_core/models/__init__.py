"""The networks that compute features, edges and depth: ``build("hed", weights="network-bsds500.pytorch")``."""

from spnst_core.models.networks import build, network_names

__all__ = ["build", "network_names"]
