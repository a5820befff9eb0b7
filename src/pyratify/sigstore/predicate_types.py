"""Types of in-toto statements by the short names that cosign's `--type` has (cosign, `verify-attestation --help`)."""

from collections.abc import Mapping
from types import MappingProxyType

SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "custom": "https://cosign.sigstore.dev/attestation/v1",
        "cyclonedx": "https://cyclonedx.org/bom",
        "link": "https://in-toto.io/Link/v1",
        "openvex": "https://openvex.dev/ns",
        "slsaprovenance": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance1": "https://slsa.dev/provenance/v1",
        "spdx": "https://spdx.dev/Document",
        "spdxjson": "https://spdx.dev/Document",
        "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    }
)


def predicate_type(text: str) -> str:
    """Return the predicate type that a text names, by a short name or in full.

    Raises:
        ValueError: It is neither a short name nor a URI.
    """
    if text in SHORT_NAMES:
        return SHORT_NAMES[text]
    if ":" not in text or not text.isprintable() or " " in text:
        raise ValueError(
            f"{text[:80]!r} is neither a predicate type (a URI) nor one of {', '.join(SHORT_NAMES)}"
        )
    return text
