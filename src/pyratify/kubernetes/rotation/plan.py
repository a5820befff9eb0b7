"""What to do about the certificates: a function of what there is and of the time.

A new authority comes in three steps, so that a client that trusts what it is told to trust never meets a certificate it does not
know: it is announced beside the old one, then it signs a server certificate, and when every replica serves that, the old one goes.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from pyratify.kubernetes.rotation.authority import Lifetimes, encode, make_authority, make_leaf
from pyratify.kubernetes.rotation.secret_contents import (
    Findings,
    Identity,
    Material,
    Service,
    bundle,
    examine,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_MAX_OLD = 3


class Step(StrEnum):
    """One step."""

    KEEP = "keep"
    """Nothing is to be done."""
    LEAVE = "leave"
    """Somebody else takes care of the Secret; it is served, and never written."""
    START = "start"
    """Nothing can be used: a new authority and a new server certificate, at once."""
    ANNOUNCE = "announce"
    """A new authority, trusted beside the old one, which is still the one in use."""
    ISSUE = "issue"
    """A new server certificate of the authority."""
    RETIRE = "retire"
    """The old authorities are trusted no more."""


@dataclass(frozen=True, slots=True)
class World:
    """What the Secret does not say.

    Attributes:
        announced: Whether every client has been told of every authority, and had the time to hear it.
        adopted: Whether every replica serves the server certificate of the moment.
    """

    announced: bool = False
    adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that a decision depends on.

    Attributes:
        material: What the Secret holds.
        service: Whom the certificate is for.
        now: The time, aware and in UTC.
        world: What else is known.
        lifetimes: How long everything lasts.
        found: The material, examined.
    """

    material: Material
    service: Service
    now: datetime
    world: World = field(default_factory=World)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    found: Findings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", examine(self.material))

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else put a whole certificate there: one with its key, not marked as ours, and no authority's key."""
        theirs = not self.material.ours and not self.material.authority_key
        return theirs and self.found.leaf is not None

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
    def authority(self) -> Identity | None:
        """The authority that can sign now."""
        found = self.found.authority
        return found if found is not None and found.is_valid(self.now) else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do.

    Attributes:
        step: The step.
        why: Why, for the log.
    """

    step: Step
    why: str


def decide(at: Situation) -> Decision:
    """Decide what to do now."""
    if at.is_foreign:
        return Decision(Step.LEAVE, "the certificate in the Secret is not ours")
    fresh = Step.ANNOUNCE if at.is_serving else Step.START
    if at.authority is None:
        return Decision(fresh, "there is no authority that can sign")
    if at.authority.ends - at.now < at.lifetimes.renew_authority:
        return Decision(fresh, "the authority ends soon")
    if at.found.leaf is None or not at.is_serving:
        return Decision(Step.ISSUE, "there is no server certificate that can be used")
    if at.found.issuer != at.authority.certificate:
        return _decide_overlap(at, at.found.leaf)
    return _decide_leaf(at, at.found.leaf)


def carry_out(step: Step, at: Situation) -> Material:
    """Return what the Secret is to hold after the step."""
    authority = at.found.authority
    if step is Step.START:
        authority = make_authority(at.service, at.now, at.lifetimes)
        return _written((authority.certificate,), authority, _leaf(at, authority))
    if step is Step.ANNOUNCE:
        authority = make_authority(at.service, at.now, at.lifetimes)
        trusted = bundle((authority.certificate, *_old(at)))
        key = encode(authority)[1]
        return replace(at.material, authorities=trusted, authority_key=key, ours=True)
    if step is Step.ISSUE and authority is not None:
        others = tuple(one for one in at.found.trusted if one != authority.certificate)
        return _written((authority.certificate, *others), authority, _leaf(at, authority))
    if step is Step.RETIRE and authority is not None:
        return replace(at.material, authorities=bundle((authority.certificate,)), ours=True)
    return at.material


def unusable(found: Findings, now: datetime) -> str:
    """Return why the server certificate cannot be served, or an empty text."""
    if found.leaf is None:
        return "it has no server certificate with its key"
    if now > found.leaf.ends:
        return f"its server certificate ended at {found.leaf.ends:%Y-%m-%dT%H:%M:%SZ}"
    if now < found.leaf.begins:
        return f"its server certificate begins at {found.leaf.begins:%Y-%m-%dT%H:%M:%SZ}"
    return ""


def _decide_overlap(at: Situation, leaf: Identity) -> Decision:
    """Decide while the server certificate is still of an older authority."""
    if at.world.announced:
        return Decision(Step.ISSUE, "everybody knows the new authority")
    if leaf.ends - at.now < at.lifetimes.urgent:
        return Decision(Step.ISSUE, "the server certificate ends before everybody knows the new authority")
    return Decision(Step.KEEP, "the new authority is being announced")


def _decide_leaf(at: Situation, leaf: Identity) -> Decision:
    """Decide while the server certificate is of the authority that signs."""
    if leaf.ends - at.now < at.lifetimes.renew_leaf:
        return Decision(Step.ISSUE, "the server certificate ends soon")
    if not at.found.names.issuperset(at.service.names):
        return Decision(Step.ISSUE, "the server certificate lacks a name of the service")
    served = at.now - (leaf.begins + at.lifetimes.backdate)
    if len(at.found.trusted) > 1 and at.world.adopted and served >= at.lifetimes.overlap:
        return Decision(Step.RETIRE, "every replica serves the new certificate")
    return Decision(Step.KEEP, "everything is as it should be")


def _old(at: Situation) -> "tuple[Certificate, ...]":
    """Return the authorities that are still needed: that of the server certificate first, and none that has ended."""
    rest = (one for one in at.found.trusted if at.now <= one.not_valid_after_utc)
    return tuple(dict.fromkeys((*at.issuer, *rest)))[:_MAX_OLD]


def _leaf(at: Situation, authority: Identity) -> Identity:
    return make_leaf(at.service, authority, at.now, at.lifetimes)


def _written(trusted: "tuple[Certificate, ...]", authority: Identity, leaf: Identity) -> Material:
    certificate, key = encode(leaf)
    return Material(
        authorities=bundle(trusted),
        authority_key=encode(authority)[1],
        certificate=certificate,
        key=key,
        ours=True,
    )
