"""How statements are attached: sigstore bundles, cosign's `.att` tags, DSSE envelopes as they are, and files with several of them."""

from collections.abc import Mapping

from pyratify.core.limits import MIB
from pyratify.core.manifest import Manifest
from pyratify.sigstore.media_types import BUNDLE_FAMILY, IN_TOTO

DSSE = "application/vnd.dsse.envelope.v1+json"
_ENVELOPES = (DSSE, IN_TOTO)
# `application/vnd.in-toto.<predicate>+dsse` (in-toto attestation framework, "Envelope", storage convention); a hint, as any type is.
_OF_PREDICATE = ("application/vnd.in-toto.", "+dsse")
IN_TOTO_BUNDLE = "application/vnd.in-toto.bundle"
"""Bundles or envelopes, one in each line (in-toto attestation framework, "Bundle")."""
RATIFY_V1 = "slsa/attestation"
"""The artifact type of such files in the documentation of Ratify v1's verifier `slsa`; `oras attach` gives their layers that of an image's."""
MAX_ATTESTATION = 16 * MIB
"""Bytes of one bundle or envelope: SBOMs of large images have several MiB, and base64 adds a third."""
MAX_TOKENS = 500_000
"""Of one statement: five times what signatures may have, some 50 MiB once parsed."""
_TYPES = (IN_TOTO_BUNDLE, RATIFY_V1)
# Annotations of manifests with bundles (cosign BUNDLE_SPEC, "Annotations").
_CONTENT = "dev.sigstore.bundle.content"
_PREDICATE = "dev.sigstore.bundle.predicateType"
_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"


def holds_statements(manifest: Manifest) -> bool:
    """Return whether the manifest declares statements: by its type, or by that of a layer."""
    types = (manifest.artifact_type or "", *(layer.media_type for layer in manifest.layers))
    return any(each.startswith(BUNDLE_FAMILY) or each in _TYPES or is_envelope(each) for each in types)


def is_envelope(media_type: str) -> bool:
    """Return whether a layer of this type holds a DSSE envelope, or a statement as it is."""
    begin, end = _OF_PREDICATE
    return media_type in _ENVELOPES or (media_type.startswith(begin) and media_type.endswith(end))


def is_signature(annotations: Mapping[str, str]) -> bool:
    """Return whether a bundle announces that it is a plain signature of the image, which verifiers of signatures read.

    A hint that is not signed: what it leads to is that a bundle does not count as a statement.
    """
    return annotations.get(_CONTENT) == "message-signature" or annotations.get(_PREDICATE) == _SIGNATURE
