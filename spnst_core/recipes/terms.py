"""The loss terms that a recipe can weigh, by name: the built-in six and those that other packages add.

Each name stands for a function that makes the term for one stage; see `spnst_core.objective.terms.term`.
"""

from __future__ import annotations

from typing import Any

from spnst_core.registry import Registry

TERMS: Registry[Any] = Registry(
    "loss term",
    "spnst.loss_terms",
    {
        "content": "spnst_core.objective.terms.content:ContentTerm",
        "style": "spnst_core.objective.terms.style:StyleTerm",
        "edge": "spnst_core.objective.terms.edge:edge_term",
        "depth": "spnst_core.objective.terms.depth:depth_term",
        "tv": "spnst_core.objective.terms.total_variation:TotalVariationTerm",
        "palette": "spnst_core.objective.terms.palette:PaletteTerm",
    },
)
"""In the order in which they are computed and added up."""
