"""Wording: counts and durations as every message, table and log writes them."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: ``1 picture``, ``1,200 pictures``.

    Args:
        count: how many there are.
        noun: the singular.
        plural: the plural where it isn't the singular with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A duration in its two largest units, rounded: ``0.4 s``, ``8 s``, ``8 min 12 s``, ``2 h 5 min``, ``3 d``."""
    if 0.05 <= seconds < 0.95:
        return f"{seconds:.1f} s"
    finest = 1 if seconds < 3_600 else 60 if seconds < 86_400 else 3_600
    left = round(seconds / finest) * finest
    parts = []
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
