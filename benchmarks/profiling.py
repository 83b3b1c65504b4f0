"""Where the time of a step goes: a flame graph of `structure` at one size, and the share of each loss term.

    python -m benchmarks.profiling --out FILE.svg [--networks embedded|published] [--size 256] [--cells 1] [--steps 3]
                                   [--device cpu|cuda] [--threads 2]

PyTorch's profiler tells when each operation ran and under which Python functions. An operation of the backward pass
belongs to the term whose forward operation it differentiates. On a CPU the time of an operation excludes that of the
operations it calls; on a GPU it is that of the kernels it launched, and the GPU's waiting time is ``idle``.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich import box
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.figures import reported
from benchmarks.networks import KINDS, networks
from benchmarks.tiling import recipe_of
from benchmarks.timing import content_samples, finished, library_steps, style_samples
from spnst_core import InputError
from spnst_core.models.profiles import find_device

Place = tuple[str, ...]
"""Where time was spent: pass, term and kind of operation; shorter if the rest isn't known."""

FORWARD, VIEW, BACKWARD, ADAM, REST, IDLE = "forward", "content, same view", "backward", "Adam", "rest", "idle"
PASSES = (FORWARD, VIEW, BACKWARD, ADAM, REST, IDLE)
ENCODER, GRAMS, EDGE, DEPTH, VARIATION, SUMS = "encoder", "Grams", "edge", "depth", "variation", "sums"
TERMS = (ENCODER, GRAMS, EDGE, DEPTH, VARIATION, SUMS)

FUNCTIONS = (
    (r"(losses|moments|sums)\.py.*: (gram|mean|moments|sums|covariance|statistics_loss|forward|backward)$", GRAMS),
    (r"losses\.py.*: total_variation$", VARIATION),
    (r"losses\.py.*: content_loss$", ENCODER),
    (r"(losses\.py.*: edge_loss$|embedded/edges\.py|models/hed\.py)", EDGE),
    (r"(losses\.py.*: depth_loss$|view\.py.*: depth_input$)", DEPTH),
    (r"(embedded/depth|models/midas|models/dpt|models/depth_anything)\.py", DEPTH),
    (r"(embedded/encoder|embedded/blur_pool|models/vgg|objective/statistics)\.py", ENCODER),
)
"""Python functions by the term that they compute; the innermost one on the stack decides. The rest is ``sums``."""

OPERATIONS = (
    ("convolution", r"conv"),
    ("matrix product", r"mm\b|mmbackward|matmul|linear"),
    ("attention", r"attention"),
    ("norm", r"norm"),
    ("activation", r"relu|gelu|sigmoid|softmax|threshold"),
    ("padding", r"pad"),
    ("resizing", r"upsample|interpol|pool"),
    ("sums", r"sum|mean|mse_?loss"),
    ("copies", r"copy|clone|contiguous|cat\b|catbackward|slice|fill|zero|stack|::to\b|expand|index"),
)
"""Kinds of operations, recognised by their names in lower case. The rest is arithmetic or Python."""

COLOURS = {
    **dict(zip(TERMS, ("#9ecae1", "#fdd0a2", "#a1d99b", "#bcbddc", "#fbb4ae", "#e6e6e6"), strict=True)),
    **dict(zip(PASSES, ("#f2f2f2", "#e4e4e4", "#d6d6d6", "#ffe58a", "#e6e6e6", "#ffffff"), strict=True)),
}

ROWS = ((0.0, 0.4), (0.4, 1.1), (1.1, 1.8), (1.8, 3.1))
"""Top and bottom of the bars for the whole step, for passes, for terms, and for operations."""


@dataclass(frozen=True)
class Profile:
    """Milliseconds of one step, by where they were spent."""

    times: Mapping[Place, float]

    def under(self, place: Place) -> float:
        """Milliseconds of a place and of everything within it."""
        return sum(time for other, time in self.times.items() if other[: len(place)] == place)

    def within(self, place: Place) -> list[Place]:
        """The parts of a place: passes and terms in their own order, kinds of operations by falling time."""
        depth = len(place) + 1
        parts = {other[:depth] for other in self.times if len(other) >= depth and other[:-1][: len(place)] == place}
        order: Sequence[str] = (PASSES, TERMS, ())[len(place)]
        return sorted(parts, key=lambda p: (order.index(p[-1]) if order else 0, -self.under(p)))


