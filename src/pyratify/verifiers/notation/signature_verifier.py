"""The verification of one Notary Project signature, of an image or of a file.

Notary Project, trust-store-trust-policy.md, "Signature Verification"; the numbers below are the steps of that chapter.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, Failure, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.verifiers.notation.trust_policy import (
    SKIP_LEVEL,
    BlobPolicyDocument,
    Check,
    StoreName,
    TrustPolicy,
    TrustPolicyDocument,
)

if TYPE_CHECKING:
    from pyratify.pki.certificates import Certificate
    from pyratify.pki.chain import Chain
    from pyratify.pki.revocation.checker import RevocationChecker
    from pyratify.verifiers.notation.authentic_time import AuthenticTime
    from pyratify.verifiers.notation.envelope import Envelope
    from pyratify.verifiers.notation.plugin_verification import VerificationPlugin
    from pyratify.verifiers.notation.signed_payload import TargetArtifact
    from pyratify.verifiers.notation.trust_anchors import Anchors
    from pyratify.verifiers.notation.validations import Validations
    from pyratify.verifiers.notation.verification_plugins import VerificationPlugins
    from pyratify.verifiers.notation.verified_cache import ChainCache, TimestampCache

REVOCATION_SECONDS = 10.0
Document = TypeVar("Document", TrustPolicyDocument, BlobPolicyDocument)
_NONE: Mapping[str, str] = MappingProxyType({})


class SignatureVerifier(Generic[Document]):
    """Verifies signatures against trust stores and the statements of trust policies.

    Args:
        name: The name by which policies refer to this verifier.
        trust_policy: The trust policy document.
        trust_stores: Certificates, not yet parsed, for every trust store that the policy names.
        required_metadata: Metadata that every signature must have.
        strict_extensions: Refuse certificates with critical extensions that the specification leaves unread.
        revocation: Looks up revocation; over plain http, with a cache of this verifier alone, when omitted.
        cache: A persistent cache for that.
        revocation_seconds: The most time for looking up the chains of one signature.
        plugins: The verification plugins that signatures may ask for; none when omitted.

    Raises:
        ConfigurationError: The policy names a trust store that is not given.
    """

    def __init__(
        self,
        name: str,
        trust_policy: Document,
        trust_stores: Mapping[StoreName, tuple[KeyMaterial, ...]],
        clock: Clock,
        *,
        required_metadata: Mapping[str, str] = _NONE,
        strict_extensions: bool = False,
        revocation: "RevocationChecker | None" = None,
        cache: ContentCache | None = None,
        revocation_seconds: float = REVOCATION_SECONDS,
        plugins: "VerificationPlugins | None" = None,
    ) -> None:
        self._name = name
        self._policy: Document = trust_policy
        self._stores = {store: trust_stores.get(store, ()) for store in trust_policy.stores}
        self._clock = clock
        self._required_metadata = required_metadata
        self._strict_extensions = strict_extensions
        self._revocation = revocation
        self._cache = cache
        self._revocation_seconds = revocation_seconds
        self._plugins = plugins
        self._ready: _Prepared | None = None
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
        """Parse the certificates of the trust stores in a thread; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID`: a document that is not a certificate, or one that cannot be an anchor.
        """
        await asyncio.to_thread(self._prepared)

    async def verify_envelope(
        self, data: bytes, media_type: str, target: "TargetArtifact", policy: TrustPolicy
    ) -> Details:
        """Verify one envelope under one statement of the trust policy.

        Args:
            data: The envelope.
            media_type: Its media type.
            target: What it must be a signature of.
            policy: The statement.

        Raises:
            VerificationError: `NotationFailure` for a validation that the policy enforces; `PLUGIN_REQUIRED`;
                `METADATA_MISMATCH`.
            InconclusiveError: `REVOCATION_UNKNOWN`, where the policy enforces revocation.
        """
        if policy.level == SKIP_LEVEL:  # 2.1
            return skipped(policy)
        from pyratify.verifiers.notation import validations
        from pyratify.verifiers.notation.integrity_check import IntegrityCheck

        ready = self._prepared()
        checks, now = validations.Validations(policy), self._clock.now()  # one time for all steps
        integrity = IntegrityCheck(data, media_type, target, ready.chains)
        await checks.wait_for(Check.INTEGRITY, lambda: offload(len(data), integrity.check))  # 3
        envelope, chain = integrity.envelope, integrity.chain
        self._extensions(chain, checks)
        plugin = await self._authenticate(
            envelope, chain, checks
        )  # 4, and 8 where the signature names a plugin
        checks.run(Check.EXPIRY, lambda: validations.check_expiry(envelope, now))  # 5
        time = self._authentic_time(envelope, chain, policy, now)
        await checks.wait_for(Check.AUTHENTIC_TIMESTAMP, time.check)  # 6
        await checks.wait_for(Check.REVOCATION, lambda: _check_revocation(time, checks, plugin))  # 7
        integrity.check_metadata(self._required_metadata)  # 9
        return Details(
            "Notation signature verification succeeded" + (", with warnings" if checks.warnings else ""),
            (chain.leaf.spki,) if checks.is_authentic else (),  # an untrusted key must not count as a signer
            validations.facts(time, checks),
            tuple(checks.warnings),
            _valid_until(envelope, chain, now),
        )

    async def _authenticate(
        self, envelope: "Envelope", chain: "Chain", checks: "Validations"
    ) -> "VerificationPlugin | None":
        """Check authenticity, with the plugin that the signature names, if any.

        A plugin may do the trust policy's part about the identity (signature-specification.md, "Guidelines"), so the chain
        is verified first: an envelope with an untrusted chain must not start a program, not even to read its metadata.
        """
        from pyratify.verifiers.notation import validations

        policy, anchors = checks.policy, self._prepared().anchors
        if envelope.plugin is None:
            checks.run(
                Check.AUTHENTICITY, lambda: validations.check_authenticity(envelope, chain, policy, anchors)
            )
            return None
        from pyratify.verifiers.notation.plugin_verification import check_plugin, start_plugin

        plugins = check_plugin(envelope, self._plugins)  # whatever the level: nothing may be left unprocessed
        checks.run(Check.AUTHENTICITY, lambda: validations.check_trust(envelope, chain, policy, anchors))
        if not checks.is_authentic:
            _refuse_unprocessed(envelope)
            return None
        plugin = await start_plugin(envelope, policy, plugins)
        if not plugin.identifies:
            checks.run(Check.AUTHENTICITY, lambda: validations.check_identity(chain, policy))
        if checks.is_authentic:
            await plugin.ask(envelope, policy)
            if plugin.identifies:
                checks.run(Check.AUTHENTICITY, plugin.check_identity)
        else:
            _refuse_unprocessed(envelope)
        return plugin

    def _extensions(self, chain: "Chain", checks: "Validations") -> None:
        """Report critical extensions that are not evaluated ("Certificate Requirements", other requirements, 2)."""
        if not chain.unevaluated:
            return
        message = f"critical extensions are not evaluated: {', '.join(chain.unevaluated)}"
        if self._strict_extensions:
            raise VerificationError(Reason.CERT_CRITICAL_EXT, message)
        checks.warn(Reason.CERT_CRITICAL_EXT, message)

    def _authentic_time(
        self, envelope: "Envelope", chain: "Chain", policy: TrustPolicy, now: datetime
    ) -> "AuthenticTime":
        from pyratify.verifiers.notation.authentic_time import AuthenticTime
        from pyratify.verifiers.notation.revocation_check import RevocationLookup

        ready = self._prepared()
        stores = policy.stores_of("tsa")
        authorities = tuple(certificate for store in stores for certificate in ready.authorities[store])
        deadline = self._clock.monotonic() + self._revocation_seconds  # for both chains
        lookup = RevocationLookup(ready.revocation, deadline)
        return AuthenticTime(envelope, chain, policy, authorities, ready.timestamps, lookup, now)

    def _prepared(self) -> "_Prepared":
        from pyratify.verifiers.notation import validations  # noqa: F401 - before they are needed
        from pyratify.verifiers.notation.trust_anchors import load_anchors, timestamp_authorities
        from pyratify.verifiers.notation.verified_cache import ChainCache, TimestampCache

        if self._ready is None:  # no lock: two threads at worst parse the same certificates twice
            anchors = load_anchors(self._stores)
            checker = self._revocation or _own_checker(self._clock, self._cache)
            authorities = timestamp_authorities(anchors)
            self._ready = _Prepared(anchors, authorities, ChainCache(), TimestampCache(), checker)
        return self._ready


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Parsed configuration, with the caches that belong to it."""

    anchors: "Anchors"
    authorities: "Mapping[StoreName, tuple[Certificate, ...]]"
    chains: "ChainCache"
    timestamps: "TimestampCache"
    revocation: "RevocationChecker"


def _own_checker(clock: Clock, cache: ContentCache | None) -> "RevocationChecker":
    from pyratify.pki.revocation.checker import RevocationChecker
    from pyratify.pki.revocation.fetch_http import HttpFetcher
    from pyratify.pki.revocation.remembered_responses import RevocationMemory
    from pyratify.pki.revocation.revocation_options import RevocationOptions

    return RevocationChecker(HttpFetcher(), RevocationMemory(clock, RevocationOptions(), cache))


def _refuse_unprocessed(envelope: "Envelope") -> None:
    """Refuse, whatever the level, critical attributes that the plugin was not asked about (RFC 7515, section 4.1.11)."""
    if envelope.delegated:
        raise VerificationError(
            Reason.CRIT_UNKNOWN,
            f"the critical attributes {', '.join(sorted(envelope.delegated))[:200]} are left to the plugin "
            f"{(envelope.plugin or '')[:120]!r}, which is not asked about a signer that is not trusted",
        )


async def _check_revocation(
    time: "AuthenticTime", checks: "Validations", plugin: "VerificationPlugin | None"
) -> None:
    """Look up the chain. Skip untrusted ones: neither their URLs nor a plugin may be made to act."""
    from pyratify.pki.revocation.distribution_points import can_be_looked_up
    from pyratify.verifiers.notation.revocation_check import unknown

    delegated = time.envelope.plugin is not None
    # All but the root, whose revocation nothing above it could state.
    if not checks.is_authentic and (delegated or any(map(can_be_looked_up, time.chain.certificates[:-1]))):
        raise unknown("the signer is not trusted, so the revocation of its chain is not looked up")
    if plugin is not None and plugin.looks_up:
        plugin.check_revocation()
    else:
        await time.lookup.check(time.chain, time.signed_at)


def _valid_until(envelope: "Envelope", chain: "Chain", now: datetime) -> datetime | None:
    """Return when the first certificate or the signature expires; what had expired before was judged already."""
    ends = [certificate.not_after for certificate in chain.certificates]
    ends += [envelope.expiry] if envelope.expiry else []
    return min((end for end in ends if end > now), default=None)


def skipped(policy: TrustPolicy) -> Details:
    """Return the report for a statement of level skip."""
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
