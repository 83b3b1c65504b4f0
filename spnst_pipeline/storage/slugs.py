"""Slugs: the keys of pictures, in partitions and in file names."""

import re
import unicodedata
from hashlib import sha256

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LONGEST = 100


def slug(name: str) -> str:
    """The partition key for a file name without its suffix: lower-case ASCII letters, digits and ``. _ -``.

    Accents are dropped, and any other character becomes ``-``. A name of which nothing would remain (in Chinese, say)
    gets a key made from its hash. Runs of dots become a single dot, because ``...`` denotes a range in Dagster.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", ascii_name))
    return words.lstrip("._-")[:_LONGEST].rstrip(".-") or f"image-{sha256(name.encode()).hexdigest()[:8]}"
