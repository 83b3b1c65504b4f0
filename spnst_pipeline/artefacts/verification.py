"""Verification: every artefact of a store read in full and checked against the digests that it carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.identity import FOLDERS, ArtefactId
from spnst_pipeline.artefacts.seal import digest
from spnst_pipeline.artefacts.soundness import LIST, listed, remember, rightful
from spnst_pipeline.storage.store import Store

AT_ONCE = 32
"""Files that are held in memory together."""


@dataclass(frozen=True)
class Verdict:
    """What was found of one artefact.

    Attributes:
        artefact: the one.
        files: how many files it has.
        wrong: its files that aren't what was written, by path, each with what is wrong.
        checked: whether it carries digests; those of before there were digests don't.
    """

    artefact: ArtefactId
    files: int
    wrong: Mapping[str, str]
    checked: bool


def artefacts(store: Store) -> list[ArtefactId]:
    """The artefacts of a store whose own files are there."""
    found = []
    for path in (path for folder in FOLDERS for path in store.list(folder)):
        with suppress(ValueError):  # a file that belongs to another
            found.append(ArtefactId.from_path(path))
    return found


def verify(store: Store, found: Sequence[ArtefactId]) -> Iterator[Verdict]:
    """Read artefacts in full, and tell of each what was found, in their order.

    An artefact that is damaged counts as missing from now on, so that the next run makes it again.
    """
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]
        own = store.read_many([artefact.path for artefact in some])
        for artefact in some:
            yield _verdict(store, artefact, own.get(artefact.path, b""))


def _verdict(store: Store, artefact: ArtefactId, own: bytes) -> Verdict:
    carried = metadata(artefact.path, own)
    right = {**rightful(artefact, carried), **listed(store, artefact)}
    beside = {path for what, path in artefact.beside.items() if right or what != LIST}  # the list came with digests
    belonging = sorted({*right, *beside} - {artefact.path})
    seen = {artefact.path: digest(own), **dict(_digests(store, belonging))}
    wrong = {path: "missing" for path in belonging if path not in seen}
    wrong |= {path: "damaged or replaced" for path, value in seen.items() if right.get(path, value) != value}
    if "fingerprint" not in carried:
        wrong[artefact.path] = "can't be read, or isn't an artefact"
    remember(store, {path: seen[path] for path in wrong if path in seen})
    return Verdict(artefact, 1 + len(belonging), wrong, bool(right))


def _digests(store: Store, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    for start in range(0, len(paths), AT_ONCE):
        for path, data in store.read_many(paths[start : start + AT_ONCE]).items():
            yield path, digest(data)
