"""Asset checks: what must hold for targets, pastiches and scores, judged for each partition.

A verdict is stored in the artefact's own file, so that a run that finds the artefact up to date reports it again
without computing anything. If a check of severity ERROR fails, the artefact isn't used: targets and pastiches with
values that aren't finite are never written (`CheckFailed`); other pastiches are kept for inspection, but carry the
reason under `BLOCKED`, and sheets, table and gallery leave them out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from torch import Tensor

from spnst_core.metrics.sanity import FLAT, depth_relief, gram_defects, value_range
from spnst_core.objective.targets import DepthMap, StyleTargets
from spnst_core.optim.divergence import Diverged
from spnst_core.painters.checkerboard import checkerboard
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.fingerprints import BLOCKED
from spnst_pipeline.defs.headline import BASELINE

VERDICTS = "checks"
"""Metadata key in an artefact's own file: its verdicts, as JSON."""

CLOSE = 0.1
"""Relative style term at which a picture counts as being in the style; a start this near needn't come nearer."""

PEAK = 8.0
"""How far the power at a checkerboard's frequencies may exceed that around them; see `checkerboard`."""

FARTHER = {"edge_error": 1.5, "patch_distance": 1.5}
"""How many times as far as the optimiser's pastiches a painter's may be, by the judges."""

ROUNDING = 1e-4
"""Relative asymmetry, and relative size of a negative eigenvalue, that float32 products may leave in a Gram."""


@dataclass(frozen=True)
class Check:
    """A check that assets declare."""

    name: str
    severity: dg.AssetCheckSeverity
    description: str

    def spec(self, asset: dg.AssetKey) -> dg.AssetCheckSpec:
        """The declaration for an asset. It isn't blocking in Dagster's sense: one bad cell mustn't stop a batch."""
        return dg.AssetCheckSpec(self.name, asset=asset, description=self.description)


_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

FINITE = Check("finite", _ERROR, "Every value of the pastiche is a number in [0, 1]; one that isn't is never written.")
STYLE_FELL = Check(
    "style_fell",
    _ERROR,
    "The pastiche is nearer to the style than the picture it started from. One that isn't is kept, but "
    "blocked: sheets, table and gallery leave it out.",
)
KEEPS_STRUCTURE = Check(
    "keeps_structure",
    _WARN,
    f"Edge and depth distance are below those of the same cell by {BASELINE}, where that has been scored as well.",
)
POSITIVE_SEMIDEFINITE = Check(
    "positive_semidefinite",
    _ERROR,
    "Every Gram matrix is finite, symmetric and without negative eigenvalues; others are never written.",
)
NOT_CONSTANT = Check(
    "not_constant", _WARN, "The depth map isn't flat; with a flat one, the depth term preserves nothing."
)

NO_CHECKERBOARD = Check(
    "no_checkerboard",
    _WARN,
    "In what the painter paints of contents that it wasn't trained on, a period of two or four pixels holds at most "
    f"{PEAK:g} times the power of the frequencies around it.",
)

NEAR_OPTIMISER = Check(
    "near_optimiser",
    _WARN,
    "What the painter paints of contents that it wasn't trained on is about as good as what the optimiser paints "
    "by the same recipe: "
    + " and ".join(f"the {key.replace('_', ' ')} is at most {most:g} times as large" for key, most in FARTHER.items())
    + ".",
)

_BY_NAME = {
    c.name: c
    for c in (
        *(FINITE, STYLE_FELL, KEEPS_STRUCTURE, POSITIVE_SEMIDEFINITE),
        *(NOT_CONSTANT, NO_CHECKERBOARD, NEAR_OPTIMISER),
    )
}


@dataclass(frozen=True)
class Verdict:
    """A check's result for a partition or a batch: a line of text, and the finite numbers behind it."""

    check: Check
    passed: bool
    description: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    def evaluation(self, asset: dg.AssetKey, partition: str) -> dg.AssetCheckEvaluation:
        """The event that reports it to Dagster."""
        return dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=self.check.name,
            passed=self.passed,
            severity=self.check.severity,
            description=self.description,
            metadata=self.numbers,
            partition=str(partition),
        )

    def result(self) -> dg.AssetCheckResult:
        """The result that a step returns for a check that its asset declares."""
        return dg.AssetCheckResult(
            passed=self.passed,
            check_name=self.check.name,
            severity=self.check.severity,
            description=self.description,
            metadata=self.numbers,
        )


class CheckFailed(Exception):
    """A result that must not be written, because it fails a check of severity ERROR."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        return self.verdict.description


def finite(image: Tensor) -> Verdict:
    """The verdict on a pastiche (1, 3, H, W) before it is encoded."""
    low, high = value_range(image)
    if low != low:
        line = "the pastiche holds values that aren't finite: lower the recipe's learning rate or weights"
        return Verdict(FINITE, False, f"{line}; nothing was written")
    passed = low >= 0 and high <= 1
    line = f"values from {low:.3g} to {high:.3g}"
    problem = f"the pastiche has {line}, outside [0, 1]; nothing was written"
    return Verdict(FINITE, passed, line if passed else problem, {"lowest": low, "highest": high})


def no_checkerboard(pastiches: Sequence[Tensor]) -> Verdict:
    """The verdict on a painter, by pastiches (1, 3, H, W) of contents that it wasn't trained on."""
    peak = max(map(checkerboard, pastiches))
    line = f"{peak:.1f} times the power of the frequencies around it at a period of two or four pixels"
    return Verdict(NO_CHECKERBOARD, peak <= PEAK, line, {"peak": round(peak, 3)})


