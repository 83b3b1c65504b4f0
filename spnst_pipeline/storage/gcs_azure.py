"""Prefixes of buckets of Google Cloud Storage, and of containers of Azure, as places for files; both by obstore.

Credentials and endpoints are those that obstore finds in the environment: ``GOOGLE_APPLICATION_CREDENTIALS``, what
``gcloud auth application-default login`` has left, or the machine's own service account; ``AZURE_STORAGE_ACCOUNT_NAME``
with ``AZURE_STORAGE_ACCOUNT_KEY``, ``AZURE_STORAGE_SAS_TOKEN``, ``AZURE_CLIENT_ID`` and its kin, or the machine's own
identity. obstore repeats a request that fails transiently twice; a service in trouble is then asked again for up to
``SPNST_PATIENCE`` seconds (300 by default), which is logged.

What a killed process had uploaded of a large object is never visible to readers. Azure drops it after a week; in GCS a
lifecycle rule of the bucket (``AbortIncompleteMultipartUpload``) removes it.
"""

from __future__ import annotations

import mimetypes
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import AzureStore, GCSStore

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import WHOLE, Entry, Unreachable
from spnst_pipeline.storage.prefixes import PART, InTrouble, Prefix, Taken

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import ClientConfig, RetryConfig

READ_TIMEOUT = timedelta(seconds=60)
"""Time without a byte of an answer after which it is asked for again; that in which a part is uploaded counts."""

UPLOADS = 4
"""Parts of an object uploaded at once: all of them fit into `READ_TIMEOUT` at 5 Mbit/s."""

RETRIES = 2
"""How often obstore repeats a request at once that fails transiently."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
_METADATA = "169.254.169.254"
"""Where a machine in the cloud learns who it is; obstore asks there when the environment tells of no credentials."""

_NOT_UNDERSTOOD = ("Header missing", "invalid list response", "without LOCATION", "metadata from headers")
"""Words of obstore for an answer that the service wouldn't give."""


