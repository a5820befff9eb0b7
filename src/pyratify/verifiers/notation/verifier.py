"""The verifier of Notary Project signatures.

Notary Project, trust-store-trust-policy.md, "Signature Verification"; the numbers below are the steps of that chapter.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import ConfigurationError, Failure, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.verifiers.notation.policy import (
    SKIP_LEVEL,
    Check,
    StoreName,
    TrustPolicy,
    TrustPolicyDocument,
)

if TYPE_CHECKING:
    from pyratify.pki.chain import Chain
    from pyratify.verifiers.notation.anchors import Anchors, ChainCache
    from pyratify.verifiers.notation.envelope import Envelope
    from pyratify.verifiers.notation.steps import Checks

ARTIFACT_TYPE = "application/vnd.cncf.notary.signature"
MAX_ENVELOPE = 4 * 1024 * 1024
_NONE: Mapping[str, str] = MappingProxyType({})


class NotationVerifier:
    """Verifies signatures against trust policies and trust stores.

    Args:
        name: The name by which policies refer to this verifier.
        trust_policy: Who is trusted for what.
        trust_stores: Certificates, not yet parsed, for every trust store that the policy names.
        clock: Where the time comes from.
        required_metadata: What the signer must have written into every signature.
        strict_extensions: Refuse certificates with critical extensions that the specification leaves unread.

    Raises:
        ConfigurationError: The policy names a trust store that is not given.
    """

    def __init__(
        self,
        name: str,
        trust_policy: TrustPolicyDocument,
        trust_stores: Mapping[StoreName, tuple[KeyMaterial, ...]],
        clock: Clock,
        *,
        required_metadata: Mapping[str, str] = _NONE,
        strict_extensions: bool = False,
    ) -> None:
        self._name = name
        self._policy = trust_policy
        self._stores = {store: trust_stores.get(store, ()) for store in trust_policy.stores}
        self._clock = clock
        self._required_metadata = required_metadata
        self._strict_extensions = strict_extensions
        self._ready: tuple[Anchors, ChainCache] | None = None
        for store, documents in self._stores.items():
            if not documents:
                raise ConfigurationError(
                    f"the trust policy names the trust store {store}, which has no certificates",
                    reason=Reason.KEY_UNAVAILABLE,
                )

    @property
    def name(self) -> str:
        """The name by which policies refer to this verifier."""
        return self._name

    async def prepare(self) -> None:
        """Parse the certificates of the trust stores; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID`: a document that is no certificate, or one that cannot be an anchor.
        """
        self._prepared()

    def accepts(self, manifest: Manifest) -> bool:
        """Accept Notary Project signatures: by artifact type, or by the config's media type where there is none."""
        return manifest.artifact_type == ARTIFACT_TYPE

    async def verify(self, evidence: Evidence) -> Details:
        """Verify one signature.

        Raises:
            VerificationError: `POLICY_NOT_FOUND`; `ENVELOPE_MALFORMED` where there is not exactly one envelope; `SIZE_EXCEEDED`;
                `NotationFailure` for a validation that the policy enforces; `PLUGIN_REQUIRED`; `METADATA_MISMATCH`.
            StoreError: The envelope could not be read.
        """
        policy = self._policy.select(evidence.reference)  # 1
        if policy is None:
            raise VerificationError(
                Reason.POLICY_NOT_FOUND, f"no trust policy covers {evidence.reference.name}"
            )
        if policy.level == SKIP_LEVEL:  # 2.1
            return _skipped(policy)
        layer = _envelope_of(evidence.manifest)
        data = await evidence.blob(layer)
        return self._verify(data, layer.media_type, evidence, policy)

    def _verify(self, data: bytes, media_type: str, evidence: Evidence, policy: TrustPolicy) -> Details:
        from pyratify.verifiers.notation import steps

        anchors, chains = self._prepared()
        checks, now = steps.Checks(policy), self._clock.now()
        signature = _Integrity(data, media_type, evidence, chains)
        checks.run(Check.INTEGRITY, signature.check)  # 3
        envelope, chain = signature.envelope, signature.chain
        _refuse_plugin(envelope)
        self._extensions(chain, checks)
        checks.run(  # 4
            Check.AUTHENTICITY, lambda: steps.check_authenticity(envelope, chain, policy, anchors)
        )
        checks.run(Check.EXPIRY, lambda: steps.check_expiry(envelope, now))  # 5
        checks.run(  # 6
            Check.AUTHENTIC_TIMESTAMP, lambda: steps.check_timestamp(envelope, chain, policy, now)
        )
        checks.leave_out(Check.REVOCATION)  # 7
        signature.check_metadata(self._required_metadata)  # 9
        return Details(
            "Notation signature verification succeeded" + (", with warnings" if checks.warnings else ""),
            (chain.leaf.spki,) if checks.is_authentic else (),
            steps.facts(envelope, chain, checks),
            tuple(checks.warnings),
        )

    def _extensions(self, chain: "Chain", checks: "Checks") -> None:
        """Report critical extensions that are not evaluated ("Certificate Requirements", other requirements, 2)."""
        if not chain.unevaluated:
            return
        message = f"critical extensions are not evaluated: {', '.join(chain.unevaluated)}"
        if self._strict_extensions:
            raise VerificationError(Reason.CERT_CRITICAL_EXT, message)
        checks.warn(Reason.CERT_CRITICAL_EXT, message)

    def _prepared(self) -> "tuple[Anchors, ChainCache]":
        from pyratify.verifiers.notation.anchors import ChainCache, load_anchors

        if self._ready is None:
            self._ready = load_anchors(self._stores), ChainCache()
        return self._ready


class _Integrity:
    """The integrity of one envelope (step 3), and what it yields."""

    def __init__(self, data: bytes, media_type: str, evidence: Evidence, chains: "ChainCache") -> None:
        self._data = data
        self._media_type = media_type
        self._subject = evidence.subject
        self._chains = chains
        self._metadata: Mapping[str, str] = {}
        self.envelope: Envelope
        self.chain: Chain

    def check(self) -> None:
        """Read the envelope, validate its chain, verify the signature and compare the payload with the subject."""
        from pyratify.verifiers.notation.envelope import parse_envelope
        from pyratify.verifiers.notation.payload import check_payload
        from pyratify.verifiers.notation.steps import check_signature

        self.envelope = parse_envelope(self._data, self._media_type)  # 3.1, 3.2
        self.chain = self._chains.validate(self.envelope.chain)  # 3.3
        check_signature(self.envelope, self.chain)  # 3.4, 3.5
        self._metadata = check_payload(self.envelope.payload, self._subject)  # 3.6

    def check_metadata(self, required: Mapping[str, str]) -> None:
        """Compare the signed metadata with what is required."""
        from pyratify.verifiers.notation.payload import check_metadata

        check_metadata(self._metadata, required)


def _envelope_of(manifest: Manifest) -> Descriptor:
    if len(manifest.layers) != 1:
        raise VerificationError(
            Reason.ENVELOPE_MALFORMED,
            f"a signature's manifest has exactly one envelope, and this one has {len(manifest.layers)}",
        )
    (layer,) = manifest.layers
    if layer.size > MAX_ENVELOPE:
        raise VerificationError(
            Reason.SIZE_EXCEEDED, f"the envelope has {layer.size} bytes, more than {MAX_ENVELOPE}"
        )
    return layer


def _refuse_plugin(envelope: "Envelope") -> None:
    """Refuse signatures whose verification is a plugin's business (signature-specification.md, "Guidelines")."""
    if envelope.plugin is not None:
        raise VerificationError(
            Reason.PLUGIN_REQUIRED, f"the signature must be verified by the plugin {envelope.plugin[:120]!r}"
        )


def _skipped(policy: TrustPolicy) -> Details:
    message = f"Nothing was verified: the trust policy {policy.name!r} skips signature verification"
    return Details(
        message,
        data={
            "trustPolicy": policy.name,
            "level": policy.level,
            "checks": {str(check): "skipped" for check in Check},
        },
        warnings=(
            Failure(
                Reason.EVIDENCE_UNSIGNED,
                message,
                "Use the level strict, permissive or audit where signatures are to be verified.",
            ),
        ),
    )
