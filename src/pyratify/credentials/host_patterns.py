"""Which hosts may see a credential."""

from collections.abc import Callable

from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import canonical_registry, is_registry

_ZONE = "*."


class HostPatterns:
    """Hosts with their ports, and zones as `*.example.com`, where the star stands for exactly one label.

    Args:
        patterns: The hosts and zones.

    Raises:
        ConfigurationError: One is neither.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = frozenset(map(_canonical, patterns))

    def match(self, registry: str) -> bool:
        """Return whether a canonical registry is one of them."""
        # One look-up for each spelling, no pattern matching: a secret is never sent by a near match.
        return bool(self._patterns & {registry, _zone(registry)})


def narrowed(is_own: Callable[[str], bool], registries: tuple[str, ...]) -> Callable[[str], bool]:
    """Return which registries a cloud's credential is for: its own, or those of them that the configuration names.

    Args:
        is_own: Whether a canonical registry belongs to the cloud.
        registries: Hosts and zones; empty for all of the cloud's own.

    Raises:
        ConfigurationError: One is neither, or a host of another service.
    """
    if not registries:
        return is_own
    try:
        only = HostPatterns(registries)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path="registries", remedy=error.remedy) from None
    foreign = [each for each in registries if not each.startswith(_ZONE) and not is_own(_canonical(each))]
    # It would match nothing, and the registry that is meant be read anonymously without a word.
    if foreign:
        raise ConfigurationError(
            f"{foreign[0][:80]!r} is no registry of this cloud, and never sees its credential",
            path="registries",
            remedy="Take it out; for other registries use another provider beside this one, in a chain.",
        )
    return lambda registry: is_own(registry) and only.match(registry)


def _canonical(pattern: str) -> str:
    host = pattern.removeprefix(_ZONE)
    if not is_registry(host):
        raise ConfigurationError(
            f"{pattern[:80]!r} is no registry's host",
            remedy="Write a host as ghcr.io or a zone as *.example.com.",
        )
    return f"{_ZONE}{host.lower()}" if pattern != host else canonical_registry(host)


def _zone(registry: str) -> str:
    # Exactly one label, as in wildcard certificates (RFC 9525, section 6.3).
    return f"{_ZONE}{registry.partition('.')[2]}"
