"""SBOMs in documents, unverified: as they are, and in signed statements."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.decode.document_age import made
from pyratify.evidence.cosign_predicate import unwrapped
from pyratify.evidence.sbom.document import UNSTATED, Package, Sbom
from pyratify.evidence.sbom.read_sbom import parse_sbom, read_sbom
from pyratify.evidence.sbom.sbom_rules import facts_of

_STATEMENT = "predicateType"
# Prefixes: some tools append a version, as GitHub's attest-sbom (https://spdx.dev/Document/v2.3).
SBOM_PREDICATES = ("https://spdx.dev/Document", "https://cyclonedx.org/")


def sbom_in(data: bytes) -> Sbom | None:
    """Return the SBOM that a document is, or holds in a bundle, an envelope or a statement; None where it holds another thing.

    Raises:
        VerificationError: It should be one, and cannot be read.
    """
    document = _innermost(parse_sbom(data))
    if isinstance(document, dict) and _STATEMENT in document:
        if not str(document[_STATEMENT]).startswith(SBOM_PREDICATES):
            return None
        document = unwrapped(document.get("predicate"))
    return read_sbom(document)


def sbom_facts(document: object) -> dict[str, Any]:
    """Return what `ratify inspect` shows of an SBOM, and of the analyses of vulnerabilities in it.

    Raises:
        VerificationError: It is none.
    """
    found = summary(read_sbom(document))
    if not isinstance(document, dict) or not document.get("vulnerabilities"):
        return found
    from pyratify.entrypoints.cli.decode.reports import vex_facts

    return found | {"analyses": vex_facts(document)}


def summary(sbom: Sbom) -> dict[str, Any]:
    """Return the facts of an SBOM that `ratify inspect` shows."""
    facts = facts_of(sbom)
    first = {name: facts[name] for name in ("format", "specVersion", "name") if facts[name]}
    names = ("tools", "authors", "packages", "packagesWithoutLicense", "licenses")
    rest = {name: facts[name] for name in names if facts[name] or name == "packages"}
    external = {"otherDocuments": list(sbom.external[:10])} if sbom.external else {}
    return first | made(sbom.created) | rest | external


def listing(sbom: Sbom) -> dict[str, Any]:
    """Return an SBOM with its packages, the same for every format."""
    return {
        "format": sbom.format.lower(),
        "specVersion": sbom.version,
        "name": sbom.name,
        "createdAt": facts_of(sbom).get("createdAt"),
        "describes": sorted(sbom.digests),
        "packages": [_entry(package) for package in sbom.packages],
    }


def _entry(package: Package) -> dict[str, Any]:
    return {
        "name": "/".join(filter(None, (package.group, package.name))),
        "version": package.version,
        "purl": package.purls[0] if package.purls else "",
        "licenses": list(dict.fromkeys(each.text for each in package.licenses if each.text not in UNSTATED)),
        "supplier": package.supplier,
        "where": package.where,
    }


def _innermost(document: Any) -> Any:
    """Return what an envelope signs, where the document is a bundle or an envelope."""
    from pyratify.pki.encoding import InvalidBase64, decode_base64

    envelope = document.get("dsseEnvelope", document) if isinstance(document, dict) else document
    if not isinstance(envelope, Mapping) or "payloadType" not in envelope:
        return document
    payload = envelope.get("payload")
    try:
        return parse_sbom(decode_base64(payload if isinstance(payload, str) else ""))
    except InvalidBase64:
        raise VerificationError(Reason.ENVELOPE_MALFORMED, "the envelope's payload is no base64") from None
