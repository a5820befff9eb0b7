"""CycloneDX 1.4 to 1.7 as JSON (ECMA-424)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pyratify.evidence.sbom.check_case import check_case
from pyratify.evidence.sbom.convert import convert, convert_all, malformed, read_time
from pyratify.evidence.sbom.document import Field, License, Package, Sbom
from pyratify.evidence.sbom.subject_digests import digests_of

VERSIONS = ("1.4", "1.5", "1.6", "1.7")


class _License(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    acknowledgement: str | None = None


class _Choice(msgspec.Struct):
    license: _License | None = None
    expression: str | None = None
    acknowledgement: str | None = None


class _Named(msgspec.Struct):
    name: str | None = None
    version: str | None = None
    vendor: str | None = None


class _Hash(msgspec.Struct):
    alg: str = ""
    content: str = ""


class _Reference(msgspec.Struct):
    type: str = ""
    url: str = ""


class _Component(msgspec.Struct, rename="camel"):
    type: str
    name: str
    version: str | None = None
    group: str | None = None
    purl: str | None = None
    publisher: str | None = None
    supplier: _Named | None = None
    manufacturer: _Named | None = None
    licenses: list[_Choice] | None = None
    hashes: list[_Hash] | None = None
    external_references: list[_Reference] | None = None
    components: list["_Component"] | None = None


class _Tools(msgspec.Struct):
    components: list[_Named] | None = None
    services: list[_Named] | None = None


class _Metadata(msgspec.Struct):
    timestamp: str | None = None
    # 1.4 has a list of tools, 1.5 and later an object with components and services.
    tools: _Tools | list[_Named] | None = None
    authors: list[_Named] | None = None
    supplier: _Named | None = None
    manufacturer: _Named | None = None
    component: _Component | None = None


class _Document(msgspec.Struct, rename="camel"):
    bom_format: str
    spec_version: str
    metadata: _Metadata | None = None
    # Converted apart (`convert_all`), so that a fault is named by its index.
    components: list[Any] | None = None
    external_references: list[_Reference] | None = None


def read_cyclonedx(value: Mapping[str, Any]) -> Sbom:
    """Read a document of one of `VERSIONS`.

    Raises:
        VerificationError: `SBOM_INVALID` or `TIME_INVALID`.
    """
    document = convert(value, _Document, "CycloneDX")
    check_case((value,), _Document, "CycloneDX")
    check_case(document.components or (), _Component, "CycloneDX")
    if document.bom_format != "CycloneDX":
        malformed("CycloneDX", f"its bomFormat is {document.bom_format[:80]!r}")
    metadata = document.metadata or _Metadata()
    root = metadata.component
    entries = convert_all(document.components or [], _Component, "CycloneDX", "components")
    # What is described is a component too, and has components of its own: nothing may hide there.
    found = [
        *(_flat([root], "metadata.component", single=True) if root else ()),
        *_flat(entries, "components"),
    ]
    known: dict[tuple[str, str, str], License] = {}
    return Sbom(
        "CycloneDX",
        document.spec_version,
        root.name if root else "",
        read_time(metadata.timestamp, "CycloneDX", "metadata.timestamp") if metadata.timestamp else None,
        tuple(_tools(metadata.tools)),
        tuple(
            each.name
            for each in (*(metadata.authors or ()), metadata.supplier, metadata.manufacturer)
            if each and each.name
        ),
        tuple(_package(component, where, known) for component, where in found),
        frozenset(_digests(root)) if root else frozenset(),
        tuple(_external(document, found)),
    )


def _flat(
    components: list[_Component], where: str, *, single: bool = False
) -> Iterator[tuple[_Component, str]]:
    for index, component in enumerate(components):
        place = where if single else f"{where}[{index}]"
        yield component, place
        if component.components:
            # Recursion is bounded: `strictjson` limits the depth of documents.
            yield from _flat(component.components, f"{place}.components")


def _package(component: _Component, where: str, known: dict[tuple[str, str, str], License]) -> Package:
    # `manufacturer` of a component is new in 1.6.
    supplier = component.supplier or component.manufacturer
    return Package(
        component.name,
        where,
        component.version or "",
        component.group or "",
        (component.purl,) if component.purl else (),
        tuple(_license(choice, where, known) for choice in component.licenses or ()),
        (supplier.name if supplier else "") or component.publisher or "",
        component.type.lower(),
    )


def _license(choice: _Choice, where: str, known: dict[tuple[str, str, str], License]) -> License:
    entry = choice.license or _License()
    key = (
        choice.expression or entry.id or "",
        entry.name or "",
        choice.acknowledgement or entry.acknowledgement or "",
    )
    # The schema's `oneOf`: a reader that takes the expression and one that takes the id would judge different licenses.
    # Of every statement: the key does not tell one that has both from one that has the expression alone.
    if [choice.expression, entry.id, entry.name].count(None) != 2:
        malformed("CycloneDX", f"a license of {where} has none or several of expression, id and name")
    found = known.get(key)
    if found is None:
        found = known[key] = License(key[0] or key[1], _field(key[2]), named=not key[0])
    return found


def _field(acknowledgement: str) -> Field:
    # New in 1.6: documents of earlier versions state neither.
    if acknowledgement == "concluded":
        return "concluded"
    return "declared" if acknowledgement == "declared" else "either"


def _tools(tools: _Tools | list[_Named] | None) -> Iterator[str]:
    """Iterate over the tools, as 1.4 lists them and as 1.5 does."""
    listed = (
        tools
        if isinstance(tools, list)
        else [*(tools.components or ()), *(tools.services or ())]
        if tools
        else []
    )
    return (f"{each.name} {each.version or ''}".rstrip() for each in listed if each.name)


def _digests(root: _Component) -> Iterator[str]:
    hashes = ((each.alg, each.content) for each in root.hashes or ())
    return digests_of(hashes, root.version or "", (root.purl,) if root.purl else (), root.name)


def _external(document: _Document, found: list[tuple[_Component, str]]) -> Iterator[str]:
    """Iterate over the BOMs that stand for the contents of components or of the document (BOM-Link)."""
    lists = (document.external_references, *(component.external_references for component, _ in found))
    return (each.url for references in lists if references for each in references if each.type == "bom")
