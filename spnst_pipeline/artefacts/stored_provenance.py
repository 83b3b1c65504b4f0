"""Stored provenance: what the pastiches of a store tell about how they were made."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.provenance import read_history, read_made
from spnst_pipeline.storage.store import Store


def how_made(store: Store, path: str) -> dict[str, Any]:
    """As `spnst_pipeline.artefacts.provenance.read_made`, of a pastiche in a store."""
    return read_made(metadata(path, store.read(path, HEAD)))


def loss_history(store: Store, path: str) -> pd.DataFrame:
    """As `spnst_pipeline.artefacts.provenance.read_history`, of a pastiche in a store."""
    return read_history(metadata(path, store.read(path, HEAD)))
