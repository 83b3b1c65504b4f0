"""Sources of pictures: which file of a folder, archive, table or bucket becomes which partition, what is left out.

A blend of styles is a partition like a picture's. A user's own map of a content's depth, edges or detail is none: it
belongs to the content beside which it lies, ``cat.depth.npy`` to ``cat.jpg``. Nor is the mask of a region of a content
or a style, ``cat.sky.mask.png`` and ``cat.mask.png``, nor the style of a content's region, ``cat.sky.style.png``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from spnst_core.errors import InputError, printable
from spnst_core.imaging import planes
from spnst_core.imaging.decoding import MAX_BYTES, OF_EXTRA, suffixes
from spnst_core.imaging.maps import KINDS, Kind
from spnst_core.imaging.region import KEEP
from spnst_pipeline.storage import blends
from spnst_pipeline.storage.blends import Blend, Part, read_blends
from spnst_pipeline.storage.files import File
from spnst_pipeline.storage.listings import open_listing
from spnst_pipeline.storage.places import Entry, Unreachable, is_hidden
from spnst_pipeline.storage.slugs import slug, slug_of_twin

MASK = "mask"
"""What a mask's name ends in before the suffix, and the name of the region of a mask that names none."""

STYLE = "style"
"""What the name of the style of a content's region ends in before the suffix."""

READERS = 8
"""Pictures read concurrently: over a network most of the time is waiting, but each can be tens of megabytes."""


