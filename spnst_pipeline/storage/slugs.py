"""Slugs: the keys of pictures, in partitions and in file names."""

import re
import unicodedata
from hashlib import sha256
from pathlib import PurePosixPath

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LONGEST = 100
_HASHED = re.compile(r".*--[0-9a-f]{8}")


def slug(name: str) -> str:
    """The partition key for a file name without its suffix: lower-case ASCII letters, digits and ``. _ -``.

    A name that is such a key already is its own key. Of any other, what fits is kept: accents and capitals are folded,
    other characters become ``-``, runs of dots a single dot, because ``...`` denotes a range in Dagster. Eight digits
    of the name's hash follow ``--``, so that no two names share a key, whatever else lies in the folder.

    >>> slug("wave-2"), slug("Wave 2")
    ('wave-2', 'wave-2--a47608c1')
    """
    words = _words(name)
    return words if words and words == name and not _HASHED.fullmatch(name) else _hashed(words, name)


def slug_of_twin(file_name: str) -> str:
    """The key for a file whose name but for the suffix is another's as well, as ``wave.jpg`` beside ``wave.png``."""
    return _hashed(_words(file_name.removesuffix(PurePosixPath(file_name).suffix)), file_name)


def _words(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", ascii_name))
    return words.lstrip("._-")[:_LONGEST].rstrip(".-")


def _hashed(words: str, name: str) -> str:
    end = f"--{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return (words[: _LONGEST - len(end)].rstrip(".-") or "image") + end
