"""Short names of predicate types."""

import pytest

from pyratify.sigstore.predicate_types import predicate_type

PROVENANCE = "https://slsa.dev/provenance/v1"


def test_types_have_cosigns_short_names() -> None:
    """Or are URIs; a misspelt name never asks for something that no statement has."""
    assert predicate_type("slsaprovenance1") == PROVENANCE
    assert predicate_type("vulns") == "https://in-toto.io/attestation/vulns/v0.2"
    assert predicate_type("https://example.com/x") == "https://example.com/x"
    assert predicate_type("cosign.sigstore.dev/attestation/v1") == "cosign.sigstore.dev/attestation/v1"
    for text in ("slsaprovenance9", "", "a b:c", "x:\n"):
        with pytest.raises(ValueError, match="neither a predicate type"):
            predicate_type(text)
