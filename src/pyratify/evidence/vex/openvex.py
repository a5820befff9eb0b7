"""OpenVEX 0.0.1 and 0.2.0 (OpenVEX specification)."""

from datetime import datetime
from typing import Any

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

CONTEXT = "https://openvex.dev/ns"
_CONTEXTS = (CONTEXT, f"{CONTEXT}/v0.0.1", f"{CONTEXT}/v0.2.0")
# "Status Justifications"
_JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)


def read_openvex(document: Members) -> VexDocument:
    """Read an OpenVEX document.

    Raises:
        VerificationError: `REPORT_INVALID` or `TIME_INVALID`.
    """
    context = document.text("@context", required=True)
    if context not in _CONTEXTS:
        document.malformed(f"its @context is {context[:80]!r}, and {', '.join(_CONTEXTS)} are read")
    created = read_time(document.text("timestamp"), "timestamp", "VEX document")
    statements = tuple(_statement(each, created) for each in document.objects("statements"))
    return VexDocument("openvex", document.text("author"), created, statements)


def _statement(statement: Members, created: datetime | None) -> Statement:
    status = statement.text("status", required=True)
    if status not in (each.value for each in Status):
        statement.malformed(f"{statement.path}.status is {status[:40]!r}")
    # 0.0.1 has the packages beside the products, 0.2.0 within each.
    beside = _list(statement, "subcomponents")
    return Statement(
        _names(statement),
        Status(status),
        tuple(_product(each, beside) for each in _list(statement, "products")),
        # `impact_statement` is no substitute: "not intended to be machine readable" ("Statement Fields").
        statement.text("justification") in _JUSTIFICATIONS,
        _time(statement) or created,
    )


def _time(statement: Members) -> datetime | None:
    """Return when a statement was made as it is now; None for the time of its document ("Inheritance Flow")."""
    times = (
        read_time(statement.text(name), f"{statement.path}.{name}", "VEX document")
        for name in ("timestamp", "last_updated")
    )
    return max((time for time in times if time is not None), default=None)


def _names(statement: Members) -> frozenset[str]:
    if isinstance(statement.value.get("vulnerability"), str):  # 0.0.1
        texts = [statement.text("vulnerability", required=True)]
    else:
        vulnerability = statement.object("vulnerability", required=True)
        texts = [vulnerability.text("name") or vulnerability.text("@id"), *vulnerability.texts("aliases")]
    found = frozenset(map(normalise, texts)) - {""}
    if not found:
        statement.malformed(f"{statement.path} names no vulnerability")
    return found


def _list(owner: Members, name: str) -> list[Any]:
    found = owner.value.get(name)
    if found is not None and not isinstance(found, list):
        owner.malformed(f"{owner.path}.{name} is no list")
    return found or []


def _product(product: Any, beside: list[Any]) -> Product:
    texts, hashes = _identities(product)
    within = product.get("subcomponents") if isinstance(product, dict) else None
    components = [*beside, *(within if isinstance(within, list) else [])]
    urls = [url for each in components for url in _urls(each)]
    # An empty or unreadable list of packages must not widen the statement to all of them; programs in Go read one in any case.
    named = bool(beside) or (
        isinstance(product, dict) and any(each.casefold() == "subcomponents" for each in product)
    )
    unread = named and (not components or len(urls) < len(components))
    return Product(image_digests(texts) | hash_digests(hashes), tuple(urls), whole=not named, unread=unread)


def _urls(component: Any) -> list[PackageUrl]:
    texts, _ = _identities(component)
    return [url for url in map(parse_package_url, texts) if url is not None][:1]


def _identities(component: Any) -> tuple[tuple[str, ...], dict[str, object]]:
    if isinstance(component, str):
        return (component,), {}
    if not isinstance(component, dict):
        return (), {}
    identifiers, hashes = component.get("identifiers"), component.get("hashes")
    texts = (component.get("@id"), identifiers.get("purl") if isinstance(identifiers, dict) else None)
    found = tuple(text for text in texts if isinstance(text, str))
    return found, hashes if isinstance(hashes, dict) else {}
