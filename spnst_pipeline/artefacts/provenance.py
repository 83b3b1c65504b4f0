"""Provenance: how a pastiche was made, recorded in its own file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from spnst_core import __version__
from spnst_core.models.profiles import Models
from spnst_core.painters import arbitrary
from spnst_core.painters.painter import Painter
from spnst_core.recipes.recipe import Draft, Recipe

MADE = "made"
"""PNG text, as JSON: recipe, size, loss weights, seed, networks, steps, seconds, device, versions and final losses."""

HISTORY = "history"
"""PNG text, as JSON: the losses of the optimisation, as columns."""

COUNTS = ("step", "stage")
"""Columns of a history that aren't losses."""

POINTS = 60
"""Steps of which the losses are kept: enough to draw them, and small beside the pixels."""


def describe(
    recipe: Recipe,
    models: Models,
    history: pd.DataFrame,
    picture: Tensor,
    seconds: float,
    began: datetime,
    blend: Sequence[Sequence[float]] = (),
) -> dict[str, Any]:
    """How a pastiche was made, by whatever painted it.

    Args:
        recipe: as it suits the encoder.
        models: that painted it.
        history: as for `stamp`.
        picture: the pastiche, (1, 3, H, W).
        seconds: that it took.
        began: when painting began, with its time zone.
        blend: shares of the styles in a blend, in each stage or once for all; none if there was one style.
    """
    weights = [
        {term: weight for term, weight in recipe.stage_weights(stage).by_term.items() if weight}
        for stage in recipe.stages
    ]
    height, width = picture.shape[-2:]
    colour = {} if recipe.colour == "style" else {"colour": recipe.colour, "colour_strength": recipe.colour_strength}
    stages = [[round(share, 4) for share in shares] for shares in blend]
    return {
        "recipe": recipe.name,
        "size": f"{width} × {height}",
        "loss_weights": weights,
        **({"blend": stages if len(stages) > 1 else stages[0]} if stages else {}),
        **colour,
        **({"style_strength": recipe.style_strength} if recipe.style_strength != 1 else {}),
        **({"draft": recipe.init.recipe} if isinstance(recipe.init, Draft) else {}),
        "seed": recipe.seed,
        "profile": models.identity.label,
        "network_weights": models.identity.fingerprint,
        "steps": len(history),
        "seconds": round(seconds, 3),
        "began": began.isoformat(timespec="seconds"),
        "device": models.device.type,
        "precision": str(models.precision).removeprefix("torch."),
        "versions": {"spnst": __version__, "torch": torch.__version__},
        "losses": {term: float(history[term].iloc[-1]) for term in weights[-1]},
    }


def describe_pass(
    painter: Painter, picture: Tensor, seconds: float, began: datetime, device: torch.device
) -> dict[str, Any]:
    """How a pastiche was made that a painter painted in one pass; arguments as for `describe`."""
    trained = ("recipe", "recipe_name", "losses")
    how = {
        "painter": {name: value for name, value in painter.made.items() if name not in trained},
        "profile": painter.made["networks"],
    }
    return _in_one_pass(painter.made["recipe_name"], picture, how, seconds, began, device)


def describe_arbitrary(
    recipe: Recipe,
    picture: Tensor,
    seconds: float,
    began: datetime,
    device: torch.device,
    shares: Sequence[float] = (),
) -> dict[str, Any]:
    """How a pastiche was made that a network for any style painted in one pass; arguments as for `describe`.

    Args:
        shares: those of the styles in a blend; none if there was one style.
    """
    colour = {} if recipe.colour == "style" else {"colour": recipe.colour, "colour_strength": recipe.colour_strength}
    how = {
        **({"blend": [round(share, 4) for share in shares]} if shares else {}),
        **colour,
        "profile": arbitrary.NETWORK,
        "network_weights": arbitrary.identity(),
    }
    return _in_one_pass(recipe.name, picture, how, seconds, began, device)


def _in_one_pass(
    recipe: str, picture: Tensor, how: Mapping[str, Any], seconds: float, began: datetime, device: torch.device
) -> dict[str, Any]:
    height, width = picture.shape[-2:]
    return {
        "recipe": recipe,
        "size": f"{width} × {height}",
        **how,
        "steps": 1,
        "seconds": round(seconds, 3),
        "began": began.isoformat(timespec="seconds"),
        "device": device.type,
        "versions": {"spnst": __version__, "torch": torch.__version__},
        "losses": {},
    }


def stamp(made: Mapping[str, Any], history: pd.DataFrame) -> dict[str, str]:
    """The metadata by which a pastiche's file carries its provenance.

    Args:
        made: how the pastiche was made.
        history: one row for each step: step, stage and the terms of the loss; see `spnst_core.painting.Trace`.
    """
    return {MADE: json.dumps(made), HISTORY: _packed(history)}


def read_made(carried: Mapping[str, str]) -> dict[str, Any]:
    """How a pastiche was made: recipe, networks, versions, time, its final losses, and what was overridden.

    Args:
        carried: the metadata that its file carries.
    """
    made: dict[str, Any] = json.loads(carried[MADE])
    return made


def read_history(carried: Mapping[str, str]) -> pd.DataFrame:
    """The losses of an optimisation before each step: step (from 1), stage (from 0), each term, unweighted, and total.

    At most `POINTS` rows, among them the first and the last step of every stage. A term is NaN where it had no weight.

    Args:
        carried: the metadata that the pastiche's file carries.
    """
    columns: dict[str, list[Any]] = json.loads(carried[HISTORY])
    return pd.DataFrame(columns).astype({name: float for name in columns if name not in COUNTS})


def _packed(history: pd.DataFrame) -> str:
    """The columns at some of the steps, numbers to four digits; a term that has no weight at a step is null there."""
    kept = history.iloc[_sampled(history["stage"].to_numpy())]
    columns: dict[str, list[Any]] = {name: kept[name].tolist() for name in COUNTS}
    for term in history.columns.drop([*COUNTS]):
        if history[term].any():
            columns[term] = [float(f"{value:.4g}") if value else None for value in kept[term]]
    return json.dumps(columns, separators=(",", ":"))


def _sampled(stages: np.ndarray) -> np.ndarray:
    """Rows to keep, rising: both ends of every stage, and as many others, evenly spread, as there is room for."""
    changes = np.flatnonzero(np.diff(stages))
    ends = np.unique(np.concatenate([[0], changes, changes + 1, [len(stages) - 1]]))[:POINTS]
    others = np.setdiff1d(np.arange(len(stages)), ends)
    room = min(POINTS - len(ends), len(others))
    spread = others[np.linspace(0, len(others) - 1, room).round().astype(int)] if room else others[:0]
    return np.union1d(ends, spread)
