"""Score a profile's edges and depth on pictures with ground truth, compared with trivial baselines.

    python -m benchmarks.truth FOLDER [--profile embedded|vgg16|pretrained] [--edges NETWORK] [--depth NETWORK]
                                      [--device auto] [--details] [--json FILE]

FOLDER holds pairs of the same shape: `depth/NAME.jpg` with `depth/NAME.npz` (array `inverse_depth`, (H, W), unknown
where it isn't finite and positive), and `edges/NAME.jpg` with `edges/NAME.mat` (the Berkeley layout, several
annotators). Pictures may also be PNG.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from scipy.ndimage import gaussian_gradient_magnitude
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.metrics.structure import (
    EdgeCounts,
    Map,
    Mask,
    aligned_error,
    edge_counts,
    rank_correlation,
    ridges,
    thresholds,
)
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.models.profiles import PROFILES, Models, load_models

Estimator = Callable[[Tensor], Tensor]
"""From a picture (1, 3, H, W) in [0, 1] to one map (1, 1, H, W): edge strength, or inverse depth of any scale."""

PICTURES = (".jpg", ".jpeg", ".png")


# ----------------------------------------------------------------------------------------------------------- baselines


def gradient_magnitude(x: Tensor) -> Tensor:
    """Gradient magnitude of the luminance after a Gaussian of 2 px, as in the Berkeley benchmark's own baseline."""
    grey = luminance(x)[0, 0].double().cpu().numpy()
    return torch.from_numpy(gaussian_gradient_magnitude(grey, 2.0, mode="nearest"))[None, None]


def vertical_position(x: Tensor) -> Tensor:
    """Inverse depth by the rule that what is lower in the picture is nearer."""
    return torch.arange(x.shape[2]).view(1, 1, -1, 1).expand(1, 1, *x.shape[2:])


def constant(x: Tensor) -> Tensor:
    """The same inverse depth everywhere."""
    return torch.zeros(1, 1, *x.shape[2:])


def edge_detectors(models: Models) -> dict[str, Estimator]:
    """The rows of the edge table."""
    return {
        "gradient magnitude, σ 2 px": gradient_magnitude,
        "five-scale edges": MultiScaleEdges(),
        f"{models.identity.label}: {type(models.edges).__name__}": models.edges,
    }


def depth_estimators(models: Models) -> dict[str, Estimator]:
    """The rows of the depth table."""
    own = f"{models.identity.label}: {type(models.depth).__name__}"
    return {"constant": constant, "vertical position": vertical_position, own: models.depth}


# ------------------------------------------------------------------------------------------------------------- scoring


@dataclass(frozen=True)
class EdgeScores:
    """Scores of one detector on all pictures of a folder.

    Attributes:
        ods: counts at the threshold that is best for the whole set (optimal dataset scale).
        ois: counts at each picture's own best threshold (optimal image scale).
        pictures: each picture's counts at the set's best threshold, by name.
    """

    ods: EdgeCounts
    ois: EdgeCounts
    pictures: Mapping[str, EdgeCounts]


@dataclass(frozen=True)
class DepthScore:
    """Spearman's rank correlation, and the aligned root mean square error over the truth's standard deviation."""

    rank_correlation: float
    aligned_error: float


def score_edges(detector: Estimator, folder: Path, device: torch.device | str = "cpu") -> EdgeScores:
    """Score a detector's thinned edges against the drawings of several annotators.

    Raises:
        InputError: no pictures in ``folder/edges``, or a picture or drawing that can't be used.
    """
    names, drawings, maps = [], [], []
    for path in _truths(folder / "edges", ".mat"):
        drawn = _annotations(path)
        names.append(path.stem)
        drawings.append(drawn)
        maps.append(ridges(_answer(detector, path, drawn[0].shape, device)))
    levels = thresholds(maps)
    if not len(levels):
        return EdgeScores(EdgeCounts(), EdgeCounts(), dict.fromkeys(names, EdgeCounts()))
    counts = [edge_counts(x, drawn, levels) for x, drawn in zip(maps, drawings, strict=True)]
    totals = [sum(at, EdgeCounts()) for at in zip(*counts, strict=True)]
    best = max(range(len(levels)), key=lambda k: totals[k].f)
    own_best = sum((max(each, key=lambda c: c.f) for each in counts), EdgeCounts())
    return EdgeScores(totals[best], own_best, {name: each[best] for name, each in zip(names, counts, strict=True)})


def score_depth(estimator: Estimator, folder: Path, device: torch.device | str = "cpu") -> dict[str, DepthScore]:
    """Score an estimator on each picture, by name, at the pixels whose depth was measured.

    Raises:
        InputError: no pictures in ``folder/depth``, or a picture or measurement that can't be used.
    """
    scores = {}
    for path in _truths(folder / "depth", ".npz"):
        truth = _inverse_depth(path)
        answer = _answer(estimator, path, truth.shape, device)
        scores[path.stem] = DepthScore(rank_correlation(answer, truth), aligned_error(answer, truth))
    return scores


@torch.no_grad()
def _answer(estimator: Estimator, truth: Path, shape: tuple[int, ...], device: torch.device | str) -> Map:
    """The estimator's map of the picture beside a file of ground truth, which has that shape."""
    picture = next((p for p in map(truth.with_suffix, PICTURES) if p.exists()), None)
    if picture is None:
        raise InputError(f"{truth} has no picture beside it: add {truth.stem}.jpg or .png")
    x = image_io.read(picture)
    if x.shape[2:] != shape:
        height, width = shape
        raise InputError(
            f"{picture} is {x.shape[3]}×{x.shape[2]} but its truth is {width}×{height}: bring both to one shape"
        )
    answer: Map = estimator(x.to(device))[0, 0].double().cpu().numpy()
    return answer


