"""Renders what is attached to a reference, without a verdict (`ratify discover`)."""

import json
from collections.abc import Iterator
from typing import Any

from pyratify.core.report import ArtifactReport, ValidationResult, flatten
from pyratify.core.store import Discovery
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.render.text import cut
from pyratify.render.tree import Node, draw
from pyratify.render.words import because, name


def render_tree(result: ValidationResult) -> str:
    """Return what is attached as a tree, without a line break at the end."""
    count = sum(1 for _ in flatten(result.artifacts))
    head = f"{name(result)}: {count or 'nothing'} attached"
    nodes = tuple(_node(report) for report in result.artifacts)
    limits = (Node(f"limit: {because(limit)[0]}") for limit in result.limits)
    return cut((head, *draw((*nodes, *limits))))


def render_lines(result: ValidationResult) -> str:
    """Return what is attached as lines, nested artifacts indented, without a line break at the end."""
    count = sum(1 for _ in flatten(result.artifacts))
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
        "mediaType": clean(report.artifact.media_type),
        "artifactType": clean(report.artifact.artifact_type or ""),
        "size": report.artifact.size,
        "discovery": report.discovery.value,
        **({"kind": kind} if (kind := _kind(report)) else {}),
        "attached": [_document(child) for child in report.nested],
    }
    if report.failure is not None:
        found["error"] = because(report.failure)[0]
    return found


def _kind(report: ArtifactReport) -> str:
    """Return the kind of artifact that `ratify discover` has determined: signature, attestation, sbom, bundle; else empty."""
    return next((clean(item.details.description, 40) for item in report.results if item.details), "")


def _tagged(report: ArtifactReport) -> str:
    """Return the kind of an artifact found by a cosign tag, as its own media type does not tell."""
    kind = _kind(report) if report.discovery is Discovery.COSIGN_TAG else ""
    return f": cosign {kind}" if kind else ""


def _node(report: ArtifactReport) -> Node:
    kind = clean(report.artifact.artifact_type or report.artifact.media_type, 120)
    text = (
        f"{report.artifact.digest} {kind}, {report.artifact.size} bytes ({report.discovery}){_tagged(report)}"
    )
    failed = (Node(f"cannot be used: {because(report.failure)[0]}"),) if report.failure else ()
    return Node(text, (*failed, *(_node(child) for child in report.nested)))
