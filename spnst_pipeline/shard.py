"""Shard: the part of the contents that one code location serves, where the grid is too large for one Dagster asset.

A content is in the shard that the hash of its key says, so that a new content moves no other. Nothing in the store
depends on shards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

TAG = "spnst/shard"
"""Tag of the runs of jobs: the shard whose job it is. Jobs of all shards have the same names."""

_WRITTEN = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")
_NAME = re.compile(r"shard_(\d+)_of_(\d+)")


@dataclass(frozen=True)
class Shard:
    """One of several parts of the contents, from 1. The only one of one is a project without shards."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that is written ``1/2``.

        Raises:
            ValueError: it isn't written so, or there is no such part.
        """
        found = _WRITTEN.fullmatch(text.strip())
        if not found or int(found[1]) > int(found[2]):
            raise ValueError("write k/n, for part k of the contents in n parts, such as 1/2, with k from 1 to n")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of_key(cls, path: Sequence[str]) -> Shard:
        """The shard whose name an asset's key begins with."""
        found = _NAME.fullmatch(path[0])
        return cls(int(found[1]), int(found[2])) if found else WHOLE

    @property
    def prefix(self) -> tuple[str, ...]:
        """What its assets' keys begin with, such as ``shard_1_of_2``; nothing without shards."""
        return () if self == WHOLE else (f"shard_{self.number}_of_{self.of}",)

    @property
    def contents(self) -> str:
        """The name of the set of partitions that its contents are."""
        return "_".join(("content", *self.prefix))

    @property
    def tags(self) -> dict[str, str]:
        """Tags of its jobs' runs; none without shards."""
        return {} if self == WHOLE else {TAG: str(self)}

    @property
    def is_first(self) -> bool:
        """Whether it makes what is made of the contents of all shards."""
        return self.number == 1

    @property
    def all(self) -> tuple[Shard, ...]:
        """It and the others, in order."""
        return tuple(Shard(number, self.of) for number in range(1, self.of + 1))

    def having(self, content: str) -> Shard:
        """The one of them that a content is in."""
        return self.all[int.from_bytes(sha256(content.encode()).digest(), "big") % self.of]

    def __str__(self) -> str:
        """As it is written in the settings, such as ``1/2``."""
        return f"{self.number}/{self.of}"


WHOLE = Shard()
"""A project without shards."""
