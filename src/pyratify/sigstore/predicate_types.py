"""Types of in-toto statements by short names.

Those of cosign's `--type` (cosign, `verify-attestation --help`), and in-toto's own predicates, in their newest version.
"""

from collections.abc import Mapping
from types import MappingProxyType

SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "custom": "https://cosign.sigstore.dev/attestation/v1",
        "cyclonedx": "https://cyclonedx.org/bom",
        "link": "https://in-toto.io/Link/v1",
        "openvex": "https://openvex.dev/ns",
        "release": "https://in-toto.io/attestation/release/v0.1",
        "slsaprovenance": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
        "slsaprovenance1": "https://slsa.dev/provenance/v1",
        "spdx": "https://spdx.dev/Document",
        "spdxjson": "https://spdx.dev/Document",
        "svr": "https://in-toto.io/attestation/svr/v0.2",
        "test-result": "https://in-toto.io/attestation/test-result/v0.1",
        "vsa": "https://slsa.dev/verification_summary/v1",
        "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
        "vulns": "https://in-toto.io/attestation/vulns/v0.2",
        "vulns01": "https://in-toto.io/attestation/vulns/v0.1",
    }
)


def predicate_type(text: str) -> str:
    """Return the predicate type that a text names, by a short name or in full.

    Raises:
        ValueError: It is neither a short name nor a URI.
    """
    if text in SHORT_NAMES:
        return SHORT_NAMES[text]
    # A slash: older tools left the scheme out, as Trivy's `cosign.sigstore.dev/attestation/v1`.
    if not {":", "/"} & set(text) or not text.isprintable() or " " in text:
        raise ValueError(
            f"{text[:80]!r} is neither a predicate type (a URI) nor one of {', '.join(SHORT_NAMES)}"
        )
    return text
