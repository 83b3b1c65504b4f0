"""A prefix of an S3 bucket as a place for files.

Credentials, region and endpoint are those that boto3 finds: ``AWS_PROFILE``, ``AWS_ACCESS_KEY_ID``,
``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL``, ... boto3 repeats a request that fails transiently at once
(``AWS_MAX_ATTEMPTS``, three attempts by default). A service in trouble is then asked again for up to
``SPNST_PATIENCE`` seconds (300 by default), which is logged. Nothing is asked that only Amazon's S3 knows: uploads
aren't ``aws-chunked``, and a service without conditional writes is written to without them.

The incomplete upload of a killed process is never visible to readers, but is kept and billed until a lifecycle rule of
the bucket (``AbortIncompleteMultipartUpload``) removes it.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from spnst_core.errors import InputError
from spnst_pipeline.storage.places import WHOLE, Entry, Unreachable
from spnst_pipeline.storage.prefixes import PART, REQUESTS, InTrouble, Prefix, Taken

READ_TIMEOUT = 15.0
"""Seconds without a byte of an answer after which it is asked for again."""

PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)

_NO_LOGIN = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    ProfileNotFound,
    SSOError,
)
_BAD_LOGIN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
_BAD_REGION = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_TAKEN = {"PreconditionFailed", "412", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "404"}
_BUSY = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestLimitExceeded", "429"}
_UNKNOWN = {"NotImplemented", "501", "InvalidArgument", "InvalidRequest"}
"""What services answer that don't know conditional writes."""

_unconditional: set[str] = set()
"""Buckets whose service doesn't know conditional writes, as far as this process has found out."""


