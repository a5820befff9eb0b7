"""Checks the scopes of a configuration before anything is built: scopes that never match, stores out of reach."""

from pyratify.config.locations import within
from pyratify.config.schema import Config, ExecutorConfig
from pyratify.core.errors import ConfigurationError
from pyratify.core.scope import EVERYTHING, check_scope


def check_scopes(config: Config) -> None:
    """Refuse scopes of executors that are malformed, could never match or are given twice.

    Raises:
        ConfigurationError: With the path of the scope.
    """
    # One for all executors: of a scope in two of them, the order of the file would decide.
    seen: dict[str, str] = {}
    for index, executor in enumerate(config.executors):
        _check(executor.scopes, f"executors[{index}].scopes", seen)


def check_reach(config: ExecutorConfig, path: str) -> None:
    """Refuse stores that no reference of the executor could ever reach, and executors' scopes without a store.

    Raises:
        ConfigurationError: With the path of the store or the scope.
    """
    seen: dict[str, str] = {}
    for number, store in enumerate(config.stores):
        where = f"{path}.stores[{number}].scopes"
        # A store without scopes would take what the others name.
        if not store.scopes and len(config.stores) > 1:
            raise ConfigurationError(
                "of several stores each needs scopes", path=where, remedy="Say which scopes it is for."
            )
        _check(store.scopes, where, seen)
        for scope in store.scopes:
            if not any(_overlap(scope, own) for own in config.scopes):
                raise ConfigurationError(
                    f"no reference of this executor can reach {scope!r}", path=where, remedy="Remove it."
                )
    reached = [scope for store in config.stores for scope in store.scopes or (EVERYTHING,)]
    # Otherwise the fault would appear with the first request for such a reference.
    for number, own in enumerate(config.scopes):
        if not any(_overlap(own, scope) for scope in reached):
            raise ConfigurationError(
                f"no store is for {own!r}",
                path=f"{path}.scopes[{number}]",
                remedy="Add it to a store's scopes.",
            )


def _check(scopes: tuple[str, ...], where: str, seen: dict[str, str]) -> None:
    for number, scope in enumerate(scopes):
        path = f"{where}[{number}]"
        try:
            check_scope(scope)
        except ConfigurationError as error:
            raise within(path, error) from None
        if scope in seen:
            raise ConfigurationError(
                f"the scope {scope!r} is given twice", path=path, remedy=f"It stands at {seen[scope]} too."
            )
        seen[scope] = path


def _overlap(one: str, other: str) -> bool:
    return _covers(one, other) or _covers(other, one)


def _covers(outer: str, inner: str) -> bool:
    """Return whether every reference of the inner scope is one of the outer; scopes nest or are disjoint."""
    if outer in (EVERYTHING, inner):
        return True
    if outer.startswith("*."):
        registry = inner.partition("/")[0]
        # One label, as in `core.scope`.
        return not registry.startswith("*") and registry.partition(".")[2] == outer[2:]
    return inner.startswith(outer[:-1] if outer.endswith("/*") else f"{outer}/")
