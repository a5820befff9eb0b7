"""Trust policies: which signers count for which repositories; and the one that covers a reference."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Generic, TypeVar

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import EVERYTHING, ScopeMap
from pyratify.sigstore.authenticator import Authenticator, load_authenticator
from pyratify.sigstore.requirements import SignatureRequirements

_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy(SignatureRequirements):
    """Which signers count for which repositories; one signature must meet all of it.

    Attributes:
        scopes: The repositories that the policy is for, as in `pyratify.core.scope`.
        annotations: What the signer must have signed besides the digest.
        ignored: The checks that the configuration turns off (`tlog`, `ctlog`, `observerTimestamps`), for the report.

    Raises:
        ConfigurationError: As in `SignatureRequirements`; or no scope.
    """

    scopes: tuple[str, ...] = (EVERYTHING,)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NO_ANNOTATIONS, hash=False)
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # `super()` without arguments fails in a dataclass with slots: the class is made anew.
        SignatureRequirements.__post_init__(self)
        # Empty matches nothing, so the policy would silently never apply.
        if not self.scopes:
            raise ConfigurationError("a cosign trust policy needs at least one scope", path="scopes")


P = TypeVar("P", bound=TrustPolicy)


class TrustPolicies(Generic[P]):
    """The trust policies of a verifier, each with its keys and trusted roots.

    Making one is cheap: keys and trusted roots are parsed, and what parses them imported, by `prepare` or at the first
    signature.

    Args:
        kind: What the verifier is called in messages, as `cosign`.
        policies: The trust policies; the one with the most specific scope decides.
        clock: Refuses timestamps of the future.
        preload: Imports what reading signatures needs; called where keys are parsed, beside the network.

    Raises:
        ConfigurationError: No policy, or a scope that is malformed or given twice.
    """

    def __init__(
        self, kind: str, policies: Iterable[P], clock: Clock, preload: Callable[[], None] = lambda: None
    ) -> None:
        self._kind = kind
        self._policies = tuple(policies)
        self._clock = clock
        self._preload = preload
        # Duplicate scopes are refused here: otherwise the order of the policies would decide.
        self._scopes = ScopeMap(
            (scope, index) for index, policy in enumerate(self._policies) for scope in policy.scopes
        )
        if not self._policies:
            raise ConfigurationError(
                f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} verifier needs at least one trust policy",
                path="trustPolicies",
            )
        self._authenticators: tuple[Authenticator, ...] = ()

    async def prepare(self) -> None:
        """Parse keys and trusted roots in a thread; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID` or `TRUST_ROOT` with the origin of what cannot be used, or too many keys.
        """
        # No lock: two that start at once load the same, and the last one stays.
        if not self._authenticators:
            self._authenticators = await asyncio.to_thread(self._load)

    async def covering(self, reference: Reference) -> tuple[P, Authenticator]:
        """Return the trust policy for a repository, and what authenticates signatures by it.

        Raises:
            VerificationError: `POLICY_NOT_FOUND`: no trust policy covers the repository.
            InconclusiveError: A configured key or trusted root cannot be used.
        """
        # By the verified reference, never by a name in the signature.
        index = self._scopes.match(reference)
        if index is None:
            # Uncovered is refused, not skipped: a missing scope must not turn verification off.
            raise VerificationError(
                Reason.POLICY_NOT_FOUND, f"no {self._kind} trust policy covers {reference.name}"
            )
        try:
            await self.prepare()
        except ConfigurationError as error:
            # The configuration's fault says nothing about the artifact, so nothing is denied for it.
            raise InconclusiveError(error.reason, error.message, remedy=error.remedy) from error
        return self._policies[index], self._authenticators[index]

    def _load(self) -> tuple[Authenticator, ...]:
        self._preload()
        return tuple(load_authenticator(policy, self._clock) for policy in self._policies)
