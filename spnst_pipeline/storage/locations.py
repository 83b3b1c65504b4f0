"""Locations: from a path or an address to the place it names."""

from pathlib import Path

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import Folder, Place, is_remote


def open_place(location: str) -> Place:
    """The place that a location names; neither disk nor network is accessed yet.

    Args:
        location: a folder's path, or ``s3://bucket/prefix``.

    Raises:
        InputError: the address is of another kind, or boto3 isn't installed.
    """
    if not is_remote(location):
        return Folder(Path(location).expanduser())
    if not location.startswith("s3://"):
        raise InputError(f"{location} can't be used: give a folder or s3://bucket/prefix")
    try:
        from spnst_pipeline.storage.s3 import Prefix  # boto3 is an extra
    except ModuleNotFoundError as error:
        raise InputError(f"{location} can't be used without {error.name}: pip install {error.name}") from error
    return Prefix(location)
