"""Keyless bundles of a file, verified under the trusted roots of private Sigstore instances."""

import hashlib
import json
from typing import Any

from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.testing.cosign import statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import SIGNED_AT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy

FILE = b"a package"
PROVENANCE = "https://slsa.dev/provenance/v1"
SIGSTORE, GITHUB = PrivateSigstore(), PrivateSigstore("github")
LOGGED = Signing(log=1)


def identity(root: KeyMaterial, **terms: Any) -> CosignTrustPolicy:
    """Trust the identity under a root."""
    terms = {"certificate_logs": 0, **terms}
    return CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=root, **terms)


def judge(bundle: dict[str, Any], policy: CosignTrustPolicy) -> Reason | None:
    """Return why a bundle for the file is refused by a policy; None where it is accepted."""
    try:
        trusted = load_authenticator(policy, FakeClock(SIGNED_AT))
        verify_blob(json.dumps(bundle).encode(), Artifact.of(FILE), trusted)
    except (VerificationError, ConfigurationError) as error:
        return error.reason
    return None


def digests(*algorithms: str, data: bytes = FILE) -> dict[str, str]:
    """Return the digests of the file."""
    return {name: hashlib.new(name, data).hexdigest() for name in algorithms}


def about(*subjects: dict[str, str], kind: str = PROVENANCE) -> dict[str, Any]:
    """Return a statement about subjects with these digests."""
    return {
        **statement(Digest.of(FILE), predicate_type=kind),
        "subject": [{"name": "pkg:npm/a@1", "digest": each} for each in subjects],
    }