@dataclass(frozen=True)
class Source:
    """The pictures of a folder, archive, table or prefix by slug, and one line for each file that is left out.

    Attributes:
        unreachable: those of the pictures that couldn't be read when they were looked at, as slug → why.
        maps: of contents, the user's own maps of their depth, edges and detail, by slug and kind.
        masks: of regions, by slug and region; the region of ``cat.mask.png`` is `MASK`.
        region_styles: of contents, the pictures that their regions are painted in, likewise.
    """

    location: str
    pictures: Mapping[str, File | Blend]
    left_out: tuple[str, ...] = field(default=())
    unreachable: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[tuple[str, Kind], File] = field(default_factory=dict)
    masks: Mapping[tuple[str, str], File] = field(default_factory=dict)
    region_styles: Mapping[tuple[str, str], File] = field(default_factory=dict)

    @classmethod
    def open(cls, location: str | None, kind: str, subfolders: bool = False) -> Source:
        """List a folder, the objects under a prefix, an archive or a table. Hidden files are ignored.

        Of files that differ in their suffix alone, the first by name has the key; that of the others is made distinct.

        Args:
            location: as for `open_listing`.
            kind: ``content`` or ``style``, for messages.
            subfolders: whether what lies in folders below, at any depth, counts as well. The folders are then a part of
                a picture's name.

        Raises:
            InputError: there is no such location or no picture in it, or none was given.
        """
        source = cls.scan(location, kind, subfolders)
        if not source.pictures:
            known = " ".join(suffixes())
            below = "" if subfolders else "; those in folders below count with --subfolders"
            raise InputError(
                f"{kind} {source.location} holds no picture: put files in it ending in one of {known}{below}"
            )
        return source

    @classmethod
    def scan(cls, location: str | None, kind: str, subfolders: bool = False) -> Source:
        """As `open`, but without requiring a picture."""
        if not location:
            raise InputError(f"no {kind} folder: give --{kind} DIR, or set {kind} in spnst.yaml")
        place = open_listing(location)
        listed = place.children()
        if subfolders:
            listed = sorted(place.files(""))
        children = [entry for entry in listed if not is_hidden(entry.name)]
        stems = {_stem(PurePosixPath(entry.name)) for entry in children if not _problem(entry)}
        names = {_stem(PurePosixPath(entry.name)) for entry in children}
        pictures, found = dict[str, File](), dict[tuple[str, Kind], File]()
        masks, region_styles = dict[tuple[str, str], File](), dict[tuple[str, str], File]()
        left_out: list[str] = []
        definitions: Entry | None = None
        for entry in children:
            path, name = PurePosixPath(entry.name), printable(place.locate(entry.name))
            file = File(name, entry.size, entry.modified, place, entry)
            if kind == "style" and str(path) == blends.FILE and not entry.problem:
                definitions = entry
            elif kind == "content" and (mapped := _mapped(path, stems)):
                if entry.problem or mapped in found:
                    left_out.append(f"{name} {entry.problem or f'is a second map of {mapped[0]}: keep one of them'}")
                else:
                    found[mapped] = file
            elif masked := _masked(path, stems):
                if entry.problem or masked in masks:
                    second = f'is a second mask of "{masked[1]}" of {masked[0]}: keep one of them'
                    left_out.append(f"{name} {entry.problem or second}")
                else:
                    masks[masked] = file
            elif kind == "content" and (styled := _styled(path, stems, names)):
                if unwanted := _problem(entry) or _unwanted(styled, region_styles):
                    left_out.append(f"{name} {unwanted}")
                else:
                    region_styles[styled] = file
            elif problem := _problem(entry):
                left_out.append(f"{name} {problem}")
            else:
                key = slug(_stem(path))
                pictures[slug_of_twin(str(path)) if key in pictures else key] = file
        mixed, defined_in = dict[str, Blend](), place
        if kind == "style" and not definitions and place.beside:
            definitions, defined_in = place.beside.entry(blends.FILE), place.beside
        if definitions:
            name = printable(defined_in.locate(definitions.name))
            mixed, unusable = read_blends(defined_in.read_listed(definitions), name, pictures)
            left_out += unusable
        every: dict[str, File | Blend] = {**pictures, **mixed}
        return cls(place.location, every, tuple(left_out), maps=found, masks=masks, region_styles=region_styles)

    def without(self, unusable: Mapping[str, str]) -> Source:
        """The source without the given pictures, a mapping from slug to reason."""
        kept = {key: file for key, file in self.pictures.items() if key not in unusable}
        return replace(self, pictures=kept, left_out=(*self.left_out, *unusable.values()))

    def without_stray_styles(self, bands: Collection[str]) -> Source:
        """The source without the styles of regions that neither a mask nor one of the recipes' bands makes."""
        stray = {
            owner: file
            for owner, file in self.region_styles.items()
            if owner not in self.masks and owner[1] not in bands
        }
        told = [
            f'{file.name} is the style of a region "{region}", which {content} doesn\'t have: rename it, or add a mask'
            for (content, region), file in stray.items()
        ]
        kept = {owner: file for owner, file in self.region_styles.items() if owner not in stray}
        return replace(self, region_styles=kept, left_out=(*self.left_out, *told))

    def unread(self, unreachable: Mapping[str, str]) -> Source:
        """The source in which the given pictures, a mapping from slug to reason, count as unreachable from now on."""
        return replace(self, unreachable={**self.unreachable, **unreachable})

    def only(self, keys: Collection[str]) -> Source:
        """The source with these pictures alone, and what belongs to them."""
        return replace(
            self,
            pictures={key: self.pictures[key] for key in keys if key in self.pictures},
            left_out=(),
            unreachable={key: self.unreachable[key] for key in keys if key in self.unreachable},
            maps={owner: file for owner, file in self.maps.items() if owner[0] in keys},
            masks={owner: file for owner, file in self.masks.items() if owner[0] in keys},
            region_styles={owner: file for owner, file in self.region_styles.items() if owner[0] in keys},
        )

    def picture(self, key: str) -> File | Blend:
        """The file behind a partition, or the blend.

        Raises:
            InputError: the source no longer has such a picture.
        """
        if key not in self.pictures:
            raise InputError(f"{self.location} holds no picture for {key!r}: put it back or delete the partition")
        return self.pictures[key]

    def parts(self, key: str) -> tuple[Part, ...]:
        """The styles that the partition of a blend is made of; none for that of a picture."""
        found = self.pictures.get(key)
        return found.parts if isinstance(found, Blend) else ()

    def masks_of(self, key: str) -> dict[str, File]:
        """The masks of a picture's regions, by the regions' names, in their order."""
        return {region: file for (owner, region), file in sorted(self.masks.items()) if owner == key}

    def styles_of(self, key: str) -> dict[str, File]:
        """The styles of a content's regions that have their own, likewise."""
        return {region: file for (owner, region), file in sorted(self.region_styles.items()) if owner == key}

    def blend_of(self, key: str) -> str:
        """The same in words, such as ``0.7 dawn + 0.3 wave``, or ``1 dawn, then 0.3 dawn + 0.7 wave`` by stages."""
        found = self.pictures.get(key)
        stages = found.stages if isinstance(found, Blend) else []
        return ", then ".join(" + ".join(f"{share:.2g} {style}" for style, share in each.items()) for each in stages)

    def digest(self, key: str) -> str:
        """SHA-256 of what is behind a partition; a file is read at most once.

        Raises:
            Unreachable: it can't be read for now, or couldn't when it was looked at.
            InputError: there is none, or it is no longer as it was listed.
        """
        for needed in (key, *(part.key for part in self.parts(key))):
            if needed in self.unreachable:
                raise Unreachable(self.unreachable[needed])
        return self.picture(key).digest()

    def hash(self, keys: Collection[str]) -> None:
        """Compute digests ahead of `digest`, several at a time; `digest` raises if one can't be read."""
        with ThreadPoolExecutor(READERS) as threads:
            wait([threads.submit(self.picture(key).digest) for key in keys])


