"""Plot the logs of one or more trainings: ``python -m training.curves FILE.png LOG.jsonl…``."""

import argparse
import json
from pathlib import Path

from matplotlib import pyplot


def main() -> None:
    """Losses on the left, scores on held-out scenes on the right; one line for each log."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path, help="the plot")
    parser.add_argument("logs", type=Path, nargs="+", help="logs of trainings")
    options = parser.parse_args()
    figure, (losses, scores) = pyplot.subplots(1, 2, figsize=(9, 3.2), dpi=80, layout="constrained")
    for k, log in enumerate(options.logs):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        terms = [line for line in lines if not any(" " in name for name in line)]
        name = next(name for name in terms[0] if name not in ("step", "seconds"))
        losses.plot([x["step"] for x in terms], [x[name] for x in terms], lw=0.8, label=f"{log.parent.name}: {name}")
        scored = [line for line in lines if any(" " in name for name in line)]
        for figure_name, style in zip((n for n in scored[0] if n.endswith((" correlation", " F"))), "-:", strict=True):
            x, y = zip(*((line["step"], line[figure_name]) for line in scored), strict=True)
            scores.plot(x, y, style, color=f"C{k}", marker=".", label=f"{log.parent.name}: {figure_name}")
    losses.set(xlabel="step", ylabel="training loss")
    scores.set(xlabel="step", ylabel="on held-out scenes")
    for axes in (losses, scores):
        axes.legend(fontsize=6)
        axes.grid(alpha=0.3)
    figure.savefig(options.file)


if __name__ == "__main__":
    main()
