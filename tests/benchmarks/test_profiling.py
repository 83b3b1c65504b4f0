"""Time goes to the term that it was spent for: in traces whose answer is known, and in a real one."""

import pytest
import torch

from benchmarks import profiling
from benchmarks.profiling import BACKWARD, FORWARD, IDLE, REST, Profile, of_trace

pytestmark = pytest.mark.benchmark


def call(name, start, duration, thread=1, **args):
    kind = "python_function" if ".py" in name else "cpu_op"
    return {"ph": "X", "cat": kind, "name": name, "tid": thread, "ts": start, "dur": duration, "args": args}


def flow(phase, number, start, thread=1):
    return {"ph": phase, "cat": "fwdbwd", "id": number, "tid": thread, "ts": start}


STEP = [
    call("spnst_core/optim/optimize.py(9): optimize", 0, 1000),
    call("spnst_core/objective/objective.py(9): __call__", 100, 400),
    call("spnst_core/models/vgg.py(9): features", 110, 200),
    call("aten::conv2d", 120, 100, **{"External id": 1}),
    call("aten::mkldnn_convolution", 125, 90),
    call("spnst_core/compute/moments.py(9): gram", 320, 100),
    call("aten::matmul", 330, 80, **{"External id": 2}),
]
BACK = call("autograd::engine::evaluate_function: ConvolutionBackward0", 600, 300, 2, **{"External id": 3})
FLOWS = [flow("s", 7, 120), flow("f", 7, 600, thread=2)]


def test_each_call_has_its_own_time_and_no_more():
    found = of_trace(STEP, steps=1).times
    assert found[FORWARD, "encoder", "convolution"] == pytest.approx(0.1)
    assert found[FORWARD, "encoder", "Python"] == pytest.approx(0.1)
    assert found[FORWARD, "Grams", "matrix product"] == pytest.approx(0.08)
    assert found[FORWARD, "sums", "Python"] == pytest.approx(0.1)
    assert found[(REST,)] == pytest.approx(0.6)
    assert sum(found.values()) == pytest.approx(1.0)


def test_steps_share_the_time():
    assert sum(of_trace(STEP, steps=4).times.values()) == pytest.approx(0.25)


def test_the_backward_pass_belongs_to_what_it_differentiates_and_a_gpu_waits_for_the_rest():
    kernels = [
        {"ph": "X", "cat": "kernel", "name": "k", "tid": 9, "ts": 700, "dur": dur, "args": {"External id": number}}
        for number, dur in ((1, 100), (2, 50), (3, 200), (99, 10))
    ]
    found = of_trace([*STEP, BACK, *FLOWS, *kernels], steps=1, seconds=1e-3).times
    assert found == pytest.approx(
        {
            (FORWARD, "encoder", "convolution"): 0.1,
            (FORWARD, "Grams", "matrix product"): 0.05,
            (BACKWARD, "encoder", "convolution"): 0.2,
            (REST,): 0.01,
            (IDLE,): 0.64,
        }
    )


def test_parts_are_as_long_as_the_whole_and_in_order():
    found = Profile({("forward", "Grams", "sums"): 1.0, ("forward", "encoder", "norm"): 2.0, ("Adam",): 4.0})
    assert found.under(()) == 7 and found.under(("forward",)) == 3
    assert found.within(()) == [("forward",), ("Adam",)]
    assert found.within(("forward",)) == [("forward", "encoder"), ("forward", "Grams")]
    assert found.within(("Adam",)) == []


@pytest.mark.slow(15)
def test_a_real_step_is_drawn_and_nearly_all_of_it_has_a_name(tmp_path, capsys):
    threads = torch.get_num_threads()
    try:
        profiling.main(["--out", str(tmp_path / "flame.svg"), "--size", "64", "--steps", "1", "--threads", "1"])
    finally:
        torch.set_num_threads(threads)
    drawn = (tmp_path / "flame.svg").read_text()
    assert len(drawn) < 150_000 and all(name in drawn for name in ("forward", "backward", "a step of structure"))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    shares = {row[0]: row[-1] for row in rows if len(row) == 5}
    assert sum(float(shares[term].rstrip("%")) for term in ("encoder", "Grams", "edge", "depth")) > 50


def test_another_ending_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        profiling.main(["--out", str(tmp_path / "flame.jpeg")])
    assert "ends in .svg or .png" in capsys.readouterr().err