def _mapped(path: PurePosixPath, stems: Collection[str]) -> tuple[str, Kind] | None:
    """The content and the kind of the map that a file is; None if it is none, or that of no picture with these names.

    A file that would be a picture itself is one if there is no content that it could belong to.
    """
    stem, _, kind = _stem(path).rpartition(".")
    if kind not in KINDS or path.suffix.lower() not in planes.SUFFIXES or stem not in stems:
        return None
    return slug(stem), kind


def _masked(path: PurePosixPath, stems: Collection[str]) -> tuple[str, str] | None:
    """The picture and the region of the mask that a file is; None if it is none, or that of no picture.

    As of maps, a file that would be a picture itself is one if there is none that it could belong to.
    """
    stem, _, kind = _stem(path).rpartition(".")
    if kind != MASK or path.suffix.lower() not in planes.SUFFIXES:
        return None
    if stem in stems:
        return slug(stem), MASK
    owner, _, region = stem.rpartition(".")
    return (slug(owner), region) if region and owner in stems else None


def _styled(path: PurePosixPath, stems: Collection[str], names: Collection[str]) -> tuple[str, str] | None:
    """The content and the region whose style a file is; None if it is none, or that of no content.

    ``cat.style.jpg`` is the style of the region `MASK` only beside ``cat.mask.png``: else it is a picture like others.

    Args:
        names: of all files, as `_stem` gives them.
    """
    stem, _, kind = _stem(path).rpartition(".")
    if kind != STYLE or path.suffix.lower() not in suffixes():
        return None
    if stem in stems and f"{stem}.{MASK}" in names:
        return slug(stem), MASK
    owner, _, region = stem.rpartition(".")
    return (slug(owner), region) if region and owner in stems else None


def _unwanted(styled: tuple[str, str], found: Collection[tuple[str, str]]) -> str:
    """Why a content's region takes no style, or none beside those that were found."""
    content, region = styled
    if region == KEEP:
        return f"is the style of a region that stays as it is: name the region otherwise than {KEEP}"
    return f'is a second style of "{region}" of {content}: keep one of them' if styled in found else ""


def _stem(path: PurePosixPath) -> str:
    """A file's name, with its folders if it lies in some, but without its suffix."""
    return str(path.with_name(path.stem))


def _problem(entry: Entry) -> str:
    """Why a file can't be a picture, as far as the listing tells."""
    if entry.problem:
        return entry.problem
    if not _encodable(entry.name):
        return "has a name that isn't UTF-8: rename it"
    suffix = PurePosixPath(entry.name).suffix.lower()
    if suffix in OF_EXTRA and suffix not in suffixes():
        return "needs a decoder that isn't installed: pip install 'spnst[formats]'"
    if suffix not in suffixes():
        return f"has no suffix of a picture ({' '.join(suffixes())})"
    if entry.size > MAX_BYTES:
        return f"has {entry.size / 10**9:.1f} GB, and a picture at most {MAX_BYTES // 10**9}: make it smaller"
    return ""


def _encodable(name: str) -> bool:
    """Whether a name can be written in UTF-8; bytes of a file name that aren't stand in it as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
