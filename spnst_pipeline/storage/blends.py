"""Blends: styles that are mixtures of others, defined in a file beside the styles' pictures, or beside their table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import fmean
from typing import Any, NamedTuple

from PIL import Image

from spnst_core.errors import InputError, closest, cut, quoted
from spnst_core.imaging.blend import stage_shares, tile
from spnst_core.yaml_files import parse_yaml
from spnst_pipeline.storage.files import File
from spnst_pipeline.storage.slugs import slug

FILE = "blends.yaml"
"""The name of the file: a mapping from the key of each blend to the weights of its styles."""

STAGES = "stages"
"""The only key of a blend whose weights change from stage to stage: a list of such weights."""


class Part(NamedTuple):
    """A style in a blend.

    Attributes:
        key, file: its own.
        shares: in the blend, one for each stage of a recipe or one for all; those of all parts sum to 1.
    """

    key: str
    file: File
    shares: tuple[float, ...]

    @property
    def told(self) -> float | tuple[float, ...]:
        """The shares as they count in a blend's digest: where one holds for all stages, it alone."""
        return self.shares if len(self.shares) > 1 else self.shares[0]


@dataclass(frozen=True)
class Blend:
    """A style that is a mixture of others, in place of a picture's `File`.

    Attributes:
        name: where it is defined, as it may be printed.
        parts: at least two.
    """

    name: str
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[File, ...]:
        """The files that it is made of."""
        return tuple(part.file for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    @property
    def modified(self) -> str:
        """Changes when its files or its definition may have."""
        return json.dumps([(part.key, part.told, part.file.modified) for part in self.parts])

    @property
    def stages(self) -> list[dict[str, float]]:
        """The shares of the styles that have any, by key, in each stage or once in all."""
        every = zip(*(part.shares for part in self.parts), strict=True)
        return [{part.key: own for part, own in zip(self.parts, shares, strict=True) if own} for shares in every]

    def picture(self, data: Sequence[bytes]) -> Image.Image:
        """The picture that stands for it, from the bytes of `files`; see `spnst_core.imaging.blend.tile`.

        Each style has the mean of its shares in it.

        Raises:
            InputError: as `spnst_core.imaging.io.decode`.
        """
        images = [file.picture([own]) for file, own in zip(self.files, data, strict=True)]
        return tile(images, [fmean(part.shares) for part in self.parts])

    def digest(self) -> str:
        """SHA-256 of its definition and of the digests of its files; raises as `File.digest`."""
        made_of = [(part.key, part.told, part.file.digest()) for part in self.parts]
        return sha256(json.dumps(["blend", *made_of]).encode()).hexdigest()


def read_blends(data: bytes, name: str, pictures: Mapping[str, File]) -> tuple[dict[str, Blend], list[str]]:
    """The blends that a file defines, by key, and a line for each that can't be used.

    Args:
        data: the file's bytes.
        name: its path or address, for messages.
        pictures: the styles that there are, by key.
    """
    try:
        defined = parse_yaml(data.decode(), f"blends {name}")
    except UnicodeDecodeError:
        return {}, [f"blends {name}: it isn't text in UTF-8: save it in that encoding"]
    except InputError as error:
        return {}, [str(error)]
    found, left_out = dict[str, Blend](), list[str]()
    for key, weights in defined.items():
        try:
            found[key] = Blend(f"{name}: {key}", _parts(key, weights, pictures))
        except InputError as error:
            left_out.append(f'blends {name}: the blend "{cut(key)}" can\'t be used: {error}')
    return found, left_out


def _parts(key: str, weights: Any, pictures: Mapping[str, File]) -> tuple[Part, ...]:
    if slug(key) != key:
        raise InputError("a name of lower-case letters, digits and . _ - is needed, such as sunset or sunset-2")
    if key in pictures:
        raise InputError("a style has that name already: choose another")
    if isinstance(weights, dict) and isinstance(weights.get(STAGES), list):
        if others := [*weights.keys() - {STAGES}]:
            raise InputError(
                f'"{cut(str(others[0]))}" is beside its {STAGES}: put it into the stages that are to have it'
            )
        stages = [_weights(stage, pictures) for stage in weights[STAGES]]
    else:
        stages = [_weights(weights, pictures)]
    keys = list(dict.fromkeys(key for stage in stages for key in stage))
    by_stage = stage_shares([[stage.get(key, 0) for key in keys] for stage in stages])
    return tuple(
        Part(key, pictures[key], own) for key, own in zip(keys, zip(*by_stage, strict=True), strict=True) if any(own)
    )


def _weights(written: Any, pictures: Collection[str]) -> dict[str, Any]:
    """The weights of styles as they are written, by the styles' keys."""
    if not isinstance(written, dict):
        raise InputError(
            f"it must be a mapping of styles to weights, such as {{dawn: 0.7, wave: 0.3}}, not {quoted(written)}"
        )
    keys = [_known(str(style), pictures) for style in written]
    if len(set(keys)) < len(keys):
        raise InputError("one style is given twice, by its key and by its file's name: keep one of them")
    return dict(zip(keys, written.values(), strict=True))


def _known(style: str, pictures: Collection[str]) -> str:
    """The key of a style that is named by it, or by its file's name without the suffix."""
    for key in (style, slug(style)):
        if key in pictures:
            return key
    raise InputError(f'there is no style "{cut(style)}"{closest(style, pictures)}: name pictures among the styles')
