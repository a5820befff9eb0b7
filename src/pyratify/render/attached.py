"""Renders what is attached to a reference, without a verdict (`ratify discover`)."""

import json
from collections.abc import Iterator
from typing import Any

from pyratify.core.report import ArtifactReport, ValidationResult
from pyratify.core.store import Discovery
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.render.text import cut
from pyratify.render.tree import Node, draw
from pyratify.render.words import because, name

OTHER = "other"
"""The kind of what is of no known kind."""


def render_tree(result: ValidationResult) -> str:
    """Return what is attached as a tree, without a line break at the end."""
    count = _count(result.artifacts)
    head = f"{name(result)}: {count or 'nothing'} attached"
    nodes = tuple(_node(report) for report in result.artifacts)
    limits = (Node(f"limit: {because(limit)[0]}") for limit in result.limits)
    return cut((head, *draw((*nodes, *limits))))


def render_lines(result: ValidationResult) -> str:
    """Return what is attached as lines, nested artifacts indented, without a line break at the end."""
    count = _count(result.artifacts)
    lines = (line for report in result.artifacts for line in _text(_node(report), "  "))
    limits = (f"  limit: {because(limit)[0]}" for limit in result.limits)
    # Bounded like every text: a registry decides how much is attached.
    return cut((f"{name(result)}: {count or 'nothing'} attached", *lines, *limits))


def _text(node: Node, indent: str) -> Iterator[str]:
    yield f"{indent}{node.text}"
    for child in node.children:
        yield from _text(child, f"{indent}  ")


def render_json(result: ValidationResult) -> str:
    """Return what is attached as one line of JSON."""
    found: dict[str, Any] = {
        "reference": clean(str(result.reference), MAX_REFERENCE),
        "digest": result.subject.digest if result.subject else None,
        "mediaType": clean(result.subject.media_type) if result.subject else None,
        "attached": [_document(report) for report in result.artifacts],
    }
    if result.limits:
        found["limits"] = [because(limit)[0] for limit in result.limits]
    return json.dumps(found, separators=(",", ":"))


def _document(report: ArtifactReport) -> dict[str, Any]:
    found: dict[str, Any] = {
        "artifact": report.artifact.digest,
        **({"platform": clean(report.platform)} if report.platform is not None else {}),
        "mediaType": clean(report.artifact.media_type),
        "artifactType": clean(report.artifact.artifact_type or ""),
        "size": report.artifact.size,
        "discovery": report.discovery.value,
        **({"kind": kind} if (kind := _kind(report)) else {}),
        "attached": [_document(child) for child in _attached(report)],
    }
    if report.failure is not None:
        found["error"] = because(report.failure)[0]
    return found


def _kind(report: ArtifactReport) -> str:
    """Return the kind of artifact that `ratify discover` has determined: signature, attestation, sbom, bundle; else empty."""
    return next((clean(item.details.description, 40) for item in report.results if item.details), "")


def _node(report: ArtifactReport) -> Node:
    failed = (Node(f"cannot be used: {because(report.failure)[0]}"),) if report.failure else ()
    return Node(_line(report), (*failed, *(_node(child) for child in _attached(report))))


def _line(report: ArtifactReport) -> str:
    if report.platform is not None:
        return f"{clean(report.platform)} {report.artifact.digest}, {report.artifact.size} bytes"
    what = clean(report.artifact.artifact_type or report.artifact.media_type, 120)
    kind = _kind(report)
    # Such a tag's own media type is that of any image.
    by = "cosign " if report.discovery is Discovery.COSIGN_TAG else ""
    said = f": {by}{kind}" if kind and kind != OTHER else ""
    return f"{report.artifact.digest} {what}, {report.artifact.size} bytes ({report.discovery}){said}"


def _attached(report: ArtifactReport) -> tuple[ArtifactReport, ...]:
    """Return what is attached to the artifact itself; what speaks for it by its index is shown at the index."""
    if report.discovery is not Discovery.INDEX:
        return report.nested
    return tuple(child for child in report.nested if child.subject.digest == report.artifact.digest)


def _count(reports: tuple[ArtifactReport, ...]) -> int:
    return sum((report.platform is None) + _count(_attached(report)) for report in reports)