def profiled(kind: str, device: str, size: int, cells: int, steps: int) -> Profile:
    """Profile a few steps of `structure` at one size, after one that isn't measured.

    Raises:
        RuntimeError: no time was found for a term, because functions of the library were renamed.
    """
    with networks(kind, device) as load:
        models = load()
    content_picture, styles = (
        next(iter(content_samples(1).values())),
        list(style_samples(cells, max(256, size)).values()),
    )
    running = library_steps(content_picture, styles, recipe_of(size, steps + 1), models)
    next(running)
    on_gpu = models.device.type == "cuda"
    began = finished(models.device)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities, with_stack=True) as recorded:
        for _ in running:
            pass
        seconds = finished(models.device) - began
    with TemporaryDirectory() as folder:
        file = Path(folder, "trace.json")
        recorded.export_chrome_trace(str(file))
        trace = json.loads(file.read_text("utf-8"))["traceEvents"]
    found = of_trace(trace, steps, seconds if on_gpu else None)
    wanted = [(run, term) for run in (FORWARD, BACKWARD) for term in TERMS[:-1]] + [(VIEW,), (ADAM,)]
    if missing := [" ".join(place) for place in wanted if not found.under(place)]:
        raise RuntimeError(
            f"no time was found for {', '.join(missing)}: FUNCTIONS names functions that no longer exist"
        )
    return found


# ------------------------------------------------------------------------------------------------------- from the trace


@dataclass(eq=False)
class _Event:
    """One function or operation, its caller, and its own time in microseconds, without that of what it calls."""

    name: str
    is_python: bool
    caller: "_Event | None"
    own: float

    @property
    def line(self) -> list["_Event"]:
        """From the outermost caller to itself."""
        found: list[_Event] = []
        event: _Event | None = self
        while event:
            found.append(event)
            event = event.caller
        return found[::-1]


def of_trace(trace: Sequence[Mapping[str, Any]], steps: int, seconds: float | None = None) -> Profile:
    """The profile in a trace of that many steps, in Chrome's format.

    Args:
        seconds: wall time, if a GPU did the work: its kernels are counted, and the rest of the time is idle.
    """
    calls = dict(_calls(trace))
    flows = [e for e in trace if e.get("cat") == "fwdbwd"]
    starts = {e["id"]: _spot(e) for e in flows if e["ph"] == "s"}
    by_spot = {_spot(trace[i]): event for i, event in calls.items() if not event.is_python}
    # From each operation of the backward pass to the forward operation that it differentiates.
    forward = {
        by_spot[_spot(e)]: by_spot[starts[e["id"]]]
        for e in flows
        if e["ph"] == "f" and _spot(e) in by_spot and starts.get(e["id"]) in by_spot
    }
    times: Counter[Place] = Counter()
    if seconds is None:
        for event in calls.values():
            if any(_is(each, r"spnst_core/optim/optimize\.py.*: optimize$") for each in event.line):
                times[_place(event, forward)] += event.own  # type: ignore[assignment]
    else:
        launches = {trace[i]["args"]["External id"]: e for i, e in calls.items() if "External id" in trace[i]["args"]}
        for e in trace:
            if e.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset"):
                launch = launches.get(e["args"].get("External id"))
                times[_place(launch, forward) if launch else (REST,)] += e["dur"]
        times[(IDLE,)] = max(0.0, seconds * 1e6 - sum(times.values()))  # type: ignore[assignment]
    return Profile({place: time / 1000 / steps for place, time in times.items() if time > 0})


def _spot(event: Mapping[str, Any]) -> tuple[int, float]:
    """The thread and the start time of an event."""
    return event["tid"], event["ts"]


def _calls(trace: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, _Event]]:
    """Functions and operations, each with its caller, by their indices in the trace."""
    known = [i for i, e in enumerate(trace) if e.get("ph") == "X" and e.get("cat") in ("cpu_op", "python_function")]
    open_calls: list[tuple[float, _Event]] = []
    thread = None
    for i in sorted(known, key=lambda i: (str(trace[i]["tid"]), trace[i]["ts"], -trace[i]["dur"])):
        e = trace[i]
        if e["tid"] != thread:
            thread, open_calls = e["tid"], []
        while open_calls and open_calls[-1][0] <= e["ts"]:
            open_calls.pop()
        caller = open_calls[-1][1] if open_calls else None
        if caller:
            caller.own -= e["dur"]
        event = _Event(e["name"], e["cat"] == "python_function", caller, e["dur"])
        open_calls.append((e["ts"] + e["dur"], event))
        yield i, event


def _is(event: _Event, pattern: str) -> bool:
    return re.search(pattern, event.name) is not None


def _place(event: _Event, forward: Mapping[_Event, _Event]) -> Place:
    """The place that a call's own time belongs to."""
    line = event.line
    if any(_is(each, r"torch/optim/|Optimizer\.step") for each in line):
        return (ADAM,)
    node = next((k for k, each in enumerate(line) if _is(each, r"^autograd::engine::evaluate_function")), None)
    if node is not None:
        origin = next((forward[each] for each in line[node:] if each in forward), None)
        term = _term(line[node:]) or (_term(origin.line) if origin else None)
        return BACKWARD, term or SUMS, _operation(line)
    if any(_is(each, r"torch/autograd/__init__\.py.*: grad$") for each in line):
        return BACKWARD, SUMS, _operation(line)
    for pattern, run in ((r"objective\.py.*: _targets$", VIEW), (r"objective\.py.*: __call__$", FORWARD)):
        if any(_is(each, pattern) for each in line):
            return run, _term(line) or SUMS, _operation(line)
    return (REST,)


