"""What a run tells while it works: on a terminal, in a log, and in plain lines."""

import json
import logging
from io import StringIO

import pytest
import torch
from rich.console import Console

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_pipeline import progress
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.progress import Bar, Estimate, Events, Lines, Listener, Said, shown, work
from spnst_pipeline.wording import duration

RECIPE = Recipe(name="bold", size=128, stages=(Stage(scale=0.5, steps=4), Stage(steps=2)))


def iterate(step, cells=2):
    terms = {term: torch.full((cells,), 0.25) for term in ("content", "style", "edge", "tv", "total")}
    losses = {**terms, "depth": torch.zeros(cells)}
    stage = 0 if step <= 4 else 1
    return Iterate(stage, 2, step, 6, tuple(range(cells)), losses, torch.rand(cells, 3, 8, 8))


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_work_grows_with_the_pixels_of_a_stage():
    assert work(RECIPE) == 4 * (64**2 + 64**2) + 2 * (128**2 + 64**2)


def test_work_of_some_steps_reaches_into_the_stage_of_the_last():
    assert work(RECIPE, 5) == 4 * (64**2 + 64**2) + (128**2 + 64**2)
    assert work(RECIPE, 6) == work(RECIPE)


def test_a_stage_that_ends_early_counts_as_done(clock):
    estimate = Estimate()
    estimate.phase("painting", work(RECIPE), 1)
    estimate.batch(RECIPE, "cat", ["wave"])
    for step in (1, 2, 5, 6):
        estimate.step(iterate(step, cells=1))
    assert (estimate.running, estimate.count) == (work(RECIPE), "")


def test_the_time_left_for_one_cell_is_told_by_its_latest_stage_and_runs_down(clock):
    estimate = Estimate()
    estimate.phase("painting", work(RECIPE), 1)
    estimate.batch(RECIPE, "cat", ["wave"])
    found = []
    for step, seconds in ((1, 600), (2, 10), (3, 10), (4, 10), (5, 900)):  # targets are computed before some
        clock.now += seconds
        estimate.step(iterate(step, cells=1))
        found.append(estimate.left)
    large = (128**2 + 64**2) / (64**2 + 64**2)  # of a step, in small ones
    assert found == [
        "",
        *(f"{duration(20 + seconds)} left" for seconds in (50, 40, 30)),
        f"{round(10 * large)} s left",
    ]
    clock.now += 7
    assert estimate.left == f"{round(10 * large) - 7} s left"
    clock.now += 600
    assert estimate.left == "0 s left"


def test_a_cell_that_goes_back_and_one_that_is_tried_again_are_timed_anew(clock):
    estimate = Estimate()
    estimate.phase("painting", work(RECIPE), 1)
    for _ in range(2):
        estimate.batch(RECIPE, "cat", ["wave"])
        for step in (2, 1, 2, 3):
            clock.now += 10
            estimate.step(iterate(step, cells=1))
    assert estimate.left == "1 min left"  # 10 s, and 50 s for the two large ones


def test_a_phase_of_cells_is_counted_by_steps_and_lands_cell_by_cell(clock):
    estimate = Estimate()
    estimate.phase("painting", 3 * work(RECIPE), 3)
    assert (estimate.count, estimate.left) == ("0/3 cells", "")
    estimate.batch(RECIPE, "cat", ["wave", "dots"])
    for step in range(1, 7):
        clock.now += 10
        estimate.step(iterate(step))
    assert estimate.running == 2 * work(RECIPE)
    assert estimate.left == "30 s left"  # two cells took 60 seconds, one is left
    estimate.made(ArtefactId.from_path("pastiche/bold/cat/wave.png"))
    estimate.made(ArtefactId.from_path("pastiche/bold/cat/dots.png"))
    assert (estimate.done, estimate.running, estimate.count) == (2 * work(RECIPE), 0, "2/3 cells")
    assert estimate.painted == 2


def test_a_cell_counts_once_with_its_film_or_for_its_film_alone(clock):
    estimate = Estimate()
    estimate.phase("painting", 2 * work(RECIPE), 2)
    estimate.batch(RECIPE, "cat", ["wave", "dots"])
    for key in ("pastiche/bold/cat/wave.png", "timelapse/bold/cat/wave.mp4", "timelapse/bold/cat/dots.mp4"):
        estimate.made(ArtefactId.from_path(key))
    assert (estimate.done, estimate.count) == (2 * work(RECIPE), "2/2 cells")
    assert (estimate.painted, estimate.recorded) == (1, 2)


def test_a_batch_that_is_tried_again_is_not_counted_twice(clock):
    estimate = Estimate()
    estimate.phase("painting", 2 * work(RECIPE), 2)
    estimate.batch(RECIPE, "cat", ["wave", "dots"])
    estimate.step(iterate(1))
    estimate.batch(RECIPE, "cat", ["wave"])
    assert estimate.running == 0


