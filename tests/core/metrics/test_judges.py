"""Judges: networks of their own, blind to colours, known by one fingerprint; and what becomes of faulty weights."""

import pytest
import torch

from spnst_core import InputError
from spnst_core.imaging.colour import luminance
from spnst_core.metrics.judges import identify_judges, load_judges
from spnst_core.models import weights
from spnst_core.models.manifest import entry


def test_no_judge_is_a_network_of_the_loss(content, models, judges):
    weights = zip(judges.depth_net.parameters(), models.depth.parameters(), strict=True)
    assert not any(torch.allclose(a, b) for a, b in weights if a.numel() > 64)
    # The loss compares analytic maps: five, where the judge has one.
    assert models.edges.maps(content).shape[1] == 5
    assert judges.edges(content).shape[1] == 1


def test_judges_see_luminance_alone(content, judges):
    grey = luminance(content).expand(-1, 3, -1, -1)
    for judge in (judges.edges, judges.depth):
        assert torch.allclose(judge(content), judge(grey), atol=1e-5)


def test_the_judges_have_one_fingerprint():
    assert identify_judges() == identify_judges()
    assert len(identify_judges()) == 16


def test_judges_are_another_when_an_optional_one_comes_or_changes(tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    seen = [identify_judges()]
    file = tmp_path / entry("inception").file
    for value in (1, 2):
        torch.save({"a": torch.tensor(value), weights.STAND_IN: 0}, file)
        seen.append(identify_judges())
    file.unlink()
    assert len(set(seen)) == 3
    assert identify_judges() == seen[0]


def test_a_cached_file_that_isnt_the_judges_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    torch.save({"a": torch.ones(1)}, tmp_path / entry("inception").file)
    with pytest.raises(InputError, match="weights inception: .* bytes, not 95,628,359: remove it and fetch it again"):
        load_judges(torch.device("cpu"))
    torch.save({"a": torch.ones(1), weights.STAND_IN: 0}, tmp_path / entry("inception").file)
    with pytest.raises(InputError, match="not the weights of inception"):
        load_judges(torch.device("cpu"))


def test_they_answer_with_one_map_of_the_pictures_size_and_cannot_be_trained(judges, content):
    for judge in (judges.edges, judges.depth):
        assert judge(content).shape == (1, 1, *content.shape[2:])
    networks = (judges.edge_net, judges.depth_net)
    assert not any(p.requires_grad for network in networks for p in network.parameters())


def test_optional_judges_are_left_out_where_their_weights_are_not_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    judges = load_judges(torch.device("cpu"))
    assert (judges.lpips, judges.inception) == (None, None)
