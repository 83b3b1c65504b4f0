"""Views: random, but each a function of its number, and all of one scale."""

import torch

from spnst_core.painters.views import view


def test_a_number_always_gives_the_same_view_and_another_number_another(sample_contents):
    contents = list(sample_contents.values())
    first, again, other = (view(contents, number, 0, 32, 64, 128) for number in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, view(contents, 5, 1, 32, 64, 128))
    assert first.shape == (1, 3, 32, 32)
    assert 0 <= first.min() < first.max() <= 1


def test_a_smaller_view_shows_a_smaller_part_at_the_same_scale():
    across = torch.linspace(0, 0.5, 200).expand(1, 3, 100, 200) + 0.25
    steepest = [
        (view([across], number, 0, side, 64, 128)[..., 1:] - view([across], number, 0, side, 64, 128)[..., :-1])
        .abs()
        .median()
        for side in (32, 64)
        for number in range(6)
    ]
    assert torch.stack(steepest[:6]).sub(torch.stack(steepest[6:])).abs().max() < 2e-4


def test_views_reach_every_content(sample_contents):
    flat = [torch.full_like(content, 0.2 * k + 0.1) for k, content in enumerate(sample_contents.values())]
    seen = {round(float(view(flat, number, 0, 32, 64, 128).mean()), 1) for number in range(40)}
    assert len(seen) >= len(flat)


def test_a_view_shows_a_content_about_as_it_is_at_the_painters_size():
    """The ramp rises by 1 over the long side, which has 100 px at that size: by a hundredth from pixel to pixel."""
    ramp = torch.linspace(0.25, 0.75, 400).expand(1, 3, 300, 400)
    rises = torch.stack([_rise(view([ramp], number, 0, 64, 64, 100)) for number in range(30)])
    assert 0.5 * 0.75 / 100 * 0.8 <= rises.min() < rises.max() <= 0.5 * 1.25 / 100 * 1.2
    whole = torch.stack([_rise(view([ramp], number, 0, 64, 64, 64)) for number in range(30)])  # no more than there is
    assert 0.5 * 0.75 / 64 * 0.7 <= whole.min() < whole.max() <= 0.5 / 64 * 1.2


def _rise(seen):
    return (seen[..., 1:] - seen[..., :-1]).abs().median()
