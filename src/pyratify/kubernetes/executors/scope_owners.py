"""Assign every scope to one of several resources: a pure function, with the same result on every replica."""

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import SPEC, BuiltExecutor
from pyratify.kubernetes.executors.deny import denying_executor


@dataclass(frozen=True, slots=True)
class ScopeClaim:
    """The scopes that one resource claims.

    Attributes:
        resource: The resource.
        built: Its executor, of its current or its last valid specification; None where its scopes are denied.
        scopes: Scopes of its current specification, and others that must not fall to another resource.
    """

    resource: Resource
    built: BuiltExecutor | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScopeOwner:
    """The owner of one scope.

    Attributes:
        scope: The scope.
        owner: The title of the resource that owns it.
        executor: The executor that decides; one that denies where the owner's specification is not valid.
        built: What the executor belongs to; None for one that denies.
    """

    scope: str
    owner: str
    executor: Executor
    built: BuiltExecutor | None = None


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """The owners of all scopes.

    Attributes:
        owners: One for every scope.
        conflicts: By the resource's uid, why it does not own all of its scopes.
    """

    owners: tuple[ScopeOwner, ...]
    conflicts: dict[str, ConfigurationError]


def assign_scopes(claims: tuple[ScopeClaim, ...]) -> ScopePlan:
    """Give every scope to the oldest resource that claims it; of two of the same age, to the first by name.

    A scope whose owner is not valid is denied. It never falls to another resource's wider scope.
    """
    holders: dict[str, Resource] = {}
    owners: list[ScopeOwner] = []
    conflicts: dict[str, ConfigurationError] = {}
    for claim in sorted(claims, key=lambda each: each.resource.age):
        # Not a tuple, because a tenant may write as many scopes as an object holds, and all of this runs on the event loop.
        served = dict.fromkeys(claim.built.config.scopes if claim.built else ())
        # With the served ones: an invalid update keeps the scopes of the last valid specification.
        for scope in dict.fromkeys((*claim.scopes, *served)):
            holder = holders.setdefault(scope, claim.resource)
            if holder is not claim.resource:
                if claim.resource.uid not in conflicts:  # the first suffices for a status
                    conflicts[claim.resource.uid] = _conflict(claim, scope, holder)
            elif claim.built is not None and scope in served:
                owners.append(ScopeOwner(scope, holder.title, claim.built.executor, claim.built))
            else:
                owners.append(ScopeOwner(scope, holder.title, denying_executor(holder)))
    return ScopePlan(tuple(owners), conflicts)


def _conflict(claim: ScopeClaim, scope: str, owner: Resource) -> ConfigurationError:
    number = claim.scopes.index(scope) if scope in claim.scopes else 0
    return ConfigurationError(
        f"the scope {scope!r} belongs to {owner.title}, which is older",
        path=f"{SPEC}.scopes[{number}]",
        remedy="Remove it from one of the two.",
    )
