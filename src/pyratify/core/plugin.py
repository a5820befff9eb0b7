"""Plugins: their description, and the registry that finds them through entry points."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from pyratify.core.clock import Clock
from pyratify.core.credential import CredentialProvider
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import describe
from pyratify.core.key import CertificateProvider, KeyProvider
from pyratify.core.shared_resources import Shared
from pyratify.core.store import COSIGN_TAGS

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

KINDS = (
    "stores",
    "verifiers",
    "policies",
    "languages",
    "credentials",
    "keys",
    "notation_plugins",
    "renderers",
)
# The extras whose distributions of their own, below `plugins/`, bring these plugins.
_EXTRAS = MappingProxyType(
    {
        "alibaba": "alibaba",
        "alibabacloudAcrBasic": "alibaba",
        "aws": "aws",
        "awsEcrBasic": "aws",
        "awskms": "aws",
        "azure": "azure",
        "azurekeyvault": "azure",
        "azurekms": "azure",
        "com.amazonaws.signer.notation.plugin": "aws",
        "gcp": "gcp",
        "gcpkms": "gcp",
        "hashivault": "vault",
        "openbao": "vault",
        "vault": "vault",
    }
)


class Resources(Protocol):
    """What a plugin may use while it is built."""

    @property
    def clock(self) -> Clock:
        """The engine's clock."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the executor that the plugin is built for."""
        ...

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The names of that executor's verifiers."""
        ...

    @property
    def verifier_types(self) -> Mapping[str, str]:
        """The plugin of each of these verifiers, by the verifier's name."""
        ...

    @property
    def cosign_tags(self) -> tuple[str, ...]:
        """Which of cosign's tags those verifiers can use: `sig`, `att`, `sbom`."""
        ...

    @property
    def base(self) -> Path:
        """The folder that relative paths in the configuration are relative to."""
        ...

    @property
    def shared(self) -> Shared:
        """Objects that the plugins of one engine share."""
        ...

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """Build the key provider that a one-entry mapping `{provider: parameters}` names."""
        ...

    async def certificates(self, sources: Mapping[str, Any], path: str) -> CertificateProvider:
        """Build the certificates of every provider in a mapping `{provider: parameters}`."""
        ...

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> CredentialProvider:
        """Build the credential provider that `parameters["provider"]` names; anonymous for None."""
        ...

    async def plugin(self, kind: str, name: str, parameters: Mapping[str, Any], path: str) -> Any:
        """Build a plugin of one of the `KINDS` that another one uses, as a verification plugin of notation."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin(Generic[T_co]):
    """A plugin, as an entry point of a group `pyratify.<kind>` names it.

    Attributes:
        options: A frozen `msgspec.Struct` that describes the parameters; unknown keys are refused.
        build: Makes the plugin from its name in the configuration, its options and the resources.
        summary: One line for `ratify plugins`.
        traced: For stores, verifiers and policies: declares that everything its verdicts depend on is in the options,
            comes from the resources' keys and certificates, or is added to `shared.fingerprint` while it is built. An
            engine with a plugin that does not declare it shares no verdicts between processes.
        cosign_tags: For verifiers: the cosign tags (`sig`, `att`, `sbom`) that their evidence may be under; stores fetch
            no others.
        signs: For verifiers: whether their evidence proves who made it. A document that is only attached does not, so it
            counts where something attached to it is a signature, or where a policy says that it need not be signed.
        names_signers: For verifiers: whether all of their evidence that is signed has signers, so that rules ask for them unless
            they say that unsigned evidence counts.
    """

    options: type[Any]
    build: Callable[[str, Any, Resources], Awaitable[T_co]]
    summary: str
    traced: bool = False
    cosign_tags: tuple[str, ...] = COSIGN_TAGS
    signs: bool = True
    names_signers: bool = False


class Registry(Generic[T]):
    """The plugins of one kind, found by name through entry points.

    Args:
        kind: One of `KINDS`.

    Only the plugin that is loaded is imported; a name that two packages claim is an error.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the installed names and the distributions that claim each."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self._entries():
            found[entry.name] = (*found.get(entry.name, ()), entry.owner or "?")
        return dict(sorted(found.items()))

    def load(self, name: str, path: str) -> T:
        """Import and return the plugin of that name.

        Args:
            name: The plugin's name, as in the configuration.
            path: Where in the configuration it is named.

        Raises:
            ConfigurationError: Not installed, claimed twice, or it cannot be imported.
        """
        claims = [entry for entry in self._entries() if entry.name == name]
        # The same entry point may be found twice, as one package is seen through two folders of the path.
        if len({entry.value for entry in claims}) > 1 or len({e.owner for e in claims if e.owner}) > 1:
            owners = ", ".join(sorted(entry.owner for entry in claims if entry.owner))
            raise ConfigurationError(
                f"{name!r} is claimed by more than one package: {owners}",
                path=path,
                remedy="Uninstall all but one.",
            )
        if not claims:
            raise self._unknown(name, path)
        try:
            plugin: T = claims[0].load()
        # Importing runs the package's code, which may raise anything.
        except Exception as error:
            raise ConfigurationError(
                f"{name!r} cannot be imported: {describe(error)}",
                path=path,
                remedy="Install the extra or package it needs.",
            ) from error
        return plugin

    def origin(self, name: str) -> str:
        """Return the distribution and version that an installed name comes from, as `pyratify 2.0`."""
        owners = (entry for entry in self._entries() if entry.name == name and entry.owner)
        return " ".join(sorted(f"{entry.owner} {entry.version}" for entry in owners))

    def _unknown(self, name: str, path: str) -> ConfigurationError:
        remedy = "Correct the name, or install the package that provides it."
        if name in _EXTRAS and self.kind in ("credentials", "keys", "notation_plugins"):
            hint, remedy = (
                ", as its package is not installed",
                f"Run: pip install 'pyratify[{_EXTRAS[name]}]'.",
            )
        else:
            hint = self._hint(name)
        return ConfigurationError(
            f"no plugin of kind {self.kind} is called {name!r}{hint}", path=path, remedy=remedy
        )

    def _hint(self, name: str) -> str:
        # Lazy: imported for a message only.
        from difflib import get_close_matches

        known = list(self.names())
        near = get_close_matches(name, known, n=1)
        return f"; did you mean {near[0]!r}?" if near else f"; installed are: {', '.join(known)}"

    def _entries(self) -> "tuple[_Entry, ...]":
        return _installed(tuple(sys.path), self.kind)


