"""An executor without any configuration: built from the flags alone, and importing nothing that they do not need."""

from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyratify.core.caching import ContentCache
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.policy import NoPolicy, PolicyEnforcer
from pyratify.core.store import Store
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.disk_cache import disk_cache
from pyratify.entrypoints.cli.engines.store_from_flags import timeout

if TYPE_CHECKING:
    from pyratify.policies.threshold import ThresholdPolicy


def direct_executor(
    arguments: Namespace,
    store: Store,
    verifiers: tuple[Verifier, ...],
    policy: PolicyEnforcer,
    cache: ContentCache | None,
) -> Executor:
    """Return an executor with the verifiers and the policy that the flags ask for."""
    return Executor(
        store=store,
        verifiers=verifiers,
        policy=policy,
        timeout=timeout(arguments),
        cache=cache,
        limits=direct_limits(arguments),
        platforms=chosen_platforms(arguments) or PlatformChoice(),
    )


def direct_limits(arguments: Namespace) -> Limits:
    """Return the bounds; the flag limits what is attached, and raises how many signatures one artifact may hold."""
    most = arguments.max_signatures
    # Never lower than the default: one cosign artifact holds all signatures of its image as layers.
    return Limits(referrers=most, signatures=max(most, Limits().signatures)) if most else Limits()


def chosen_platforms(arguments: Namespace) -> PlatformChoice | None:
    """Return what `--platform` says; None where it is not given.

    Raises:
        ConfigurationError: It is no platform, or a word beside others.
    """
    # Commands that decide nothing have no such flag.
    given: list[str] = getattr(arguments, "platform", [])
    if not given:
        return None
    try:
        return PlatformChoice.parse(",".join(given))
    except ValueError as error:
        raise ConfigurationError(
            f"--platform: {error}", remedy="Write --platform linux/amd64, or one of index, each and any."
        ) from None


def reading_executor(
    arguments: Namespace, store: Store, verifier: Verifier, platforms: PlatformChoice
) -> Executor:
    """Return an executor that looks at everything and decides nothing."""
    return Executor(
        store=store,
        verifiers=(verifier,),
        policy=NoPolicy(),
        platforms=platforms,
        timeout=timeout(arguments),
        cache=disk_cache(arguments),
    )


def any_of(verifiers: Iterable[str]) -> "ThresholdPolicy":
    """Return the policy that is satisfied by the evidence of one of the named verifiers."""
    from pyratify.policies.rule import Rule
    from pyratify.policies.threshold import ThresholdPolicy

    # A threshold of 1 is explicit: a rule without one asks for all of them.
    return ThresholdPolicy(Rule(None, tuple(map(Rule, verifiers)), 1))