class S3Prefix(Prefix):
    """The objects of an S3 bucket whose keys start with ``prefix/``; no others are read, listed or written."""

    form = "s3://bucket/prefix"
    login = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

    def __init__(self, location: str) -> None:
        """The place at ``s3://bucket/prefix``; no request is made yet.

        Raises:
            InputError: the location isn't such an address, or boto3's own settings can't be used.
        """
        super().__init__(location)
        with self._told(self.location):
            try:
                self._client = client()
            except InputError:
                raise
            except ValueError as error:
                raise InputError(f"{location}: {_line(error)}: check AWS_ENDPOINT_URL") from error

    def children(self) -> list[Entry]:
        """The objects directly under the prefix, sorted by name."""
        found = (_entry(o["Key"].removeprefix(self._root), o) for o in self._objects(self._root, Delimiter="/"))
        return sorted(entry for entry in found if entry.name)  # the prefix itself can be an empty object

    def files(self, under: str) -> Iterator[Entry]:
        """All objects below ``under``; keys that end in a slash, by which some programs mark folders, are none."""
        found = self._objects(f"{self._root}{under}/" if under else self._root)
        return (_entry(o["Key"].removeprefix(self._root), o) for o in found if not o["Key"].endswith("/"))

    def _objects(self, prefix: str, **how: str) -> list[dict[str, Any]]:
        def pages() -> list[dict[str, Any]]:
            paginator = self._client.get_paginator("list_objects_v2")
            found = list(paginator.paginate(Bucket=self._bucket, Prefix=prefix, **how))
            if not all("Name" in page for page in found):
                raise _NotS3
            return found

        try:
            return [o for page in self._ask(self.location, pages) for o in page.get("Contents", ())]
        except FileNotFoundError as error:  # S3 would say that there is no such bucket
            raise InputError(f"{self.location}: {_NOT_S3}") from error

    def entry(self, name: str) -> Entry | None:
        """The object as it would appear in a listing; None if there is no such object."""
        try:
            found = self._ask(self.locate(name), lambda: self._client.head_object(**self._object(name)))
        except FileNotFoundError:
            return None
        return _entry(name, {"Size": found["ContentLength"], "ETag": found["ETag"]})

    def read(self, name: str, size: int = WHOLE) -> bytes:
        """The object's bytes, or its first ``size`` bytes, of which no more are asked for."""
        try:
            return self._get(name, **({} if size == WHOLE else {"Range": f"bytes=0-{size - 1}"}))
        except _NothingInRange:
            return b""

    def _read_if_unchanged(self, entry: Entry) -> bytes:
        return self._get(entry.name, IfMatch=f'"{entry.modified}"')

    def _get(self, name: str, **how: str) -> bytes:
        """Read an object; a response that breaks off is asked for again."""

        def body() -> bytes:
            answer = self._client.get_object(**self._object(name), **how)
            if "ETag" not in answer:
                raise _NotS3
            return answer["Body"].read()

        return self._ask(self.locate(name), body)

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` under ``name``, in parts if it is large."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"  # browsers need it to show the gallery

        def put() -> None:
            extra = {"ContentType": kind}
            self._client.upload_fileobj(BytesIO(data), self._bucket, self._root + name, ExtraArgs=extra, Config=PARTS)

        self._ask(self.locate(name), put)

    def copy(self, source: str, target: str) -> None:
        """Put the bytes of one object under another name, inside S3."""
        there, to = self._object(source), self._object(target)
        self._ask(self.locate(source), lambda: self._client.copy_object(**to, CopySource=there))

    def remove(self, name: str) -> None:
        """Remove an object; nothing happens if it isn't there."""
        self._ask(self.locate(name), lambda: self._client.delete_object(**self._object(name)))

    def _put_new(self, name: str) -> None:
        def put(**condition: str) -> None:
            answer = self._client.put_object(**self._object(name), Body=b"", **condition)
            if "ETag" not in answer:
                raise _NotS3

        if self._bucket not in _unconditional:
            try:
                return self._ask(self.location, lambda: put(IfNoneMatch="*"))
            except _Unknown:
                _unconditional.add(self._bucket)
        return self._ask(self.location, put)

    @contextmanager
    def _told(self, address: str) -> Iterator[None]:
        """Turn boto3's errors into `FileNotFoundError` or into an `InputError` of one line."""
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING:
                raise FileNotFoundError(f"{address} does not exist") from error
            if code in _TAKEN:
                raise Taken(address) from error
            if code == "InvalidRange":
                raise _NothingInRange(address) from error
            told = f"{address}: {_answered(code, error)}"
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
            if code in _UNKNOWN or status == 501:
                raise _Unknown(told) from error
            if code in _BUSY or status >= 500:
                raise InTrouble(told) from error
            if status == 403:
                raise Unreachable(told) from error
            raise InputError(told) from error
        except _NO_LOGIN as error:
            hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            raise InputError(f"{address}: no credentials for S3 ({_line(error)}): {hint}") from error
        except SSLError as error:
            raise InputError(f"{address}: {_line(error)}: check AWS_ENDPOINT_URL and AWS_CA_BUNDLE") from error
        except (ConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError) as error:
            hint = "check the network and AWS_ENDPOINT_URL"
            raise InTrouble(f"{address}: no answer from S3 ({_line(error)}): {hint}") from error
        except (ResponseParserError, _NotS3) as error:
            raise InputError(f"{address}: {_NOT_S3}") from error
        except (BotoCoreError, Boto3Error) as error:
            raise InputError(f"{address}: {_line(error)}") from error

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._root + name}


@cache
def client() -> Any:
    """The process's S3 client, which is safe to use from several threads.

    Raises:
        InputError: the endpoint's address holds a password, which would show up in messages.
    """
    config = Config(
        retries={"mode": "standard"},
        max_pool_connections=REQUESTS,
        connect_timeout=5,
        read_timeout=READ_TIMEOUT,
        request_checksum_calculation="when_required",  # else uploads are aws-chunked; their SHA-256 is signed anyway
    )
    made = boto3.session.Session().client("s3", config=config)
    if "@" in urlsplit(made.meta.endpoint_url).netloc:
        raise InputError(
            "AWS_ENDPOINT_URL holds a user name or a password: take it out, and set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    return made


class _Unknown(InputError):
    """The service doesn't know what was asked of it."""


class _NotS3(Exception):
    """An answer lacks what S3 puts into every such answer."""


_NOT_S3 = "what answers there isn't S3, but a web page, say: check AWS_ENDPOINT_URL and proxies"


class _NothingInRange(Exception):
    """The first bytes of an empty object were requested."""


def _entry(name: str, listed: dict[str, Any]) -> Entry:
    return Entry(name, listed["Size"], listed["ETag"].strip('"'))


def _answered(code: str, error: ClientError) -> str:
    """The meaning of an error response of S3, and what to do about it."""
    if code == "NoSuchBucket":
        return "there is no such bucket: check its name, or create it"
    if code in ("AccessDenied", "403"):
        return (
            "access denied: ask for s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject "
            "under the prefix"
        )
    if code in _BAD_LOGIN:
        return f"S3 refuses these credentials ({code}): renew them"
    if code in _BAD_REGION:
        region = error.response["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
        return f"the bucket is in another region: set AWS_DEFAULT_REGION to {region or 'the one it is in'}"
    if "html" in error.response["ResponseMetadata"].get("HTTPHeaders", {}).get("content-type", ""):
        return _NOT_S3
    return f"S3 answered {code}: {_line(error.response['Error'].get('Message', 'no reason given'))}"


def _line(error: object) -> str:
    return " ".join(str(error).split())
