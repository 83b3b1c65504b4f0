"""Index: what the store's artefacts carry, read in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from spnst_core.imaging.io import png_size
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.rules import EVERY, Artefact
from spnst_pipeline.artefacts.soundness import digests, listed, rightful
from spnst_pipeline.storage.places import WHOLE, Entry
from spnst_pipeline.storage.store import Store

READ_AT_ONCE = 256
"""Files whose heads are held in memory together."""


class Index:
    """One look at a store. What was read once isn't read again, so make a new index to see what has changed since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folders: tuple[str, ...] = ()
        self._files: dict[str, Entry] = {}
        self._digests: dict[str, str] = {}
        self._carried: dict[str, Mapping[str, str]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._holds: dict[Artefact, bool] = {}
        self.damaged: dict[ArtefactId, str] = {}
        """The paths of files that aren't what was written, by the artefact that they belong to, as far as was asked."""

    def look(self, *assets: ArtefactId, contents: Iterable[str] | None = None) -> None:
        """Read at once what all artefacts of some assets carry, for whoever asks for most of them.

        Args:
            assets: which.
            contents: of cells, look at those of these contents alone.
        """
        rows = None if contents is None else [*contents]
        folders = [
            folder
            for asset in assets
            for folder in ([asset.folder] if rows is None else [f"{asset.folder}/{content}" for content in rows])
        ]
        for folder in dict.fromkeys(folders):
            if f"{folder}/" in self._folders:
                continue
            found = {entry.name: entry for entry in self._store.entries(folder)}
            self._files |= found
            self._digests |= digests(self._store, found.values())
            self._folders += (f"{folder}/",)
            carrying = [path for path in found if _is_artefact(path)]
            for start in range(0, len(carrying), READ_AT_ONCE):
                for path, data in self._store.read_many(carrying[start : start + READ_AT_ONCE], HEAD).items():
                    self._take(path, data)

    def carried(self, artefact: ArtefactId) -> Mapping[str, str]:
        """The metadata that an artefact's own file carries; nothing if it isn't there, is damaged or isn't ours."""
        path = artefact.path
        if path not in self._carried:
            size = WHOLE if path.endswith(".parquet") else HEAD
            if self._is_there(path):
                self._take(path, self._store.read(path, size))
            else:
                self._carried[path] = {}
        return self._carried[path]

    def size(self, picture: ArtefactId) -> tuple[int, int]:
        """Width and height in pixels of a decoded picture that the store `holds`."""
        self.carried(picture)
        return self._sizes[picture.path]

    def has(self, artefact: ArtefactId) -> bool:
        """Whether an artefact's own file is there, whatever it carries."""
        return self._is_there(artefact.path)

    def holds(self, artefact: Artefact) -> bool:
        """Whether an artefact is there as it should be.

        All of its files are there and are what was written, as far as can be told without transferring them over a
        network; its own carries the fingerprint; targets hold the sizes and the layers.
        """
        held = self._holds.get(artefact)
        if held is None:
            held = self._holds[artefact] = self._compare(artefact)
        return held

    def alike(self, picture: ArtefactId) -> list[ArtefactId]:
        """Decoded pictures with the fingerprint that this one carries, itself among them; none if it isn't there."""
        return self._pictures.get(self.carried(picture).get("fingerprint", ""), [])

    @cached_property
    def _pictures(self) -> dict[str, list[ArtefactId]]:
        """All decoded pictures by the fingerprint that they carry."""
        assets = (ArtefactId("content_image"), ArtefactId("style_image"))
        self.look(*assets)
        folders = tuple(f"{asset.folder}/" for asset in assets)
        found: dict[str, list[ArtefactId]] = {}
        for path in sorted(path for path in self._files if path.startswith(folders) and _is_artefact(path)):
            picture = ArtefactId.from_path(path)
            if fingerprint := self.carried(picture).get("fingerprint"):
                found.setdefault(fingerprint, []).append(picture)
        return found

    def _take(self, path: str, head: bytes) -> None:
        self._carried[path] = metadata(path, head)
        if path.endswith(".png"):
            self._sizes[path] = png_size(head)

    def _compare(self, artefact: Artefact) -> bool:
        carried = self.carried(artefact.id)
        if not carried and self._is_there(artefact.path):
            self.damaged[artefact.id] = artefact.path
        return (
            carried.get("fingerprint") == artefact.fingerprint
            and set(map(str, artefact.sizes)) <= set(carried.get("sizes", "").split())
            and set(artefact.layers) <= set(carried.get("layers", "").split())
            and (not artefact.every or carried.get(EVERY) == str(artefact.every))
            and all(map(self._is_there, artefact.beside.values()))
            and self._is_sound(artefact.id, carried)
        )

    def _is_sound(self, artefact: ArtefactId, carried: Mapping[str, str]) -> bool:
        """Whether the files of an artefact are what was written."""
        right = rightful(artefact, carried) | listed(self._store, artefact)
        unread = [path for path in right if path not in self._digests and not path.startswith(self._folders)]
        if unread:
            self._digests |= digests(self._store, filter(None, map(self._store.entry, unread)))
        wrong = [path for path, digest in right.items() if self._digests.get(path, digest) != digest]
        if wrong:
            self.damaged[artefact] = wrong[0]
        return not wrong

    def _is_there(self, path: str) -> bool:
        return path in self._files if path.startswith(self._folders) else self._store.exists(path)


def _is_artefact(path: str) -> bool:
    """Whether the file at ``path`` is an artefact's own, not one beside it."""
    try:
        ArtefactId.from_path(path)
    except ValueError:
        return False
    return True
