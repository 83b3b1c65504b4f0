"""Locations: from a path or an address to the place it names."""

from pathlib import Path

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import Folder, Place, is_remote
from spnst_pipeline.storage.prefixes import Prefix


def open_place(location: str) -> Place:
    """The place that a location names; neither disk nor network is accessed yet.

    Args:
        location: a folder's path, ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``az://container/prefix``.

    Raises:
        InputError: the address is of another kind, or the library that its service needs isn't installed.
    """
    if not is_remote(location):
        return Folder(Path(location).expanduser())
    try:
        return _kind(location)(location)
    except ModuleNotFoundError as error:
        raise InputError(f"{location} can't be used without {error.name}: pip install {error.name}") from error


def _kind(location: str) -> type[Prefix]:
    """The class of an address's place. What a service needs is an extra, and is imported only where it is used."""
    match location.partition("://")[0]:
        case "s3":
            from spnst_pipeline.storage.s3 import S3Prefix

            return S3Prefix
        case "gs":
            from spnst_pipeline.storage.gcs_azure import GcsPrefix

            return GcsPrefix
        case "az":
            from spnst_pipeline.storage.gcs_azure import AzurePrefix

            return AzurePrefix
    forms = "a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
    raise InputError(f"{location} can't be used: give {forms}")