def test_other_phases_count_artefacts(clock):
    estimate = Estimate()
    estimate.phase("preparing contents", 6)
    clock.now += 9
    for key in ("content_image/cat.png", "depth_map/cat.safetensors", "edge_map/cat.safetensors"):
        estimate.made(ArtefactId.from_path(key))
    assert (estimate.count, estimate.left, estimate.painted) == ("3/6", "9 s left", 0)


def test_lines_are_few_and_say_what_is_being_done(clock):
    out = StringIO()
    lines = Lines(Console(file=out, width=200), seconds=15)
    lines.phase("painting", 2 * work(RECIPE), 2)
    lines.batch(RECIPE, "cat", ["wave", "dots"])
    for step in range(1, 7):
        clock.now += 6
        lines.step(iterate(step))
    lines.made(ArtefactId.from_path("pastiche/bold/cat/wave.png"))
    lines.close()
    assert out.getvalue().splitlines() == [
        "painting (2 cells)",
        "  0/2 cells, 36 s left, bold · cat × wave, dots · stage 1/2, step 3/6 · style 0.250  edge 0.250",
        "  0/2 cells, 0 s left, bold · cat × wave, dots · stage 2/2, step 6/6 · style 0.250  edge 0.250",
    ]


def test_the_bar_shows_cells_stage_losses_and_time_left_and_is_gone_at_the_end(clock):
    out = StringIO()
    bar = Bar(Console(file=out, force_terminal=True, width=120, legacy_windows=False))
    bar.phase("painting", 4 * work(RECIPE), 4)
    bar.batch(RECIPE, "cat", ["wave", "dots"])
    for step in range(1, 7):
        clock.now += 10
        bar.step(iterate(step))
    bar.made(ArtefactId.from_path("pastiche/bold/cat/wave.png"))
    bar._progress.refresh()
    shown = out.getvalue()
    for part in ("painting", "1/4 cells", "1 min left", "bold · cat × wave, dots · stage 2/2, step 6/6 · style 0.250"):
        assert part in shown
    bar.close()
    assert out.getvalue().endswith("\x1b[2K")


def interrupted(console):
    with shown(console) as listener:
        listener.phase("reading", 0)
        raise KeyboardInterrupt


def test_a_terminal_gets_a_bar_that_is_gone_even_after_an_interruption():
    out = Terminal()
    with pytest.raises(KeyboardInterrupt):
        interrupted(Console(file=out, force_terminal=True, legacy_windows=False))
    assert "━" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("colour", ["", "1"])
def test_a_file_gets_lines_whatever_its_colours(colour, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", colour)
    out = StringIO()
    with pytest.raises(KeyboardInterrupt):
        interrupted(Console(file=out))
    assert out.getvalue() == "reading\n"


def test_events_are_lines_of_json_with_the_seconds_of_every_cell(clock):
    written = []
    events = Events(written.append)
    events.phase("painting", 2 * work(RECIPE), 2)
    events.batch(RECIPE, "cat", ["wave", "dots"])
    clock.now += 4
    events.made(ArtefactId.from_path("pastiche/bold/cat/wave.png"))
    clock.now += 2.5
    events.failed(ArtefactId.from_path("pastiche/bold/cat/dots.png"), "not finite")
    events.made(ArtefactId.from_path("timelapse/bold/cat/wave.mp4"))
    events.made(ArtefactId.from_path("metrics/bold/cat/wave.json"))
    events.failed(ArtefactId.from_path("pastiche/bold/boat/dots.png"), "no edges")
    events.note("goes on")
    told = [json.loads(line) for line in written]
    assert all("\n" not in line for line in written)
    assert all(each.pop("time").endswith("+00:00") for each in told)
    wave, dots = ({"recipe": "bold", "content": "cat", "style": style} for style in ("wave", "dots"))
    assert told == [
        {"event": "phase", "name": "painting", "cells": 2},
        {"event": "cell_begun", **wave},
        {"event": "cell_begun", **dots},
        {"event": "cell_finished", **wave, "seconds": 4.0},
        {"event": "cell_failed", **dots, "seconds": 6.5, "reason": "not finite"},
        {"event": "film_finished", **wave, "seconds": 6.5},
        {"event": "cell_failed", **dots, "content": "boat", "seconds": None, "reason": "no edges"},
        {"event": "note", "line": "goes on"},
    ]
    assert events.painted == 1


def test_of_what_another_process_logs_notes_alone_are_shown():
    noted = []

    class Kept(Listener):
        def note(self, line):
            noted.append(line)

    for line, note in (("gatys · cat × wave · on node-3", False), ("gatys begins anew", True)):
        Kept().said(Said(0.0, logging.INFO, line, {"painter": "node-3"}, note))
    assert noted == ["gatys begins anew"]
