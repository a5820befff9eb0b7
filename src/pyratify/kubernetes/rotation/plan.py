"""Decide the next step of the rotation: a pure function of the Secret, the cluster and the time.

A new authority comes in three steps, so that no client meets a certificate that it does not trust yet: it is announced beside
the old one, then it signs a server certificate, and when every replica serves that, the old one is removed.
"""

from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass
from pyratify.kubernetes.rotation.authority import Lifetimes, encode, make_authority, make_leaf
from pyratify.kubernetes.rotation.secret_contents import (
    CertifiedKey,
    Findings,
    SecretContents,
    ServiceNames,
    bundle,
    examine,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_MAX_OLD = 3


class Step(StrEnum):
    """One step of the rotation."""

    KEEP = "keep"
    """Change nothing."""
    LEAVE = "leave"
    """The Secret is managed by other means: serve it, and never write it."""
    START = "start"
    """Make a new authority and a new server certificate at once, because none can be used."""
    ANNOUNCE = "announce"
    """Add a new authority, trusted beside the one in use."""
    ISSUE = "issue"
    """Make a new server certificate of the authority."""
    RETIRE = "retire"
    """Remove the old authorities."""


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What is known beside the Secret.

    Attributes:
        announced: Whether every bundle has had every authority for the settling time.
        adopted: Whether every replica serves the current server certificate.
    """

    announced: bool = False
    adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The inputs of a decision.

    Attributes:
        contents: The contents of the Secret.
        service: The service that the certificate is for.
        now: The time, aware and in UTC.
        cluster_state: What is known beside the Secret.
        lifetimes: Periods of certificates and of their renewal.
        found: The contents, examined.
    """

    contents: SecretContents
    service: ServiceNames
    now: datetime
    cluster_state: ClusterState = field(default_factory=ClusterState)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    found: Findings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", examine(self.contents))

    @property
    def is_foreign(self) -> bool:
        """Whether other means put a whole certificate there: with its key, without the mark of a rotator and without an authority's key."""
        foreign = not self.contents.managed and not self.contents.authority_key
        return foreign and self.found.leaf is not None

    @property
    def is_serving(self) -> bool:
        """Whether clients that trust what is in `ca.crt` accept the server certificate now."""
        return bool(self.issuer) and not unusable(self.found, self.now)

    @property
    def issuer(self) -> "tuple[Certificate, ...]":
        """The authority of the server certificate, unless there is none or it has ended."""
        issuer = self.found.issuer
        return (issuer,) if issuer is not None and self.now <= issuer.not_valid_after_utc else ()

    @property
    def authority(self) -> CertifiedKey | None:
        """The authority that can sign now."""
        found = self.found.authority
        return found if found is not None and found.is_valid(self.now) else None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A decision.

    Attributes:
        step: The step.
        why: The reason, for the log.
    """

    step: Step
    why: str


def decide(at: Situation) -> PlannedStep:
    """Decide what to do now."""
    if at.is_foreign:  # first: no later step may write such a Secret
        return PlannedStep(Step.LEAVE, "the certificate in the Secret is managed by other means")
    # Announcing takes time, which is there only while clients accept what is served.
    fresh = Step.ANNOUNCE if at.is_serving else Step.START
    if at.authority is None:
        return PlannedStep(fresh, "there is no authority that can sign")
    if at.authority.ends - at.now < at.lifetimes.renew_authority:
        return PlannedStep(fresh, "the authority ends soon")
    if at.found.leaf is None or not at.is_serving:
        return PlannedStep(Step.ISSUE, "there is no server certificate that can be used")
    if at.found.issuer != at.authority.certificate:
        return _decide_overlap(at, at.found.leaf)
    return _decide_leaf(at, at.found.leaf)


def carry_out(step: Step, at: Situation) -> SecretContents:
    """Return the contents of the Secret after the step."""
    authority = at.found.authority
    if step is Step.START:
        authority = make_authority(at.service, at.now, at.lifetimes)
        return _written((authority.certificate,), authority, _leaf(at, authority))
    if step is Step.ANNOUNCE:
        authority = make_authority(at.service, at.now, at.lifetimes)
        trusted = bundle((authority.certificate, *_old(at)))
        key = encode(authority)[1]  # the old authority signs no more, so its key is dropped
        return replace(at.contents, authorities=trusted, authority_key=key, managed=True)
    if step is Step.ISSUE and authority is not None:
        # The old ones stay trusted, because other replicas serve their certificates until they read this one.
        others = tuple(one for one in at.found.trusted if one != authority.certificate)
        return _written((authority.certificate, *others), authority, _leaf(at, authority))
    if step is Step.RETIRE and authority is not None:
        return replace(at.contents, authorities=bundle((authority.certificate,)), managed=True)
    return at.contents


def unusable(found: Findings, now: datetime) -> str:
    """Return why the server certificate cannot be served, or an empty text."""
    if found.leaf is None:
        return "it has no server certificate with its key"
    if now > found.leaf.ends:
        return f"its server certificate ended at {found.leaf.ends:%Y-%m-%dT%H:%M:%SZ}"
    if now < found.leaf.begins:
        return f"its server certificate begins at {found.leaf.begins:%Y-%m-%dT%H:%M:%SZ}"
    return ""


def _decide_overlap(at: Situation, leaf: CertifiedKey) -> PlannedStep:
    """Decide while the server certificate is still of an older authority."""
    if at.cluster_state.announced:
        return PlannedStep(Step.ISSUE, "all clients trust the new authority")
    # A certificate that is not trusted yet cuts off some clients, an expired one all of them.
    if leaf.ends - at.now < at.lifetimes.urgent:
        return PlannedStep(
            Step.ISSUE, "the server certificate ends before all clients trust the new authority"
        )
    return PlannedStep(Step.KEEP, "the new authority is being announced")


def _decide_leaf(at: Situation, leaf: CertifiedKey) -> PlannedStep:
    """Decide while the server certificate is of the authority that signs."""
    if leaf.ends - at.now < at.lifetimes.renew_leaf:
        return PlannedStep(Step.ISSUE, "the server certificate ends soon")
    if not at.found.names.issuperset(at.service.names):
        return PlannedStep(Step.ISSUE, "the server certificate lacks a name of the service")
    # Validity begins earlier than the certificate was made, by `backdate`.
    served = at.now - (leaf.begins + at.lifetimes.backdate)
    if len(at.found.trusted) > 1 and at.cluster_state.adopted and served >= at.lifetimes.overlap:
        return PlannedStep(Step.RETIRE, "every replica serves the new certificate")
    return PlannedStep(Step.KEEP, "nothing is due")


def _old(at: Situation) -> "tuple[Certificate, ...]":
    """Return the authorities that are still needed: that of the server certificate first, and none that has ended."""
    rest = (one for one in at.found.trusted if at.now <= one.not_valid_after_utc)
    return tuple(dict.fromkeys((*at.issuer, *rest)))[:_MAX_OLD]


def _leaf(at: Situation, authority: CertifiedKey) -> CertifiedKey:
    return make_leaf(at.service, authority, at.now, at.lifetimes)


def _written(
    trusted: "tuple[Certificate, ...]", authority: CertifiedKey, leaf: CertifiedKey
) -> SecretContents:
    certificate, key = encode(leaf)
    return SecretContents(
        authorities=bundle(trusted),
        authority_key=encode(authority)[1],
        certificate=certificate,
        key=key,
        managed=True,
    )
