"""The extensions of certificates of a private Sigstore for tests."""

from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509

from pyratify.testing.certificates import CODE_SIGNING


def leaf_extensions(
    names: Iterable[x509.GeneralName], stated: Mapping[str, bytes]
) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions of a signing certificate, each with whether it is critical.

    Args:
        names: The subject alternative names.
        stated: What the certificate authority states: values by object identifier.
    """
    usage = {name: name == "digital_signature" for name in _USAGES}
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(**usage), True),
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier(CODE_SIGNING)]), False),
        # Critical, since the subject is empty (RFC 5280, section 4.2.1.6).
        (x509.SubjectAlternativeName(list(names)), True),
        # As they are: the newer extensions hold DER, the older ones a bare text.
        *(
            (x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False)
            for oid, value in stated.items()
        ),
    ]


def identifiers(key: Any, issuer: Any = None) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the identifiers of a certificate's key and of its issuer's, which strict verifiers ask for."""
    own = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    # A root may leave out the authority's identifier (RFC 5280, section 4.2.1.1).
    if issuer is None:
        return [own]
    return [own, (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False)]


_USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]
