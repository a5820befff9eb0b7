"""Makers of SBOMs, good and broken, in the formats that tools write."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

CREATED = "2026-05-31T12:00:00Z"
DIGEST = "sha256:" + "5b" * 32


def spdx_package(
    name: str, version: str = "1.0", expression: str = "MIT", *, purl: str = "", **fields: Any
) -> dict[str, Any]:
    """Return a package of an SPDX document.

    Args:
        name: Its name.
        version: Its version; left out where empty.
        expression: The declared license; NOASSERTION is concluded, as Syft writes it.
        purl: Its package URL; left out where empty.
        fields: More fields, which replace those.
    """
    found: dict[str, Any] = {
        "name": name,
        "SPDXID": f"SPDXRef-Package-{name}",
        "downloadLocation": "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": expression,
    }
    if version:
        found["versionInfo"] = version
    if purl:
        reference = {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }
        found["externalRefs"] = [reference]
    return found | fields


def spdx(
    listed: Iterable[Mapping[str, Any]] = (),
    *,
    version: str = "2.3",
    created: str = CREATED,
    digest: str = "",
    **fields: Any,
) -> bytes:
    """Return an SPDX document.

    Args:
        listed: Its packages.
        version: Of SPDX.
        created: When it was made.
        digest: The digest of the image that it describes; without it no image is described.
        fields: More fields, which replace those.
    """
    packages = list(listed)
    relationships = []
    if digest:
        # As Syft: the image is a package whose version is its digest.
        root = spdx_package("image", digest, "NOASSERTION", primaryPackagePurpose="CONTAINER")
        packages.insert(0, root | {"SPDXID": "SPDXRef-DocumentRoot"})
        relationships.append(
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": "SPDXRef-DocumentRoot",
            }
        )
    document = {
        "spdxVersion": f"SPDX-{version}",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "image",
        "documentNamespace": "https://example.org/spdx/image",
        "creationInfo": {"created": created, "creators": ["Organization: Example", "Tool: syft-1.42.0"]},
        "packages": packages,
        "relationships": relationships,
    }
    return json.dumps(document | fields).encode()


def component(
    name: str, version: str = "1.0", expression: str = "MIT", *, purl: str = "", **fields: Any
) -> dict[str, Any]:
    """Return a component of a CycloneDX document; arguments as for `spdx_package`, without a license where that is empty."""
    found: dict[str, Any] = {"type": "library", "name": name}
    if version:
        found["version"] = version
    if purl:
        found["purl"] = purl
    if expression:
        found["licenses"] = [{"expression": expression}]
    return found | fields


def cyclonedx(
    listed: Iterable[Mapping[str, Any]] = (),
    *,
    version: str = "1.7",
    created: str = CREATED,
    digest: str = "",
    **fields: Any,
) -> bytes:
    """Return a CycloneDX document; arguments as for `spdx`."""
    metadata: dict[str, Any] = {
        "timestamp": created,
        "tools": {"components": [{"type": "application", "name": "syft", "version": "1.42.0"}]},
    }
    if digest:
        metadata["component"] = {"type": "container", "name": "image", "version": digest}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": metadata,
        "components": list(listed),
    }
    return json.dumps(document | fields).encode()


def broken_sboms() -> Mapping[str, tuple[bytes, str]]:
    """Return documents that must be refused, by what is wrong with each, with the code of the refusal."""
    deep: dict[str, Any] = component("leaf")
    for _ in range(40):
        deep = component("node", components=[deep])
    bad, clean = json.dumps([component("evil")]), '"components": []'
    return {
        "empty": (b"", "JSON_INVALID"),
        "not an object": (b"[]", "SBOM_INVALID"),
        "of no format": (b"{}", "SBOM_INVALID"),
        "of both formats": (spdx([spdx_package("a")], bomFormat="CycloneDX"), "SBOM_INVALID"),
        "cut off": (spdx([spdx_package("a")])[:-2], "JSON_INVALID"),
        "UTF-16": (spdx([spdx_package("a")]).decode().encode("utf-16"), "JSON_INVALID"),
        # Readers differ in which of two members they take: the bad list must not be hidden by a clean one.
        "a key twice": (
            f'{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {bad}, {clean}}}'.encode(),
            "JSON_DUPLICATE_KEY",
        ),
        "deeply nested": (cyclonedx([deep]), "PARSE_LIMIT"),
        "without packages": (spdx([]), "SBOM_INVALID"),
        "without components": (cyclonedx([]), "SBOM_INVALID"),
        "a package without a name": (spdx([{"versionInfo": "1"}]), "SBOM_INVALID"),
        "a package that is a text": (spdx(["musl"]), "SBOM_INVALID"),  # type: ignore[list-item]
        "a version that is a number": (spdx([spdx_package("a", versionInfo=1)]), "SBOM_INVALID"),
        "packages that are an object": (spdx([], packages={}), "SBOM_INVALID"),
        "a license with id and expression": (
            cyclonedx([component("a", licenses=[{"license": {"id": "MIT"}, "expression": "MIT"}])]),
            "SBOM_INVALID",
        ),
        "another document's identifier": (spdx([spdx_package("a")], SPDXID="SPDXRef-a"), "SBOM_INVALID"),
        "a part in another document": (
            spdx([spdx_package("a")], externalDocumentRefs=[{"spdxDocument": "https://example.org/other"}]),
            "SBOM_INVALID",
        ),
        "a part in another BOM": (
            cyclonedx([component("a", externalReferences=[{"type": "bom", "url": "urn:cdx:other/1"}])]),
            "SBOM_INVALID",
        ),
        "a time that is none": (spdx([spdx_package("a")], created="yesterday"), "TIME_INVALID"),
        "a time in the future": (spdx([spdx_package("a")], created="2999-01-01T00:00:00Z"), "TIME_INVALID"),
        "CycloneDX 1.3": (cyclonedx([component("a")], version="1.3"), "MEDIATYPE_UNSUPPORTED"),
        "SPDX 2.1": (spdx([spdx_package("a")], version="2.1"), "MEDIATYPE_UNSUPPORTED"),
        "SPDX 3": (
            b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}',
            "MEDIATYPE_UNSUPPORTED",
        ),
        # An external entity: a reader that resolved it would read files of this machine.
        "CycloneDX XML": (
            b'<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///x">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6">&x;</bom>',
            "MEDIATYPE_UNSUPPORTED",
        ),
        "tag-value": (b"# made by hand\nSPDXVersion: SPDX-2.3\n", "MEDIATYPE_UNSUPPORTED"),
    }
