"""The objective of a batch in parts: what a device without room for all of it does, and what a step costs."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from spnst_core import Recipe
from spnst_core.compute.memory import BYTES_PER_PIXEL, Room
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.gradient import evaluate
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage

SIZE = 48
WAITS = {"_local_scalar_dense", "nonzero", "item", "is_nonzero", "equal", "unique", "masked_select"}
"""Operations whose result the host must know before it can go on."""


class Counting(TorchDispatchMode):
    """Counts PyTorch's operations."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen[function.overloadpacket.__name__] += 1
        return function(*args, **(kwargs or {}))


class Counted:
    """A network, and how often each of its ways to look at pictures was used."""

    def __init__(self, network, name, calls):
        self._network, self._name, self._calls = network, name, calls

    def __getattr__(self, way):
        found = getattr(self._network, way)
        if way not in ("features", "maps", "squared_error"):
            return found
        return lambda *args: (self._calls.update([f"{self._name}.{way}"]), found(*args))[1]

    def __call__(self, x):
        self._calls.update([self._name])
        return self._network(x)


@pytest.fixture
def room():
    """What devices have room for, not known yet."""
    return Room()


@pytest.fixture
def roomy(models, room):
    """The networks with that room, forgotten afterwards."""
    return replace(models, room=room)


@pytest.fixture(scope="module")
def short():
    stages = (Stage(scale=0.5, steps=2), Stage(steps=2))
    return Recipe.load("structure").model_copy(update={"size": SIZE, "stages": stages})


@pytest.fixture(scope="module")
def cells(short, models, sample_contents, sample_styles):
    """A content, and four styles' targets."""
    styles = [StyleTargets.compute(style, models, short.style_sizes) for style in list(sample_styles.values())[:4]]
    return content_targets(sample_contents["astronaut"], short, models), styles


def painted(cells, recipe, models):
    *_, last = optimize(*cells, recipe, models)
    return last.image


# ------------------------------------------------------------------------------------------------------ too little room


NO_ROOM = torch.OutOfMemoryError("no room")


class Small:
    """A device that has room for so many cells at once."""

    def __init__(self, monkeypatch, most, error=NO_ROOM):
        self.passes = []
        look = Objective.__call__

        def limited(objective, x, view, which=None):
            self.passes.append(len(x))
            if len(x) > most:
                raise error
            return look(objective, x, view, which)

        monkeypatch.setattr(Objective, "__call__", limited)


@pytest.mark.heavy
def test_without_room_for_all_halves_go_through_from_then_on(cells, short, roomy, room, monkeypatch):
    """In the middle of a run, and nothing that was done is lost: the pastiches are those of a device with room."""
    monkeypatch.setattr(room, "at_once", lambda device, shape: room._most.get((str(device), shape), 64))
    expected = painted(cells, short, roomy)
    small = Small(monkeypatch, 2)
    torch.testing.assert_close(painted(cells, short, roomy), expected, rtol=0, atol=1e-5)
    one_stage = [4, 2, 2, 2, 2]
    assert small.passes == 2 * one_stage, "each stage has a shape of its own to learn of"
    painted(cells, short, roomy)
    assert small.passes[len(2 * one_stage) :] == 4 * [2, 2], "the second run remembers"


def test_a_device_without_an_error_of_its_own_for_it_says_so(cells, short, roomy, room, monkeypatch):
    monkeypatch.setattr(room, "at_once", lambda device, shape: room._most.get((str(device), shape), 64))
    small = Small(monkeypatch, 2, RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"))
    next(optimize(*cells, short, roomy))
    assert small.passes == [4, 2, 2]


def test_other_errors_are_no_reason_to_try_with_less(cells, short, roomy, room, monkeypatch):
    monkeypatch.setattr(room, "at_once", lambda device, shape: 64)
    small = Small(monkeypatch, 2, RuntimeError("shapes don't fit"))
    with pytest.raises(RuntimeError, match="shapes don't fit"):
        painted(cells, short, roomy)
    assert small.passes == [4]


def test_without_room_for_one_cell_the_error_is_the_devices(cells, short, roomy, monkeypatch):
    Small(monkeypatch, 0)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        painted(cells, short, roomy)


def test_a_gpu_s_peak_tells_what_a_pixel_takes(monkeypatch):
    room, gpu = Room(), torch.device("cuda", 0)
    assert room.bytes_per_pixel(gpu) == BYTES_PER_PIXEL
    for peak in (5_000, 4_000):
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 1_000)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device, peak=peak: peak)
        with room.measured(gpu, 10):
            pass
    assert room.bytes_per_pixel(gpu) == 400, "the most that was seen"


# --------------------------------------------------------------------------------------------------------- side by side


