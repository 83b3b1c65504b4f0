"""Losses for the screen, read once they have come from the device."""

import torch

from spnst_core.later import Later
from spnst_core.optimize import Iterate

SHOWN = ("style", "edge", "depth")
"""Loss terms worth a place on the screen."""


class Reading:
    """What is told of one step. Asking whether it is there doesn't make the device wait."""

    def __init__(self, iterate: Iterate) -> None:
        self._stage = f"stage {iterate.stage + 1}/{iterate.stages}"
        self._means = Later(torch.stack([iterate.losses[term].mean() for term in SHOWN]))

    @property
    def there(self) -> bool:
        """Whether the losses have come."""
        return self._means.there

    def __str__(self) -> str:
        means = zip(SHOWN, self._means.take().tolist(), strict=True)  # a term without weight is zero
        return f"{self._stage} · " + "  ".join(f"{term} {value:.3f}" for term, value in means if value)
