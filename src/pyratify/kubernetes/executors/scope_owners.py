"""Who is responsible for which scope, among several resources: pure, and the same on every replica."""

from dataclasses import dataclass

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import SPEC, Part
from pyratify.kubernetes.executors.deny import refusing


@dataclass(frozen=True, slots=True)
class Claim:
    """What one resource is to decide about.

    Attributes:
        resource: The resource.
        part: What decides: it as it is, or as it last was valid; None where it must not.
        scopes: What its specification of the moment is for, and whatever else must not fall to others.
    """

    resource: Resource
    part: Part | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides about one scope.

    Attributes:
        scope: The scope.
        owner: The resource that is responsible, as messages call it.
        executor: The executor; one that denies where a resource is responsible that must not decide.
        part: What the executor belongs to; None for one that denies.
    """

    scope: str
    owner: str
    executor: Executor
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who decides.

    Attributes:
        deciders: For every scope one.
        conflicts: By the resource's uid, why it does not decide about all of its scopes.
    """

    deciders: tuple[Decider, ...]
    conflicts: dict[str, ConfigurationError]


def compose(claims: tuple[Claim, ...]) -> Plan:
    """Give every scope to one resource: the older one, and of two of the same age the one whose name comes first.

    A scope of a resource that must not decide is denied. It is never left to another resource's wider scope.
    """
    owners: dict[str, Resource] = {}
    deciders: list[Decider] = []
    conflicts: dict[str, ConfigurationError] = {}
    for claim in sorted(claims, key=lambda each: each.resource.age):
        served = claim.part.config.scopes if claim.part else ()
        for scope in dict.fromkeys((*claim.scopes, *served)):
            owner = owners.setdefault(scope, claim.resource)
            if owner is not claim.resource:
                conflicts.setdefault(claim.resource.uid, _conflict(claim, scope, owner))
            elif claim.part is not None and scope in served:
                deciders.append(Decider(scope, owner.title, claim.part.executor, claim.part))
            else:
                deciders.append(Decider(scope, owner.title, refusing(owner)))
    return Plan(tuple(deciders), conflicts)


def _conflict(claim: Claim, scope: str, owner: Resource) -> ConfigurationError:
    number = claim.scopes.index(scope) if scope in claim.scopes else 0
    return ConfigurationError(
        f"the scope {scope!r} belongs to {owner.title}, which is older",
        path=f"{SPEC}.scopes[{number}]",
        remedy="Remove it from one of the two.",
    )