def proves_author(verifier_type: str) -> bool:
    """Return whether the evidence of verifiers of a type proves who made it; what cannot be loaded is refused elsewhere."""
    try:
        return Registry[Plugin[Any]]("verifiers").load(verifier_type, "").signs
    except (ConfigurationError, AttributeError):
        return True


def must_be_signed(verifier_type: str) -> bool:
    """Return whether evidence of verifiers of a type counts only where it has signers, or something attached to it has."""
    try:
        plugin = Registry[Plugin[Any]]("verifiers").load(verifier_type, "")
        return plugin.names_signers or not plugin.signs
    except (ConfigurationError, AttributeError):
        return False


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry point with the distribution that provides it (empty where unknown)."""

    name: str
    value: str
    load: Callable[[], Any]
    owner: str
    version: str


@lru_cache(maxsize=32)
def _installed(path: tuple[str, ...], kind: str) -> tuple[_Entry, ...]:
    """Return the entry points of a kind; cached, as the metadata of every installed package is read for it."""
    # Lazy: not needed where no plugin is loaded, and slow to import.
    from importlib.metadata import entry_points

    # Part of the cache's key: a folder that is added to the path may hold more plugins.
    del path
    return tuple(
        _Entry(
            each.name,
            each.value,
            each.load,
            *((each.dist.name, each.dist.version) if each.dist else ("", "")),
        )
        for each in entry_points(group=f"pyratify.{kind}")
    )
