"""Kubernetes' manifests for tests: checked against Kubernetes' own schemas, and values merged as Helm merges them."""

from collections.abc import Mapping
from typing import Any

import kubernetes_validate

VERSIONS = "1.30", "1.37"
"""The oldest and the newest version of Kubernetes that manifests are checked for."""


def check(manifest: Mapping[str, Any]) -> None:
    """Fail with the field that a version of Kubernetes doesn't know, misses or reads as another type."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(map(str, error.path))
            raise AssertionError(f"Kubernetes {version}: {manifest['kind']} {place}: {error.message}") from error


def check_pod(template: Mapping[str, Any]) -> None:
    """As `check`, for the template of a pod inside another manifest."""
    check({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", **template.get("metadata", {})}, **template})


def merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The values of two files given to Helm with ``-f``: maps are merged, anything else is replaced.

    Helm leaves a null in its place where the chart itself has no such key.
    """
    both = {
        key: merged(values[key], over[key])
        for key in values.keys() & over.keys()
        if isinstance(values[key], Mapping) and isinstance(over[key], Mapping)
    }
    return {**values, **over, **both}