def near_optimiser(painted: Mapping[str, float], optimised: Mapping[str, float]) -> Verdict:
    """The verdict on a painter, by mean scores of its pastiches and of the optimiser's."""
    pairs = {key: (painted[key], optimised[key]) for key in FARTHER if key in painted and key in optimised}
    told = [f"{key.replace('_', ' ')} {own:.3f}, the optimiser's {other:.3f}" for key, (own, other) in pairs.items()]
    passed = all(own <= FARTHER[key] * other for key, (own, other) in pairs.items())
    numbers = {f"{key}_ratio": round(own / other, 4) for key, (own, other) in pairs.items() if other}
    return Verdict(NEAR_OPTIMISER, passed, "; ".join(told) or "nothing to compare: no score was finite", numbers)


def diverged(error: Diverged) -> Verdict:
    """The verdict on a cell that couldn't be painted to its end."""
    return Verdict(FINITE, False, f"{error}; nothing was written")


def style_fell(before: float, after: float, plain: Sequence[str] = ()) -> Verdict:
    """The verdict on a pastiche, by the `style_misfit` of the picture that it started from and its own.

    ``plain`` names those of its two pictures that hold nothing but one colour (`spnst_core.metrics.sanity.plain`),
    which is why the term can't fall.
    """
    numbers = {"before": round(before, 5), "after": round(after, 5)}
    fell = after < before
    line = f"style term {'fell' if fell else 'did not fall'}: from {before:.3f} to {after:.3f}"
    if plain and not fell:
        line += f"; nothing but one colour is in the {' and in the '.join(plain)}: choose another picture"
    return Verdict(STYLE_FELL, fell or after <= CLOSE, line, numbers)


def keeps_structure(recipe: Recipe, scores: Mapping[str, Any], baseline: Mapping[str, Any]) -> Verdict:
    """The verdict on a cell's scores compared with the baseline's, in the terms that the recipe weighs."""
    terms = {term: f"{term}_distance" for term in kept_terms(recipe)}
    pairs = {term: (scores[key], baseline[key]) for term, key in terms.items() if key in scores and key in baseline}
    line = ", ".join(f"{term} distance {own:.3f} against {other:.3f}" for term, (own, other) in pairs.items())
    numbers = {f"{term}_change": round(own / other - 1, 4) for term, (own, other) in pairs.items() if other}
    passed = all(own < other for own, other in pairs.values())
    line = f"{line} by {BASELINE}" if pairs else f"nothing to compare with {BASELINE}: no score of a structure term"
    return Verdict(KEEPS_STRUCTURE, passed, line, numbers)


def kept_terms(recipe: Recipe) -> list[str]:
    """The structure terms that some stage of the recipe weighs."""
    used = [recipe.stage_weights(stage) for stage in recipe.stages]
    return [term for term in ("edge", "depth") if any(getattr(weights, term) for weights in used)]


def positive_semidefinite(style: StyleTargets) -> Verdict:
    """The verdict on a style's Gram matrices."""
    asymmetry, smallest = gram_defects(style)
    if asymmetry != asymmetry:
        line = "a Gram matrix holds values that aren't finite: the style's features overflow; nothing was written"
        return Verdict(POSITIVE_SEMIDEFINITE, False, line)
    passed = asymmetry <= ROUNDING and smallest >= -ROUNDING
    line = f"relative asymmetry {asymmetry:.1e}, smallest relative eigenvalue {smallest:.1e}"
    problem = f"a Gram matrix can't be one: {line}; nothing was written"
    numbers = {"asymmetry": asymmetry, "smallest_eigenvalue": smallest}
    return Verdict(POSITIVE_SEMIDEFINITE, passed, line if passed else problem, numbers)


def not_constant(depth: DepthMap) -> Verdict:
    """The verdict on a content's depth map."""
    relief = depth_relief(depth)
    line = f"relief {relief:.3f}"
    passed = relief >= FLAT
    problem = f"the depth map is flat ({line}): the depth term holds nothing in this content's pastiches"
    return Verdict(NOT_CONSTANT, passed, line if passed else problem, {"relief": relief} if relief == relief else {})


def required(verdict: Verdict) -> Verdict:
    """The verdict, unless it is that of a failed check of severity ERROR.

    Raises:
        CheckFailed: it is.
    """
    if not verdict.passed and verdict.check.severity == _ERROR:
        raise CheckFailed(verdict)
    return verdict


def stamp(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The metadata by which an artefact's file carries its verdicts."""
    written = json.dumps([[v.check.name, v.passed, v.description, dict(v.numbers)] for v in verdicts])
    reasons = [v.description for v in verdicts if not v.passed and v.check.severity == _ERROR]
    return {VERDICTS: written, **({BLOCKED: "; ".join(reasons)} if reasons else {})}


def carried(metadata: Mapping[str, str]) -> list[Verdict]:
    """The verdicts that an artefact's file carries."""
    return [Verdict(_BY_NAME[name], *rest) for name, *rest in json.loads(metadata.get(VERDICTS, "[]"))]


def summary(check: Check, verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for all partitions of a step: the batch fails the check if one of its partitions does."""
    judged = [v for v in verdicts if v.check == check]
    failed = [v for v in judged if not v.passed]
    if len(judged) == 1:
        return judged[0]
    description = f"{len(judged) - len(failed)} of {len(judged)} passed" if judged else "nothing to judge"
    return Verdict(check, not failed, description, {"judged": len(judged), "failed": len(failed)})
