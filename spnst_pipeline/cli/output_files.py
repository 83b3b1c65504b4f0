"""Files that commands write outside of any store, checked before anything is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import Folder


def require_writable(
    files: Mapping[str, tuple[Path | None, tuple[str, ...]]], sources: Sequence[Path], overwrite: bool
) -> None:
    """Check that files can be written, before anything is loaded.

    Args:
        files: by what they are, with the suffixes that they may have; those that are None aren't asked for.
        sources: files that must never be replaced.
        overwrite: whether others that exist may be.

    Raises:
        InputError: a suffix that isn't known, a folder that isn't there or can't be written to, one of the sources,
            or, without ``overwrite``, a file that exists.
    """
    for name, (file, suffixes) in files.items():
        try:
            if file:
                _require_writable(file, name, suffixes, sources, overwrite)
        except OSError as error:  # a name that is too long, a folder that can't be searched
            raise InputError(f"{name} {file} can't be written: {error.strerror}; choose another name") from error


def _require_writable(
    file: Path, name: str, suffixes: tuple[str, ...], sources: Sequence[Path], overwrite: bool
) -> None:
    if file.suffix.lower() not in suffixes:
        raise InputError(f"{name} {file}: its name must end in {' or '.join(suffixes)}")
    if not file.parent.is_dir():
        raise InputError(f"{name} {file}: there is no folder {file.parent}; make it, or choose another")
    Folder(file.parent).require_writable()
    if file.is_dir():
        raise InputError(f"{name} {file} is a folder: name a file")
    if not file.exists():
        return
    if any(os.path.samefile(file, source) for source in sources):
        raise InputError(f"{name} {file} is one of the files to read, which are never replaced: choose another name")
    if not overwrite:
        raise InputError(f"{name} {file} exists: choose another name, or give --overwrite to replace it")
