"""Listings of pictures: from a path or an address to what holds them."""

from pathlib import Path

from spnst_pipeline.storage import archives
from spnst_pipeline.storage.archives import Archive
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import Listing, is_remote


def open_listing(location: str) -> Listing:
    """What a location of pictures names; the network isn't accessed yet.

    Args:
        location: the path of a folder, of a ``.zip`` or ``.tar`` archive, or of a ``.csv`` or ``.parquet`` table of
            paths and addresses; or a prefix's address (`open_place`).

    Raises:
        InputError: the address is of another kind, an archive is compressed as a whole, or a library isn't installed.
    """
    if is_remote(location):
        return open_place(location)
    path = Path(location).expanduser()
    suffix = path.suffix.lower()
    if path.is_dir():  # whatever its name
        return open_place(location)
    archives.require_readable(path)
    if suffix in archives.SUFFIXES:
        return Archive(path)
    if suffix in (".csv", ".parquet"):
        from spnst_pipeline.storage.picture_tables import PictureTable  # pandas takes a while to import

        return PictureTable(path)
    return open_place(location)
