"""The analyses in a CycloneDX document (CycloneDX 1.4 to 1.7, `vulnerabilities[].analysis`)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import unquote

from pyratify.evidence.members import Members
from pyratify.evidence.vex.package_url import PackageUrl, parse_package_url
from pyratify.evidence.vex.statement import (
    Product,
    Statement,
    Status,
    VexDocument,
    hash_digests,
    image_digests,
)
from pyratify.evidence.vulnerability.identifiers import normalise
from pyratify.evidence.vulnerability.report_fields import read_time

_VERSIONS = ("1.4", "1.5", "1.6", "1.7")
_STATES = {
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.UNDER_INVESTIGATION,
}
_JUSTIFICATIONS = (
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
)
# Of nested components: the reader recurses, and the publisher chooses the depth.
_MAX_DEPTH = 20


def read_cyclonedx_vex(document: Members) -> VexDocument:
    """Read the analyses of a CycloneDX document; a vulnerability without one says nothing.

    Raises:
        VerificationError: `REPORT_INVALID` or `TIME_INVALID`.
    """
    version = document.text("specVersion", required=True)
    if version not in _VERSIONS:
        document.malformed(f"its specVersion is {version[:20]!r}, and {', '.join(_VERSIONS)} are read")
    metadata = document.object("metadata")
    created = read_time(metadata.text("timestamp"), "metadata.timestamp", "VEX document")
    product = metadata.object("component")
    known = dict(_packages(document, 0))
    found = tuple(
        _statement(each, product, known, created)
        for each in document.objects("vulnerabilities")
        if each.object("analysis").text("state")
    )
    return VexDocument("cyclonedx", metadata.object("supplier").text("name"), created, found)


def _packages(owner: Members, depth: int) -> Iterator[tuple[str, PackageUrl]]:
    """Iterate over the package URLs of all components by their `bom-ref`."""
    if depth > _MAX_DEPTH:
        owner.malformed(f"components are nested more than {_MAX_DEPTH} levels")
    for component in owner.objects("components"):
        url = parse_package_url(component.text("purl"))
        if url is not None and component.text("bom-ref"):
            yield component.text("bom-ref"), url
        yield from _packages(component, depth + 1)


def _statement(
    entry: Members, product: Members, known: Mapping[str, PackageUrl], created: datetime | None
) -> Statement:
    analysis = entry.object("analysis")
    state = analysis.text("state")
    if state not in _STATES:
        analysis.malformed(f"{analysis.path}.state is {state[:40]!r}")
    texts = [entry.text("id"), *(each.text("id") for each in entry.objects("references"))]
    names = frozenset(map(normalise, texts)) - {""}
    if not names:
        entry.malformed(f"{entry.path} names no vulnerability")
    # Times of an analysis are new in 1.5; before, only the vulnerability has one.
    time = analysis.text("lastUpdated") or analysis.text("firstIssued") or entry.text("updated")
    return Statement(
        names,
        _STATES[state],
        _products(entry, product, known),
        analysis.text("justification") in _JUSTIFICATIONS,
        read_time(time, f"{analysis.path}.lastUpdated", "VEX document") or created,
    )


def _products(entry: Members, product: Members, known: Mapping[str, PackageUrl]) -> tuple[Product, ...]:
    """Return the document's own component, with the packages within it that are affected, and images that are named directly."""
    hashes: dict[str, object] = {each.text("alg"): each.text("content") for each in product.objects("hashes")}
    digests = image_digests((product.text("purl"),)) | hash_digests(hashes)
    if product.text("version").startswith("sha256:"):  # as Syft and Trivy write it
        digests |= {product.text("version")}
    refs = [each.text("ref") for each in entry.objects("affects")]
    root = product.text("bom-ref")
    found = {ref: _package(ref, known) for ref in refs}
    urls = tuple(url for url in found.values() if url is not None)
    # Whole only where the root itself is named: an unreadable reference must not widen the statement.
    unread = not refs or any(url is None and ref != root for ref, url in found.items())
    own = Product(digests, urls, whole=bool(root) and root in refs, unread=unread)
    images = image_digests(tuple(refs))
    return (own, Product(images)) if images else (own,)


def _package(ref: str, known: Mapping[str, PackageUrl]) -> PackageUrl | None:
    # BOM-Link: `urn:cdx:SERIAL/VERSION#REF`; whatever it links to, the product is the document's own.
    name = unquote(ref.partition("#")[2]) if ref.startswith("urn:cdx:") else ref
    return known.get(name) or parse_package_url(name) or parse_package_url(ref.partition("#")[2])
