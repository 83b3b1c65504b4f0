"""Soundness: artefacts are written with digests of all their files, and checked against them whenever they are used.

An artefact's own file carries its own digest (see `spnst_pipeline.artefacts.seal`) and those of the files that belong
to it. Artefacts of before there were digests carry none, and are used as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.seal import BESIDE, BLANK, SEAL, digest, sealed, stated
from spnst_pipeline.storage import digest_cache
from spnst_pipeline.storage.digest_cache import State
from spnst_pipeline.storage.places import WHOLE, Entry
from spnst_pipeline.storage.store import Store

LIST = "files"
"""What the list of digests is called among the files that belong to an artefact of many files."""


class Damaged(InputError):
    """A file of an artefact isn't what was written."""


def put(
    store: Store,
    wanted: Artefact,
    encode: Callable[[dict[str, str]], bytes],
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Put an artefact into the store: its own file last, because its fingerprint says that all files are there.

    Args:
        store: where to.
        wanted: the artefact as it should be.
        encode: makes its own file, which carries the metadata that it is passed.
        beside: the files that belong to it, by what they are.

    Raises:
        InputError: a file can't be written.
    """
    for what, data in beside.items():
        store.write(wanted.beside[what], data)
    digests = {what: sha256(data).hexdigest() for what, data in beside.items()}
    stamp = {**wanted.stamp, **({BESIDE: json.dumps(digests)} if digests else {}), SEAL: BLANK}
    store.write(wanted.path, sealed(encode(stamp)))


def take(store: Store, artefact: ArtefactId, what: str = "") -> bytes:
    """An artefact's own file, or one that belongs to it, checked.

    A file that is damaged counts as missing from now on, so that the next run makes the artefact again.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: it isn't what was written.
    """
    path = artefact.beside[what] if what else artefact.path
    data = store.read(path)
    right = rightful(artefact, _carried(store, artefact)).get(path) if what else stated(data)
    if right and digest(data) != right:
        remember(store, {path: digest(data)})
        raise Damaged(f"{store.locate(path)} was damaged or replaced: run again, and {artefact} is made anew")
    return data


def remember(store: Store, found: Mapping[str, str]) -> None:
    """Note the digests that files have now, by path, so that damage counts although size and time are unchanged."""
    entries = {path: store.entry(path) for path in found}
    digest_cache.keep_all({_state(store, entry): found[path] for path, entry in entries.items() if entry})


def rightful(artefact: ArtefactId, carried: Mapping[str, str]) -> dict[str, str]:
    """The digests that the files of an artefact should have, by path, from what its own file carries.

    Of a file that is damaged where it tells them, its own alone, which it doesn't have any more.
    """
    own = stated(carried.get(SEAL, "").encode())
    found = {artefact.path: own} if own else {}
    try:
        beside = {artefact.beside[what]: str(right) for what, right in json.loads(carried.get(BESIDE, "{}")).items()}
    except (ValueError, KeyError, AttributeError):
        return found
    return found | beside


def listed(store: Store, artefact: ArtefactId) -> dict[str, str]:
    """The digests that an artefact of many files should have, by path, if it has a list of them.

    The list is in the format of the command ``sha256sum``, with paths relative to the artefact's own file.
    """
    path = artefact.beside.get(LIST)
    if not path or not store.exists(path):
        return {}
    lines = (line.partition("  ") for line in store.read(path).decode("utf-8", "replace").splitlines())
    return {f"{artefact.folder}/{name}": right for right, _, name in lines}


def written_list(files: Mapping[str, str]) -> bytes:
    """The list that `listed` reads, of digests by path relative to the artefact's own file."""
    return "".join(f"{right}  {name}\n" for name, right in sorted(files.items())).encode()


def digests(store: Store, entries: Iterable[Entry]) -> dict[str, str]:
    """The digests of files by path, as far as they can be told without transferring them over a network.

    Each state of a file is read once.
    """
    states = {_state(store, entry): entry for entry in entries}
    found = digest_cache.known_among(states)
    new = {} if store.remote else dict(_computed(store, {s: e for s, e in states.items() if s not in found}))
    digest_cache.keep_all(new)
    return {states[state].name: value for state, value in {**found, **new}.items()}


def _computed(store: Store, states: Mapping[State, Entry]) -> Iterable[tuple[State, str]]:
    for state, entry in states.items():
        try:
            yield state, digest(store.read(entry.name))
        except FileNotFoundError:  # another process has just removed it
            continue


def _carried(store: Store, artefact: ArtefactId) -> Mapping[str, str]:
    path = artefact.path
    return metadata(path, store.read(path, WHOLE if path.endswith(".parquet") else HEAD))


def _state(store: Store, entry: Entry) -> State:
    return f"artefact {store.locate(entry.name)}", entry.size, entry.modified
