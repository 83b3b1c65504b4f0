"""The ground-truth benchmark on a tiny folder made here, with detectors whose scores are known beforehand."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from benchmarks import truth
from spnst_core import InputError
from spnst_core.metrics.structure import FADE
from spnst_core.models.embedded.edges import MultiScaleEdges

pytestmark = pytest.mark.benchmark

SHAPE = (120, 160)  # the tolerance is a pixel and a half
COLUMNS = {"left": 50, "right": 100}


def boundaries(*drawings):
    """Berkeley's layout: a cell array of structures."""
    cells = np.empty((1, len(drawings)), object)
    for k, drawn in enumerate(drawings):
        cells[0, k] = {"Segmentation": np.zeros(drawn.shape, np.uint16), "Boundaries": drawn.astype(np.uint8)}
    return {"groundTruth": cells}


def step(column):
    """A picture that turns bright at a column, in [0, 1], and the line between, drawn but for its very ends."""
    x, line = np.full(SHAPE, 0.1), np.zeros(SHAPE, bool)
    x[:, column:], line[FADE:-FADE, column] = 0.9, True
    return x, line


def ramp(slope):
    rows, columns = np.indices(SHAPE)
    return 1 + rows / SHAPE[0] + slope * columns / SHAPE[1]


def save_picture(path, grey):
    Image.fromarray(np.round(255 * np.stack([grey] * 3, 2)).astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two drawn and two measured pictures."""
    for sub in ("edges", "depth"):
        (tmp_path / sub).mkdir()
    for name, column in COLUMNS.items():
        x, line = step(column)
        save_picture(tmp_path / "edges" / f"{name}.png", x)
        savemat(tmp_path / "edges" / f"{name}.mat", boundaries(line, line))
    for name, slope in (("flat", 0.0), ("tilted", 2.0)):
        known = ramp(slope)
        known[:20], known[:, 140:] = 0, np.nan
        save_picture(tmp_path / "depth" / f"{name}.png", (ramp(slope) - 1) / 3)
        np.savez(tmp_path / "depth" / f"{name}.npz", inverse_depth=known)
    return tmp_path


def is_left(x):
    return bool(x[0, 0, 0, 80] > 0.5)


def lines(x):
    """Knows what was drawn."""
    _, line = step(COLUMNS["left" if is_left(x) else "right"])
    return torch.from_numpy(line.astype(float))[None, None]


def brightness(x):
    """Inverse depth itself, but for a scale and a shift."""
    return x[:, :1]


class TestEdges:
    def test_a_detector_that_knows_is_perfect(self, folder):
        score = truth.score_edges(lines, folder)
        assert score.ods.f == score.ois.f == 1
        assert {name: counts.f for name, counts in score.pictures.items()} == {"left": 1, "right": 1}

    def test_the_analytic_detectors_find_a_step(self, folder):
        for detector in (truth.gradient_magnitude, MultiScaleEdges()):
            score = truth.score_edges(detector, folder)
            assert score.ods.f > 0.95
            assert score.ois.f >= score.ods.f

    def test_one_threshold_serves_all_pictures_and_each_may_have_its_own(self, folder):
        """A detector a hundred times weaker on one picture, with false edges there as strong as true ones elsewhere."""

        def uneven(x):
            false = torch.zeros(SHAPE)
            false[FADE:-FADE, 130] = 1
            return lines(x) if is_left(x) else 100 * lines(x) + 10 * false

        score = truth.score_edges(uneven, folder)
        assert score.ois.f == 1
        assert score.ods.f == pytest.approx(0.8)  # three lines found, two of them drawn; or one drawn found, one missed

    def test_the_answers_scale_does_not_matter(self, folder):
        detector = MultiScaleEdges()
        assert truth.score_edges(lambda x: 1024 * detector(x), folder).ods == truth.score_edges(detector, folder).ods

    def test_a_detector_that_sees_nothing_scores_nothing(self, folder):
        score = truth.score_edges(truth.constant, folder)
        assert (score.ods.precision, score.ods.recall, score.ods.f) == (0, 0, 0)
        assert set(score.pictures) == {"left", "right"}


class TestDepth:
    def test_depth_itself_is_perfect(self, folder):
        for score in truth.score_depth(brightness, folder).values():
            assert score.rank_correlation == pytest.approx(1, abs=1e-3)  # eight bits tie neighbours
            assert score.aligned_error == pytest.approx(0, abs=0.02)

    def test_depth_inside_out_has_the_opposite_rank(self, folder):
        for score in truth.score_depth(lambda x: 1 - x[:, :1], folder).values():
            assert score.rank_correlation == pytest.approx(-1, abs=1e-3)

    def test_vertical_position_is_perfect_on_a_floor_and_half_blind_on_a_tilted_one(self, folder):
        scores = truth.score_depth(truth.vertical_position, folder)
        assert scores["flat"].rank_correlation == pytest.approx(1)
        assert scores["flat"].aligned_error == pytest.approx(0, abs=1e-9)
        rows, columns = np.indices((100, 140)).astype(float)
        vertical, horizontal = rows.var() / SHAPE[0] ** 2, 4 * columns.var() / SHAPE[1] ** 2
        expected = np.sqrt(horizontal / (vertical + horizontal))
        assert scores["tilted"].aligned_error == pytest.approx(expected, rel=1e-6)

    def test_a_constant_explains_nothing(self, folder):
        for score in truth.score_depth(truth.constant, folder).values():
            assert score.rank_correlation == 0
            assert score.aligned_error == pytest.approx(1)


class TestBrokenFolders:
    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(InputError, match=r"edges holds no \*\.mat: name a folder"):
            truth.score_edges(lines, tmp_path)
        with pytest.raises(InputError, match=r"depth holds no \*\.npz: name a folder"):
            truth.score_depth(brightness, tmp_path)

    def test_a_truth_without_its_picture(self, folder):
        (folder / "depth" / "flat.png").unlink()
        with pytest.raises(InputError, match=r"flat\.npz has no picture beside it: add flat\.jpg or \.png"):
            truth.score_depth(brightness, folder)

    def test_a_picture_of_another_shape(self, folder):
        save_picture(folder / "edges" / "left.png", np.zeros((40, 50)))
        with pytest.raises(InputError, match=r"left\.png is 50×40 but its truth is 160×120"):
            truth.score_edges(lines, folder)

    @pytest.mark.parametrize("written", [b"", b"not a zip archive", b"PK\x03\x04 cut short"])
    def test_a_damaged_measurement(self, folder, written):
        (folder / "depth" / "flat.npz").write_bytes(written)
        with pytest.raises(InputError, match=r"flat\.npz can't be read as an npz file") as found:
            truth.score_depth(brightness, folder)
        assert "\n" not in str(found.value)

    @pytest.mark.parametrize(
        ("arrays", "problem"),
        [
            ({"depth": np.ones(SHAPE)}, "can't be read as an npz file with inverse_depth"),
            ({"inverse_depth": np.ones(120)}, r"has shape \(120,\); it must be \(H, W\)"),
            ({"inverse_depth": -np.ones(SHAPE)}, "nowhere known or constant"),
            ({"inverse_depth": np.ones(SHAPE)}, "nowhere known or constant"),
        ],
    )
    def test_a_measurement_that_says_nothing(self, folder, arrays, problem):
        np.savez(folder / "depth" / "flat.npz", **arrays)
        with pytest.raises(InputError, match=problem):
            truth.score_depth(brightness, folder)

    @pytest.mark.parametrize("written", [b"", b"not MATLAB" * 30])
    def test_a_damaged_drawing(self, folder, written):
        (folder / "edges" / "left.mat").write_bytes(written)
        with pytest.raises(InputError, match=r"left\.mat can't be read as a MATLAB file") as found:
            truth.score_edges(lines, folder)
        assert "\n" not in str(found.value)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ({"other": np.ones(3)}, "can't be read as a MATLAB file with groundTruth"),
            ({"groundTruth": np.ones((1, 3))}, "can't be read as a MATLAB file with groundTruth"),
            (boundaries(), "one or more drawings"),
            (boundaries(np.ones(SHAPE), np.ones((3, 4))), "drawings of one shape"),
        ],
    )
    def test_a_drawing_in_another_layout(self, folder, content, problem):
        savemat(folder / "edges" / "left.mat", content)
        with pytest.raises(InputError, match=problem):
            truth.score_edges(lines, folder)


class TestTables:
    """Any named callable can be a row."""

    @pytest.fixture
    def scores(self, folder):
        edges = {"knows": truth.score_edges(lines, folder), "blind": truth.score_edges(truth.constant, folder)}
        depth = {"knows": truth.score_depth(brightness, folder), "blind": truth.score_depth(truth.constant, folder)}
        return edges, depth

    def test_a_row_for_each_and_with_details_for_each_picture(self, scores):
        edges, depth = scores
        assert [t.row_count for t in (truth.edge_table(edges, False), truth.depth_table(depth, False))] == [2, 2]
        assert [t.row_count for t in (truth.edge_table(edges, True), truth.depth_table(depth, True))] == [6, 6]

    def test_the_report_holds_every_figure(self, scores):
        found = json.loads(json.dumps(truth.report(*scores)))
        assert found["edges"]["knows"]["ods"] == {"precision": 1, "recall": 1, "f": 1}
        assert found["edges"]["knows"]["pictures"]["left"]["f"] == 1
        means = found["depth"]["knows"]["mean"]
        each = [picture["rank_correlation"] for picture in found["depth"]["knows"]["pictures"].values()]
        assert means["rank_correlation"] == pytest.approx(sum(each) / 2)
        assert found["depth"]["blind"]["mean"] == {"rank_correlation": 0, "aligned_error": pytest.approx(1)}

    def test_the_command_prints_markdown_and_writes_json(self, folder, tmp_path, capsys):
        truth.main([str(folder), "--details", "--device", "cpu", "--json", str(tmp_path / "scores.json")])
        printed = capsys.readouterr().out
        for row in (
            "| gradient magnitude",
            "| five-scale edges",
            "| embedded: EmbeddedEdges",
            "| vertical position",
            "· tilted",
        ):
            assert row in printed
        assert set(json.loads((tmp_path / "scores.json").read_text())) == {"edges", "depth"}

    def test_the_command_refuses_a_folder_without_truth_in_one_line(self, tmp_path):
        with pytest.raises(SystemExit) as left:
            truth.main([str(tmp_path), "--device", "cpu"])
        assert str(left.value).startswith(str(tmp_path / "edges"))
        assert "\n" not in str(left.value)
