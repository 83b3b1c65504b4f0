"""Files of pictures, as a source lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.storage.places import Entry, Listing


@dataclass(frozen=True)
class File:
    """A picture's file as it was when its source was listed."""

    name: str
    """Its path or address, as it may be printed."""
    size: int
    modified: str
    """Changes when the bytes may have: the time in nanoseconds, or the ETag."""
    _place: Listing = field(repr=False, compare=False)
    _entry: Entry = field(repr=False, compare=False)

    @property
    def files(self) -> tuple[File, ...]:
        """The files that the picture is made of: this one."""
        return (self,)

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            InputError: it can't be read, or is no longer as it was listed.
        """
        return self._place.read_listed(self._entry)

    def picture(self, data: Sequence[bytes]) -> Image.Image:
        """The picture in the bytes of `files`.

        Raises:
            InputError: as `spnst_core.imaging.io.decode`.
        """
        [own] = data
        return image_io.decode(own, self.name)

    def digest(self) -> str:
        """SHA-256 of its bytes, computed once for each state of the file; raises as `read`."""
        return _digest(self)

    def hashed(self) -> str:
        """As `digest`, but always computed."""
        return self._place.digest(self._entry)


@cache
def _digest(file: File) -> str:
    return file.hashed()
