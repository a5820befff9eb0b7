"""SPDX 2.2 and 2.3 as JSON (SPDX specification 2.3, clauses 6, 7 and 11)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pyratify.evidence.sbom.check_case import check_case
from pyratify.evidence.sbom.convert import convert, convert_all, malformed, read_time
from pyratify.evidence.sbom.document import UNSTATED, License, Package, Sbom
from pyratify.evidence.sbom.subject_digests import digests_of

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_DOCUMENT = "SPDXRef-DOCUMENT"


class _Reference(msgspec.Struct):
    referenceType: str = ""  # noqa: N815
    referenceLocator: str = ""  # noqa: N815


class _Checksum(msgspec.Struct):
    algorithm: str = ""
    checksumValue: str = ""  # noqa: N815


class _Package(msgspec.Struct, rename="camel"):
    name: str
    spdxid: str = msgspec.field(name="SPDXID", default="")
    version_info: str | None = None
    license_concluded: str | None = None
    license_declared: str | None = None
    supplier: str | None = None
    originator: str | None = None
    primary_package_purpose: str | None = None
    external_refs: list[_Reference] | None = None
    checksums: list[_Checksum] | None = None


class _CreationInfo(msgspec.Struct):
    created: str
    creators: list[str] = []


class _Relationship(msgspec.Struct, rename="camel"):
    # For the names alone: there are many, and few are read.
    spdx_element_id: Any = None
    related_spdx_element: Any = None
    relationship_type: Any = None


class _DocumentReference(msgspec.Struct, rename="camel"):
    spdx_document: Any = None


class _Document(msgspec.Struct, rename="camel"):
    spdx_version: str
    spdxid: str = msgspec.field(name="SPDXID")
    name: str
    data_license: str
    document_namespace: str
    creation_info: _CreationInfo
    packages: list[Any] | None = None
    external_document_refs: list[Any] | None = None
    document_describes: list[str] | None = None
    relationships: list[Any] | None = None


def read_spdx(value: Mapping[str, Any]) -> Sbom:
    """Read a document of one of `VERSIONS`.

    Raises:
        VerificationError: `SBOM_INVALID` or `TIME_INVALID`.
    """
    document = convert(value, _Document, "SPDX")
    check_case((value,), _Document, "SPDX")
    check_case(document.packages or (), _Package, "SPDX")
    check_case(document.relationships or (), _Relationship, "SPDX")
    check_case(document.external_document_refs or (), _DocumentReference, "SPDX")
    # Clause 6.3: a fixed identifier, to which DESCRIBES relationships refer.
    if document.spdxid != _DOCUMENT:
        malformed("SPDX", f"its SPDXID is {document.spdxid[:80]!r} and not {_DOCUMENT!r}")
    entries = convert_all(document.packages or [], _Package, "SPDX", "packages")
    known: dict[tuple[str, str], tuple[License, ...]] = {}
    described = set(_described(document))
    creation = document.creation_info
    tools, authors = _creators(creation.creators)
    return Sbom(
        "SPDX",
        document.spdx_version.removeprefix("SPDX-"),
        document.name,
        read_time(creation.created, "SPDX", "creationInfo.created"),
        tools,
        authors,
        tuple(_package(entry, index, known) for index, entry in enumerate(entries)),
        frozenset(digest for entry in entries if entry.spdxid in described for digest in _digests(entry)),
        tuple(_external(each) for each in document.external_document_refs or ()),
    )


def _package(entry: _Package, index: int, known: dict[tuple[str, str], tuple[License, ...]]) -> Package:
    stated = (entry.license_concluded or "", entry.license_declared or "")
    licenses = known.get(stated)
    # Most packages of a document share few licenses: one tuple for each pair.
    if licenses is None:
        licenses = known[stated] = (License(stated[0], "concluded"), License(stated[1], "declared"))
    return Package(
        entry.name,
        f"packages[{index}]",
        entry.version_info or "",
        purls=_purls(entry),
        licenses=licenses,
        # Clauses 7.5 and 7.6: each may be NOASSERTION.
        supplier=_agent(entry.supplier) or _agent(entry.originator),
        kind=(entry.primary_package_purpose or "").lower(),
    )


def _purls(entry: _Package) -> tuple[str, ...]:
    # Annex F: the short name of the type, or its whole address.
    return tuple(
        each.referenceLocator
        for each in entry.external_refs or ()
        if each.referenceLocator and each.referenceType[-5:].lower() in ("purl", "/purl")
    )


def _agent(text: str | None) -> str:
    # `Organization: ` with nothing behind it names none.
    found = text or ""
    name = found.partition(":")[2] if ":" in found else found
    return "" if found in UNSTATED or not name.strip() else found


def _creators(creators: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    # Clause 6.8: `Tool:`, `Person:` or `Organization:`.
    tools = tuple(each[5:].strip() for each in creators if each.startswith("Tool:"))
    return tools, tuple(each for each in creators if not each.startswith("Tool:"))


def _described(document: _Document) -> Iterator[str]:
    """Iterate over the identifiers of what the document describes (clause 11.1, DESCRIBES and DESCRIBED_BY)."""
    # The JSON format's short form of the relationship DESCRIBES.
    yield from document.document_describes or ()
    for each in document.relationships or ():
        if not isinstance(each, dict):
            malformed("SPDX", "an entry of relationships is no object")
        match each:
            case {
                "relationshipType": "DESCRIBES",
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relatedSpdxElement": str(found),
            }:
                yield found
            case {
                "relationshipType": "DESCRIBED_BY",
                "relatedSpdxElement": "SPDXRef-DOCUMENT",
                "spdxElementId": str(found),
            }:
                yield found


def _digests(entry: _Package) -> Iterator[str]:
    checksums = ((each.algorithm, each.checksumValue) for each in entry.checksums or ())
    return digests_of(checksums, entry.version_info or "", _purls(entry), entry.name)


def _external(value: Any) -> str:
    found = value.get("spdxDocument") if isinstance(value, dict) else None
    return found if isinstance(found, str) else "a document that it does not name"
