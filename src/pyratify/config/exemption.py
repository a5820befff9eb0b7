"""Exceptions of the admission webhook and of nodes: one image, an end; each stands by itself, and two never add up to more."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pyratify.config.locations import join
from pyratify.config.schema import ExceptionConfig
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, InvalidReference
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference, canonical_registry, is_registry
from pyratify.core.scope import EVERYTHING, ScopeMap

# An exception without an end is a rule; a year, and one day for leap years, is the most.
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception that was found to be narrow enough.

    Attributes:
        config: What it says.
    """

    config: ExceptionConfig
    _scopes: ScopeMap[bool]
    _pinned: frozenset[Reference]

    @classmethod
    def read(cls, config: ExceptionConfig, path: str, now: datetime) -> "Exemption":
        """Return the exception that a document describes.

        Args:
            config: What it says.
            path: Where in the document it stands.
            now: The time of reading.

        Raises:
            ConfigurationError: It is too broad, ends too late, or names no image.
        """
        if config.until > now + LONGEST:
            raise ConfigurationError(
                f"an exception ends within {LONGEST.days} days",
                path=join(path, "until"),
                remedy="Choose an earlier end.",
            )
        where = join(path, "images")
        pinned = frozenset(_pinned(image, where) for image in config.images if "@" in image)
        scopes = _scopes((image for image in config.images if "@" not in image), where)
        return cls(config, scopes, pinned)

    def covers(self, namespace: str, reference: Reference, codes: Iterable[Reason], now: datetime) -> bool:
        """Return whether it excepts an image from all of these reasons by itself.

        Args:
            namespace: Where the image is to run; empty where that is not known.
            reference: The image.
            codes: All that is said against it.
            now: The time.
        """
        config = self.config
        # Names in full: a pattern would also cover namespaces that are made later.
        if now >= config.until or (config.namespaces and namespace not in config.namespaces):
            return False
        # All at once: two exceptions that each lift one reason must not lift both (decision 0014).
        if config.codes and not set(codes) <= set(config.codes):
            return False
        # A tag may be moved to other content, so a pinned exception needs the digest in the object.
        is_pinned = reference.digest is not None and reference.at(reference.digest) in self._pinned
        return is_pinned or self._scopes.match(reference) is not None


def read_exemptions(given: Iterable[ExceptionConfig], path: str, now: datetime) -> tuple[Exemption, ...]:
    """Return the exceptions of a document; arguments and errors as of `Exemption.read`, and for a name twice."""
    found = tuple(Exemption.read(each, f"{path}[{index}]", now) for index, each in enumerate(given))
    names = [each.config.name for each in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ConfigurationError(
                f"the name {name!r} is used twice",
                path=f"{path}[{index}].name",
                remedy="Choose another name.",
            )
    return found


def covering(
    exemptions: Iterable[Exemption],
    namespace: str,
    reference: Reference,
    codes: Iterable[Reason],
    now: datetime,
) -> Exemption | None:
    """Return one exception that covers all of it by itself, or None; arguments as in `Exemption.covers`."""
    every = tuple(codes)
    return next((each for each in exemptions if each.covers(namespace, reference, every, now)), None)


def _scopes(patterns: Iterable[str], path: str) -> ScopeMap[bool]:
    found = []
    for pattern in patterns:
        registry = pattern.removesuffix("/*")
        # Whole registries and wildcard hosts would except images that other teams push.
        if pattern == EVERYTHING or pattern.startswith("*.") or _is_registry(registry):
            raise ConfigurationError(
                f"{pattern[:200]!a} is too broad for an exception",
                path=path,
                remedy="Name a repository, host/team/*, or repository@digest.",
            )
        found.append((pattern, True))
    try:
        return ScopeMap(found)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path=path, remedy=error.remedy) from None


def _is_registry(text: str) -> bool:
    canonical = canonical_registry(text) if is_registry(text) else ""
    # As container runtimes tell a registry from a path: by a dot, a port, or the name localhost.
    return "." in canonical or ":" in canonical or canonical == "localhost"


def _pinned(text: str, path: str) -> Reference:
    try:
        found = Reference.parse(text)
    except InvalidReference as error:
        raise ConfigurationError(error.message, path=path, remedy=error.remedy) from None
    return found if found.digest is None else found.at(found.digest)  # the tag beside a digest says nothing
