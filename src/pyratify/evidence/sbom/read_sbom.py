"""Reading a document that may be an SBOM: its format is recognised by what it says, and must be one that is read."""

import re
from typing import Any, NoReturn

from pyratify.core.errors import VerificationError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, loads
from pyratify.evidence.sbom import cyclonedx, spdx
from pyratify.evidence.sbom.document import Sbom

MAX_BYTES = 16 * MIB
MAX_TOKENS = 1_000_000
"""Of one document; 5,000 packages with their checksums and references have some 300,000."""
_REMEDY = "Attach the SBOM as SPDX 2.2 or 2.3 JSON, or as CycloneDX 1.4 to 1.7 JSON."
_SPDX_3 = re.compile(r"https?://spdx\.org/rdf/3\.", re.ASCII)
# Possessive quantifiers: hostile comment lines must not make it backtrack.
_TAG_VALUE = re.compile(rb"\s*+(?:#[^\n]*+\n\s*+){0,20}+SPDXVersion:")


def parse_sbom(data: bytes) -> Any:
    """Return the JSON value of a document's bytes.

    Raises:
        VerificationError: `MEDIATYPE_UNSUPPORTED` for XML and SPDX's tag-value format, or a JSON code.
    """
    # A byte order mark must not hide XML from the checks below.
    start = data[:2048].removeprefix(b"\xef\xbb\xbf").lstrip()
    # No XML parser: entities, external ones above all, would be the publisher's to choose.
    if start.startswith(b"<"):
        _unsupported("the document is XML" + (" of CycloneDX" if b"cyclonedx.org" in start else ""))
    if data.startswith(b"\x1f\x8b"):
        _unsupported("the document is compressed with gzip")
    if _TAG_VALUE.match(start):
        _unsupported("the document is in SPDX's tag-value format")
    try:
        return loads(data, what="SBOM", max_bytes=MAX_BYTES, max_tokens=MAX_TOKENS)
    except InvalidJson as error:
        raise VerificationError(error.reason, error.message, remedy=_REMEDY) from None


def read_sbom(document: object) -> Sbom:
    """Read an SBOM.

    Args:
        document: A JSON value that was parsed strictly; a text, as cosign writes predicates of type `spdx`, is parsed first.

    Raises:
        VerificationError: `SBOM_INVALID`, `MEDIATYPE_UNSUPPORTED`, `TIME_INVALID` or a JSON code.
    """
    if isinstance(document, str):
        # A lone surrogate has to be the parser's error, not a UnicodeEncodeError.
        document = parse_sbom(document.encode("utf-8", "surrogatepass"))
    if not isinstance(document, dict):
        _invalid("the SBOM is no JSON object")
    context = document.get("@context")
    if any(
        isinstance(each, str) and _SPDX_3.match(each)
        for each in (context if isinstance(context, list) else [context])
    ):
        _unsupported("the document is SPDX 3")
    is_spdx, is_cyclonedx = "spdxVersion" in document, "bomFormat" in document
    # A polyglot: two tools would read two SBOMs from it, one of them clean.
    if is_spdx == is_cyclonedx:
        both = "both spdxVersion and bomFormat" if is_spdx else "neither spdxVersion nor bomFormat"
        _invalid(f"the document has {both}, so it is {'no one SBOM' if is_spdx else 'no SBOM'}")
    if is_spdx:
        _check_version("SPDX", document["spdxVersion"], spdx.VERSIONS)
        return spdx.read_spdx(document)
    _check_version("CycloneDX", document.get("specVersion"), cyclonedx.VERSIONS)
    return cyclonedx.read_cyclonedx(document)


def _check_version(what: str, found: object, known: tuple[str, ...]) -> None:
    if not isinstance(found, str):
        _invalid(f"the version of the {what} document is no text")
    if found not in known:
        _unsupported(f"the document is of version {found[:40]!r} of {what}; {', '.join(known)} are read")


def _invalid(message: str) -> NoReturn:
    raise VerificationError(Reason.SBOM_INVALID, message, remedy=_REMEDY)


def _unsupported(message: str) -> NoReturn:
    raise VerificationError(Reason.MEDIATYPE_UNSUPPORTED, message, remedy=_REMEDY)