@pytest.mark.parametrize("precision", [torch.float32, pytest.param(torch.bfloat16, marks=pytest.mark.slow(7))])
@pytest.mark.heavy
def test_cells_side_by_side_on_two_threads_give_what_they_give_alone(precision, cells, short, models, threads):
    """To the last bit."""
    torch.set_num_threads(2)
    content, styles = cells
    goal = canvas(content.content, short, short.stages[-1])

    def evaluated(which):
        objective = Objective(goal, content, styles, short, short.stages[-1], replace(models, precision=precision))
        view = objective.view(torch.Generator().manual_seed(0))
        return evaluate(objective, view, goal.repeat(len(which), 1, 1, 1), which)

    together, alone = evaluated(range(4)), [evaluated([cell]) for cell in range(4)]
    assert torch.equal(together.gradient, torch.cat([one.gradient for one in alone]))
    for term, values in together.values.items():
        assert torch.equal(values, torch.cat([one.values[term] for one in alone])), term


# ---------------------------------------------------------------------------------------------------- what a step costs


@pytest.mark.parametrize("jitter", [True, False])
@pytest.mark.heavy
def test_each_network_looks_once_a_step_at_the_batch_and_with_jitter_once_at_the_content(
    jitter, cells, short, roomy, room, monkeypatch
):
    monkeypatch.setattr(room, "at_once", lambda device, shape: 64)
    calls = Counter()
    counted = replace(roomy, **{role: Counted(getattr(roomy, role), role, calls) for role in ("encoder", "depth")})
    counted = replace(counted, edges=Counted(roomy.edges, "edges", calls))
    steps = 3
    recipe = short.model_copy(update={"jitter": jitter, "stages": (Stage(steps=steps),)})
    painted(cells, recipe, counted)
    looks = steps + (steps if jitter else 1)
    assert calls == {"encoder.features": looks, "edges.squared_error": steps, "depth": looks}


@pytest.mark.parametrize("name", [pytest.param("structure", marks=pytest.mark.heavy), "gatys"])
def test_no_step_waits_for_the_device(name, cells, short, roomy):
    """Of all operations of two steps none gives the host a number, and the losses stay where they are."""
    recipe = Recipe.load(name).model_copy(update={"size": SIZE, "stages": (Stage(steps=3),)})
    content, styles = cells
    steps = optimize(content, styles[:2], recipe, roomy)
    next(steps)  # what is prepared once may wait
    with Counting() as counting:
        next(steps), next(steps)
    assert counting.seen["convolution"] > 0
    assert not WAITS & set(counting.seen), {name: counting.seen[name] for name in WAITS & set(counting.seen)}


@pytest.mark.heavy
def test_evaluating_some_cells_gives_theirs(cells, short, models):
    content, styles = cells
    goal = canvas(content.content, short, short.stages[-1])
    objective = Objective(goal, content, styles, short, short.stages[-1], models)
    view = objective.view(torch.Generator().manual_seed(0))
    x = goal.repeat(4, 1, 1, 1)
    everything = evaluate(objective, view, x, range(4))
    some = evaluate(objective, view, x[[0, 3]], [0, 3])
    torch.testing.assert_close(some.values["total"], everything.values["total"][[0, 3]])
    torch.testing.assert_close(some.gradient, everything.gradient[[0, 3]])


@pytest.mark.parametrize("form", [pytest.param("relative", marks=pytest.mark.slow(6)), "raw"])
@pytest.mark.heavy
def test_on_a_gpu_every_term_is_computed_there_and_nothing_is_copied_in_a_view_once_seen(form, models, cells, gpu):
    """For want of one: what it would compute, without the numbers, up to the gradient."""
    changes = {"form": form, "size": SIZE, "jitter": False, "stages": (Stage(steps=1),)}
    recipe = Recipe.load("structure").model_copy(update=changes)
    content = content_targets(cells[0].content, recipe, models)
    goal = gpu.holding(canvas(content.content, recipe, recipe.stages[0]))
    there = replace(gpu.holding(models), device=gpu.device)
    targets = replace(content, edge=gpu.holding(content.edge), depth=gpu.holding(content.depth))
    styles = [gpu.holding(style) for style in cells[1]]
    with gpu, torch.no_grad():
        x = goal.repeat(4, 1, 1, 1)
        objective = Objective(goal, targets, styles, recipe, recipe.stages[0], there)
        view = objective.view(torch.Generator())
        objective(x, view), objective(x[:2], view, [0, 2])
        gpu.copied.clear()
        for which, own in ((range(4), x), ([0, 2], x[:2])):
            values = objective(own, view, which)
            assert {(value.device, len(value)) for value in values.values()} == {(gpu.device, len(own))}
    assert not gpu.copied
