"""The material of a bundle: certificate chains beside the signature."""

from typing import Any

import pytest

from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.media_types import BUNDLE_TYPES
from support.file_bundles import FILE, GITHUB, LOGGED, SIGSTORE, identity, judge


class TestChains:
    """Roots in the chains of old bundles."""

    CHAIN = SIGSTORE.intermediate.chain

    def bundle(self, *issuers: bytes, version: int = 0) -> dict[str, Any]:
        """Return a bundle with the signer's certificate and these issuers."""
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        material = bundle["verificationMaterial"]
        ders = [material.pop("certificate")["rawBytes"], *map(encode_base64, issuers)]
        material["x509CertificateChain"] = {"certificates": [{"rawBytes": each} for each in ders]}
        return {**bundle, "mediaType": BUNDLE_TYPES[version]}

    def test_a_root_at_the_end_of_a_whole_chain_is_ignored(self) -> None:
        """In version 0.1, as npm wrote it; it makes nothing trusted."""
        assert judge(self.bundle(*self.CHAIN), identity(SIGSTORE.root)) is None
        assert judge(self.bundle(*self.CHAIN), identity(GITHUB.root)) is Reason.CHAIN_UNTRUSTED

    @pytest.mark.parametrize("version", [0, 1])
    def test_a_chain_without_a_root_counts(self, version: int) -> None:
        """The signer's certificate and its issuer."""
        assert judge(self.bundle(self.CHAIN[0], version=version), identity(SIGSTORE.root)) is None

    def test_another_root_is_refused(self) -> None:
        """In version 0.2, out of order, twice, of strangers, or without what leads to it."""
        intermediate, root = self.CHAIN
        odd = [(root, intermediate), (root,), (intermediate, root, root), (*GITHUB.intermediate.chain,)]
        for issuers in odd:
            assert judge(self.bundle(*issuers), identity(SIGSTORE.root)) is Reason.CHAIN_UNTRUSTED
        late = self.bundle(*self.CHAIN, version=1)
        assert judge(late, identity(SIGSTORE.root)) is Reason.CHAIN_UNTRUSTED
