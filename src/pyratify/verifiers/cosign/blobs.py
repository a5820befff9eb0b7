"""Bundles that lie beside their artifact as files, without a registry (`cosign verify-blob`, `ratify verify-bundle`)."""

from pyratify.core.verifier import Details
from pyratify.pki.dsse import DsseEnvelope
from pyratify.verifiers.cosign.bundle import parse_bundle
from pyratify.verifiers.cosign.bundle_material import Artifact, material_of, signed_of
from pyratify.verifiers.cosign.keyed import TrustedKeys
from pyratify.verifiers.cosign.payload import read_statement
from pyratify.verifiers.cosign.trusting import Trusting


def verify_blob(data: bytes, artifact: Artifact, trusted: TrustedKeys | Trusting) -> Details:
    """Verify a bundle for an artifact.

    Args:
        data: The bundle's bytes.
        artifact: What must have been signed; where the bundle holds a statement, one of its subjects.
        trusted: The policy, loaded by `load_policy`.

    Raises:
        VerificationError: The bundle is no evidence for the artifact.
    """
    bundle = parse_bundle(data)
    material = material_of(bundle, signed_of(bundle, artifact))
    if isinstance(bundle.content, DsseEnvelope):
        read_statement(bundle.content.payload, artifact.digest)
    signer, facts = trusted.authenticate(material)
    return Details(
        f"1 trusted {trusted.noun} signed this artifact",
        (signer,),
        {"format": "sigstore-bundle", **facts},
    )