# ------------------------------------------------------------------------------------------------------- reading truth


def _truths(folder: Path, suffix: str) -> list[Path]:
    paths = sorted(folder.glob(f"*{suffix}"))
    if not paths:
        raise InputError(f"{folder} holds no *{suffix}: name a folder with depth/*.npz and edges/*.mat")
    return paths


def _inverse_depth(path: Path) -> Map:
    """The measured inverse depth (H, W), NaN where unknown."""
    try:
        with np.load(path) as file:
            truth = np.asarray(file["inverse_depth"], np.float64)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} can't be read as an npz file with inverse_depth: {_line(error)}") from error
    if truth.ndim != 2:
        raise InputError(f"{path}: inverse_depth has shape {truth.shape}; it must be (H, W)")
    truth[~(np.isfinite(truth) & (truth > 0))] = np.nan
    known = truth[np.isfinite(truth)]
    if not len(known) or np.ptp(known) == 0:
        raise InputError(f"{path}: inverse_depth is nowhere known or constant; leave the picture out")
    return truth


def _annotations(path: Path) -> list[Mask]:
    """The boundaries that each annotator drew, (H, W)."""
    try:
        cells = loadmat(path)["groundTruth"].ravel()
        drawn = [np.asarray(cell["Boundaries"][0, 0]) > 0 for cell in cells]
    except (OSError, MatReadError, ValueError, KeyError, IndexError, TypeError, NotImplementedError) as error:
        raise InputError(
            f"{path} can't be read as a MATLAB file with groundTruth{{k}}.Boundaries: {_line(error)}"
        ) from error
    if not drawn or any(each.ndim != 2 or each.shape != drawn[0].shape for each in drawn):
        raise InputError(f"{path}: groundTruth must hold one or more drawings of one shape (H, W)")
    return drawn


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


# -------------------------------------------------------------------------------------------------------- command line


def edge_table(scores: Mapping[str, EdgeScores], details: bool) -> Table:
    """Detectors in rows: precision, recall and F at the set's best threshold, and F at each picture's own."""
    table = _table("edges", "precision", "recall", "F (ODS)", "F (OIS)")
    for name, score in scores.items():
        table.add_row(name, *_figures(score.ods.precision, score.ods.recall, score.ods.f, score.ois.f))
        for picture, c in score.pictures.items() if details else ():
            table.add_row(f"· {picture}", *_figures(c.precision, c.recall, c.f), "")
    return table


def depth_table(scores: Mapping[str, Mapping[str, DepthScore]], details: bool) -> Table:
    """Estimators in rows: means over the pictures."""
    table = _table("depth", "rank correlation", "aligned error")
    for name, pictures in scores.items():
        table.add_row(name, *_figures(*_mean(pictures).values()))
        for picture, score in pictures.items() if details else ():
            table.add_row(f"· {picture}", *_figures(score.rank_correlation, score.aligned_error))
    return table


def report(edges: Mapping[str, EdgeScores], depth: Mapping[str, Mapping[str, DepthScore]]) -> dict[str, Any]:
    """Every figure, for a JSON file."""
    return {
        "edges": {
            name: {
                "ods": _rates(score.ods),
                "ois": _rates(score.ois),
                "pictures": {picture: _rates(counts) for picture, counts in score.pictures.items()},
            }
            for name, score in edges.items()
        },
        "depth": {
            name: {"mean": _mean(pictures), "pictures": {picture: asdict(s) for picture, s in pictures.items()}}
            for name, pictures in depth.items()
        },
    }


def _mean(pictures: Mapping[str, DepthScore]) -> dict[str, float]:
    columns = [asdict(score) for score in pictures.values()]
    return {key: mean(column[key] for column in columns) for key in columns[0]}


def _rates(counts: EdgeCounts) -> dict[str, float]:
    return {"precision": counts.precision, "recall": counts.recall, "f": counts.f}


def _table(*columns: str) -> Table:
    table = Table(box=box.MARKDOWN)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right", no_wrap=True)
    return table


def _figures(*values: float) -> list[str]:
    return [f"{value:.3f}" for value in values]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pictures and their ground truth")
    parser.add_argument("--profile", default="embedded", choices=sorted(PROFILES), help="whose networks to score")
    parser.add_argument("--edges", help="edge detector in place of the profile's own")
    parser.add_argument("--depth", help="depth network in place of the profile's own")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--details", action="store_true", help="also print a row for each picture")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure to this file")
    options = parser.parse_args(arguments)
    try:
        models = load_models(options.profile, options.device, edges=options.edges, depth=options.depth)
        edges = {k: score_edges(f, options.folder, models.device) for k, f in edge_detectors(models).items()}
        depth = {k: score_depth(f, options.folder, models.device) for k, f in depth_estimators(models).items()}
    except InputError as error:
        sys.exit(str(error))
    console = Console(width=None if sys.stdout.isatty() else 120)
    for table in (edge_table(edges, options.details), depth_table(depth, options.details)):
        console.print(table)
    if models.identity.notice:
        console.print(models.identity.notice)
    if options.json:
        options.json.write_text(json.dumps(report(edges, depth), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