def _term(line: Sequence[_Event]) -> str | None:
    return next((term for each in reversed(line) for pattern, term in FUNCTIONS if _is(each, pattern)), None)


def _operation(line: Sequence[_Event]) -> str:
    """The kind of operation that the innermost Python function called."""
    if line[-1].is_python:
        return "Python"
    last = max((k for k, each in enumerate(line) if each.is_python), default=-1)
    name = line[last + 1].name.lower().removeprefix("autograd::engine::evaluate_function: ")
    return next((kind for kind, pattern in OPERATIONS if re.search(pattern, name)), "arithmetic")


# ------------------------------------------------------------------------------------------------------------- showing


def draw(found: Profile, title: str, file: Path) -> None:
    """The profile as a flame graph that hangs from the whole step, into an SVG or PNG file."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "spnst", "font.family": "sans-serif"}):
        figure = Figure(figsize=(12, 3.4), dpi=120)
        axes = figure.add_axes((0.005, 0.01, 0.99, 0.98))
        axes.set(xlim=(0, found.under(())), ylim=(ROWS[-1][1], 0))
        axes.axis("off")
        FigureCanvasAgg(figure)  # labels are measured with it
        _draw_part(axes, found, (), 0.0, f"{title} {found.under(()):.0f} ms")
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _draw_part(axes: Axes, found: Profile, place: Place, left: float, name: str) -> None:
    """One place, and below it its parts side by side."""
    width, (top, bottom) = found.under(place), ROWS[len(place)]
    colour = COLOURS[place[min(len(place), 2) - 1]] if place else "#ffffff"
    rectangle = axes.add_patch(
        Rectangle((left, top), width, bottom - top, facecolor=colour, edgecolor="white", linewidth=0.8)
    )
    share = f"{width / found.under(()):.0%}"
    labels = [f"{name} {share}", f"{name}\n{share}"] if place else [name]
    for label, rotation in [*((label, 0) for label in labels), (labels[0], 90)]:
        text = axes.text(
            left + width / 2, (top + bottom) / 2, label, ha="center", va="center", size=9, rotation=rotation
        )
        room, needed = rectangle.get_window_extent(), text.get_window_extent()
        if needed.width + 4 <= room.width and needed.height + 4 <= room.height:
            break
        text.remove()
    for part in found.within(place) if len(place) + 1 < len(ROWS) else ():
        _draw_part(axes, found, part, left, part[-1])
        left += found.under(part)


def table_of(found: Profile) -> Table:
    """Shares of a step: terms in rows, passes in columns; Adam and the rest below."""
    table, total = Table(box=box.MARKDOWN), found.under(())
    runs = (FORWARD, VIEW, BACKWARD)
    for column in ("share of a step", *runs, "all"):
        table.add_column(column, justify="left" if column == "share of a step" else "right")
    for term in TERMS:
        shares = [found.under((run, term)) / total for run in runs]
        table.add_row(term, *(f"{share:.1%}" for share in shares), f"{sum(shares):.1%}")
    for other in (run for run in PASSES if run not in runs and found.under((run,))):
        table.add_row(other, *[""] * len(runs), f"{found.under((other,)) / total:.1%}")
    shares = [found.under((run,)) / total for run in runs]
    table.add_row("all", *(f"{share:.1%}" for share in shares), f"{total:.1f} ms")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Profile, draw, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the flame graph, .svg or .png")
    parser.add_argument("--networks", choices=KINDS, default="embedded", help="networks to profile")
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches in pixels")
    parser.add_argument("--cells", type=int, default=1, help="number of cells in the batch")
    parser.add_argument("--steps", type=int, default=3, help="number of steps to profile")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=2, help="number of PyTorch threads, for one cell")
    given = parser.parse_args(arguments)
    if given.out.suffix not in (".svg", ".png"):
        parser.error(f"--out {given.out}: name a file that ends in .svg or .png")
    # Several cells run on threads of their own, which the profiler doesn't see.
    torch.set_num_threads(given.threads if given.cells == 1 else 1)
    torch.set_flush_denormal(True)
    try:
        where = find_device(given.device)
        found = profiled(given.networks, given.device, given.size, given.cells, given.steps)
    except InputError as error:
        sys.exit(str(error))
    cells = f"{given.cells} cell{'s' if given.cells > 1 else ''}"
    title = f"a step of structure, {given.size} px, {cells}, {given.networks} networks, {where.type}:"
    draw(found, title, given.out)
    reported([table_of(found)], [])


if __name__ == "__main__":
    main()
