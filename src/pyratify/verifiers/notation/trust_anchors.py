"""Trust anchors: the certificates of the named trust stores."""

from collections.abc import Mapping

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, load_certificates, parse_certificate
from pyratify.verifiers.notation.trust_policy import StoreName

Anchors = Mapping[StoreName, frozenset[bytes]]


def load_anchors(materials: Mapping[StoreName, tuple[KeyMaterial, ...]]) -> Anchors:
    """Parse the certificates of all trust stores.

    Raises:
        ConfigurationError: `KEY_INVALID`: a document that holds anything else than certificates, or a
            certificate that is neither an authority's nor self-signed, so that nothing should chain to it.
    """
    return {store: _load(store, documents) for store, documents in materials.items()}


def _load(store: StoreName, documents: tuple[KeyMaterial, ...]) -> frozenset[bytes]:
    certificates = [
        (certificate, document) for document in documents for certificate in load_certificates(document)
    ]
    for certificate, document in certificates:
        _check(store, certificate, document)
    return frozenset(certificate.der for certificate, _ in certificates)


def timestamp_authorities(anchors: Anchors) -> Mapping[StoreName, tuple[Certificate, ...]]:
    """Return the roots of the trust stores of type tsa, parsed."""
    stores = {store: sorted(ders) for store, ders in anchors.items() if store.type == "tsa"}
    return {store: tuple(map(parse_certificate, ders)) for store, ders in stores.items()}


def _check(store: StoreName, certificate: Certificate, document: KeyMaterial) -> None:
    # As notation; other stores may pin an intermediate ("Trust Store": not recommended, and not forbidden).
    if store.type == "tsa" and not (certificate.is_ca and certificate.is_self_signed):
        raise ConfigurationError(
            f"{document.origin}: {certificate.subject!r} is not a root certificate, which a trust store of the type "
            "tsa holds",
            reason=Reason.KEY_INVALID,
            remedy="Trust the root certificate of the timestamp authority.",
        )
    # As notation: a self-signed signing certificate is the root of its own chain.
    if not certificate.is_ca and not certificate.is_self_signed:
        raise ConfigurationError(
            f"{document.origin}: {certificate.subject!r} is a signer's certificate, issued by an authority, and "
            "cannot be a trust anchor",
            reason=Reason.KEY_INVALID,
            remedy="Trust the authority's certificate, and name the signer in the trusted identities.",
        )
