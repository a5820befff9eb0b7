"""The predicate types of in-toto statements that hold documents about an image."""

COSIGN_VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
VULN_PREDICATES = (
    COSIGN_VULN,
    "https://in-toto.io/attestation/vulns/v0.1",
    "https://in-toto.io/attestation/vulns/v0.2",
)
OPENVEX_PREDICATES = (
    "https://openvex.dev/ns",
    "https://openvex.dev/ns/v0.0.1",
    "https://openvex.dev/ns/v0.2.0",
)
CYCLONEDX_PREDICATES = (
    "https://cyclonedx.org/bom",
    "https://cyclonedx.org/vex",
    *(f"https://cyclonedx.org/bom/v{version}" for version in ("1.4", "1.5", "1.6", "1.7")),
)
VEX_PREDICATES = (*OPENVEX_PREDICATES, *CYCLONEDX_PREDICATES)