class ObstorePrefix(Prefix):
    """The objects of a bucket or container whose keys start with ``prefix/``, by obstore."""

    service: ClassVar[str]
    """What the service is called, for messages."""

    permissions: ClassVar[str]
    """What a user needs who is refused."""

    endpoint: ClassVar[str]
    """The environment variable that leads elsewhere than to the service's own address."""

    def __init__(self, location: str) -> None:
        """The place at an address; no request is made yet.

        Raises:
            InputError: the location isn't such an address, or the environment's settings can't be used.
        """
        super().__init__(location)
        with self._told(self.location):
            self._store = self._opened(self._bucket)

    @staticmethod
    @abstractmethod
    def _opened(bucket: str) -> GCSStore | AzureStore:
        """The process's client of a bucket, which is safe to use from several threads."""

    def children(self) -> list[Entry]:
        """The objects directly under the prefix, sorted by name."""
        found = self._ask(self.location, lambda: obstore.list_with_delimiter(self._store, self._root or None))
        return sorted(self._entries(found["objects"], self._root))

    def files(self, under: str) -> Iterator[Entry]:
        """All objects below ``under``."""
        prefix = f"{self._root}{under}/" if under else self._root
        found = self._ask(self.location, lambda: obstore.list(self._store, prefix or None).collect())
        return self._entries(found, prefix)

    def _entries(self, found: Sequence[ObjectMeta], prefix: str) -> Iterator[Entry]:
        """Entries without the empty objects by which some programs mark folders; obstore takes the slash off keys."""
        folders = {prefix.rstrip("/"), *(o["path"].rpartition("/")[0] for o in found)}
        return (self._entry(o) for o in found if o["size"] or o["path"] not in folders)

    def entry(self, name: str) -> Entry | None:
        """The object as it would appear in a listing; None if there is no such object."""
        try:
            return self._entry(self._ask(self.locate(name), lambda: obstore.head(self._store, self._root + name)))
        except FileNotFoundError:
            return None

    def read(self, name: str, size: int = WHOLE) -> bytes:
        """The object's bytes, or its first ``size`` bytes, of which no more are asked for."""
        try:
            return self._get(name, {} if size == WHOLE else {"range": (0, size)})
        except _NothingInRange:
            return b""

    def _read_if_unchanged(self, entry: Entry) -> bytes:
        return self._get(entry.name, {"if_match": f'"{entry.modified}"'})

    def _get(self, name: str, options: GetOptions) -> bytes:
        path = self._root + name
        return self._ask(self.locate(name), lambda: bytes(obstore.get(self._store, path, options=options).bytes()))

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` under ``name``, in parts if it is large."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"  # browsers need it to show the gallery
        self._ask(
            self.locate(name),
            lambda: obstore.put(
                self._store,
                self._root + name,
                data,
                attributes={"Content-Type": kind},
                chunk_size=PART,
                max_concurrency=UPLOADS,
            ),
        )

    def copy(self, source: str, target: str) -> None:
        """Put the bytes of one object under another name, inside the service."""
        there, to = self._root + source, self._root + target
        self._ask(self.locate(source), lambda: obstore.copy(self._store, there, to))

    def remove(self, name: str) -> None:
        """Remove an object; nothing happens if it isn't there."""
        with suppress(FileNotFoundError):
            self._ask(self.locate(name), lambda: obstore.delete(self._store, self._root + name))

    def _put_new(self, name: str) -> None:
        self._ask(self.location, lambda: obstore.put(self._store, self._root + name, b"", mode="create"))

    def _entry(self, listed: ObjectMeta) -> Entry:
        etag = listed["e_tag"] or ""  # Azure quotes it in some answers, and in others not
        return Entry(listed["path"].removeprefix(self._root), listed["size"], etag.strip('"'))

    @contextmanager
    def _told(self, address: str) -> Iterator[None]:
        """Turn obstore's errors into `FileNotFoundError`, `Taken`, or an `InputError` of one line.

        Its classes tell too little: of a listing that is refused, say, it raises a general error. Its words aren't kept
        as the cause, because they hold whole addresses, and a signature of Azure (SAS) is a part of one.
        """
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise Taken(address) from None
        except (BaseError, FileNotFoundError) as error:
            raise self._meaning(address, error) from None

    def _meaning(self, address: str, error: Exception) -> Exception:
        """What an error of obstore is to be told as."""
        text = str(error).partition("\n\nDebug source:")[0]
        status = int(found[1]) if (found := _STATUS.search(text)) else 0
        code = found[1] if (found := _CODE.search(text)) else ""
        if _METADATA in text or "Account must be specified" in text:
            return InputError(f"{address}: no credentials for {self.service}: set {self.login}")
        if "token request" in text and 400 <= status < 500:
            return InputError(f"{address}: {self.service} refuses these credentials ({status}): renew them")
        if code in _NO_BUCKET:
            kind = self.form.partition("://")[2].partition("/")[0]
            return InputError(f"{address}: there is no such {kind}: check its name, or create it")
        if isinstance(error, FileNotFoundError) and (code or not _body(text)):
            return FileNotFoundError(f"{address} does not exist")
        if status == 416:
            return _NothingInRange(address)
        if status in (401, 403):
            return Unreachable(f"{address}: access denied ({code or status}): {self.permissions}")
        if status in (408, 429) or status >= 500:
            return InTrouble(f"{address}: {self.service} answered {code or status}")
        if (status and not code and _body(text)) or any(words in text for words in _NOT_UNDERSTOOD):
            what = f"what answers there isn't {self.service}, but a web page, say"
            return InputError(f"{address}: {what}: check {self.endpoint} and proxies")
        if status:
            said = found[1] if (found := _MESSAGE.search(text)) else "no reason given"
            return InputError(f"{address}: {self.service} answered {code or status}: {_line(said)}")
        if "HTTP error" in text:
            hint = f"check the network and {self.endpoint}"
            return InTrouble(f"{address}: no answer from {self.service} ({_line(text)}): {hint}")
        return InputError(f"{address}: {_line(text)}")


class GcsPrefix(ObstorePrefix):
    """The objects of a bucket of Google Cloud Storage whose keys start with ``prefix/``."""

    form = "gs://bucket/prefix"
    login = (
        "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or run gcloud auth application-default login"
    )
    service = "Google Cloud Storage"
    permissions = "ask for the role Storage Object User (roles/storage.objectUser) on the bucket"
    endpoint = "GOOGLE_BASE_URL"

    @staticmethod
    @cache
    def _opened(bucket: str) -> GCSStore:
        return GCSStore(bucket, client_options=_client(), retry_config=_retries())


class AzurePrefix(ObstorePrefix):
    """The blobs of a container of Azure whose names start with ``prefix/``."""

    form = "az://container/prefix"
    login = "AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN"
    service = "Azure"
    permissions = "ask for the role Storage Blob Data Contributor on the container, or for another key"
    endpoint = "AZURE_STORAGE_ENDPOINT"

    @staticmethod
    @cache
    def _opened(bucket: str) -> AzureStore:
        return AzureStore(bucket, client_options=_client(), retry_config=_retries())


class _NothingInRange(Exception):
    """The first bytes of an empty object were requested."""


def _client() -> ClientConfig:
    """Plain HTTP is used if the endpoint says so. It is reading that is limited in time, and hardly a whole request."""
    return {"allow_http": True, "read_timeout": READ_TIMEOUT, "timeout": timedelta(hours=1)}


def _retries() -> RetryConfig:
    return {"max_retries": RETRIES, "retry_timeout": timedelta(minutes=1)}


def _body(text: str) -> str:
    """The body of an answer that obstore quotes, if it had one."""
    return text.partition("status code: ")[2].partition(":")[2].strip()


def _line(text: str) -> str:
    """A text in one line, in which addresses have no query."""
    return " ".join(re.sub(r"\?\S+", "", text).split())
