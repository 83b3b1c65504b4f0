"""A stand-in for Google Cloud Storage: moto's S3 server, in the dialect of GCS.

The XML API of GCS, which is the one that obstore uses, is that of S3 with other names of headers, and generations in
place of ``If-None-Match``. No emulator that can be had as a package knows this API.
"""

import http.client

from s3_server import Server

SIGNED = "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"
"""In place of a bearer token: moto wants to know who asks, and doesn't check it."""


class GcsServer(Server):
    """Knows the headers of requests by the names that GCS gives them."""

    def understood(self, headers: dict[str, str]) -> dict[str, str]:
        known = {name.lower().replace("x-goog-", "x-amz-"): value for name, value in headers.items()}
        known["authorization"] = SIGNED
        if known.pop("x-amz-if-generation-match", None) == "0":
            known["if-none-match"] = "*"
        return known

    def make_bucket(self, name: str) -> None:
        connection = http.client.HTTPConnection(*self.address)
        connection.request("PUT", f"/{name}", headers={"Authorization": SIGNED})
        assert connection.getresponse().status == 200
