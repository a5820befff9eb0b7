"""Which resource owns a scope."""

from typing import Any

from pyratify.config.schema import ExecutorConfig, VerifierConfig
from pyratify.kubernetes.client.kinds import NAMESPACED_EXECUTOR
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import BuiltExecutor
from pyratify.kubernetes.executors.scope_owners import ScopeClaim, assign_scopes


class Counted(str):
    """A text that counts how often one is compared with another."""

    compared = 0
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def claim(name: str, scopes: tuple[str, ...]) -> ScopeClaim:
    """Return the claim of a resource that is valid."""
    config = ExecutorConfig(scopes=scopes, verifiers=(VerifierConfig(name="v", type="cosign"),))
    unused: Any = None
    built = BuiltExecutor(unused, config, "", None, (), unused)
    resource = Resource(NAMESPACED_EXECUTOR, "team", name, name, 1, "2026", "1", {}, {})
    return ScopeClaim(resource, built, scopes)


def test_very_many_scopes_are_compared_a_few_times_each() -> None:
    """A tenant may write as many as an object holds; two resources with the same ones conflict once."""
    many = [f"a.example/{number}" for number in range(2000)]
    Counted.compared = 0
    plan = assign_scopes(tuple(claim(name, tuple(map(Counted, many))) for name in ("one", "two")))
    assert [owner.owner for owner in plan.owners] == ["NamespacedExecutor one in team"] * 2000
    assert list(plan.conflicts) == ["two"]
    assert plan.conflicts["two"].path == "spec.scopes[0]"
    assert Counted.compared < 10 * len(many)
