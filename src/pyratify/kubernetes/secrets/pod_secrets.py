"""Reads the image pull Secrets that Pods name, or their service accounts, in the Pods' own namespaces."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from typing import Any

from pyratify.core.caching import ExpiringCache, SingleFlight
from pyratify.core.clock import Clock
from pyratify.core.credential_scope import CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, RatifyError, StoreError
from pyratify.core.limits import MIB
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.kubernetes.secrets.pull_secret import PullSecret, scopes_for
from pyratify.kubernetes.secrets.secret_reader import NAME, NAMESPACE, decoded, pull_secret_names
from pyratify.render.plain import clean

MAX_SECRETS = 16
"""How many different Secrets one Pod may name: each is a request to the API server."""
MAX_ENTRIES = 512
"""How many entries the Secrets of one Pod may have together: each is compared with each image."""
MAX_BYTES = 256 * 1024
MAX_READS = 256
"""How many objects are read for one namespace within `READS_SECONDS`."""
READS_SECONDS = 10.0
SECONDS, UNUSED_SECONDS = 5.0, 1.0
"""How long what was read is used; that there is no such object, or none that can be used, for less: it may be applied with its Pod."""
_MEMORY = 16 * MIB
_NAMESPACES = 10_000
_SMALL = 1024
_MEMBER = 64  # bytes that a name or an entry takes beside its text
_MAX_TOKENS = 32 * MAX_ENTRIES  # of JSON: empty lists take thirty times their text in memory
_SHOWN, _MAX_NOTE = 4, 300
_LOG = logging.getLogger(__name__)

_MISSING, _FORBIDDEN = "does not exist", "must not be read by this server"

_Parse = Callable[[str, str, Mapping[str, Any]], Any]
Get = Callable[[str, str, str], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class PullSpec:
    """What a Pod says about the Secrets that its images are pulled with.

    Attributes:
        names: Its `imagePullSecrets`, in order.
        account: Where it names none: the service account whose Secrets its Pods will have; empty where that is known already.
    """

    names: tuple[str, ...] = ()
    account: str = ""


NO_SECRETS = PullSpec()
DEFAULT_ACCOUNT = PullSpec(account="default")
"""What is known where no Pod is: the account of Pods that name none."""


@dataclass(frozen=True, slots=True)
class PodCredentials:
    """The credentials of a Pod for one image.

    Attributes:
        scopes: In the order in which they are tried.
        notes: Which of the Pod's Secrets are not used, and why.
    """

    scopes: tuple[CredentialScope, ...] = ()
    notes: tuple[str, ...] = ()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let errors say which Secrets are not used, where that may be why nothing could be read."""
        try:
            yield
        except RatifyError as error:
            if not self.notes or not error.reason.is_no_access:
                raise
            # In the remedy, as messages about access stay in the log; what is said here, the Pod's author wrote.
            remedy = f"{error.remedy} Pull Secrets that are not used: {_listed(self.notes)}."
            raise StoreError(error.reason, error.message, remedy=remedy) from None


NO_CREDENTIALS = PodCredentials()


@dataclass(frozen=True, slots=True)
class PodSecrets:
    """Reads image pull Secrets, and remembers them for seconds.

    Attributes:
        get: Returns an object by plural, name and namespace; raises `ApiFault`.
        clock: Measures how long they are remembered.
    """

    get: Get
    clock: Clock
    _known: ExpiringCache[Any] = field(init=False)
    _reading: SingleFlight[Any] = field(init=False)
    _reads: ExpiringCache[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", ExpiringCache(self.clock, _MEMORY))
        # The images of a Pod, and the Pods of a Deployment, ask at the same time.
        object.__setattr__(self, "_reading", SingleFlight())
        object.__setattr__(self, "_reads", ExpiringCache(self.clock, _NAMESPACES))

    async def credentials(self, namespace: str, spec: PullSpec, reference: Reference) -> PodCredentials:
        """Return the credentials that kubelet would try for an image of a Pod.

        A Secret that is missing, malformed, of another type or must not be read is left out, as kubelet leaves out what is
        missing: with fewer credentials less can be read, and what cannot be read is not allowed.

        Args:
            namespace: The Pod's namespace; no other one is read.
            spec: What the Pod names.
            reference: The image.

        Raises:
            StoreError: `PARSE_LIMIT`: it names too many; `KEY_UNAVAILABLE`: the API server does not say, or is asked too often.
        """
        names, notes = spec.names, tuple[str, ...]()
        if spec.account:
            account = await self._object("serviceaccounts", namespace, spec.account, _account)
            names, notes = ((), (account,)) if isinstance(account, str) else (account, ())
        names = tuple(dict.fromkeys(name for name in names if name))
        if len(names) > MAX_SECRETS:
            raise StoreError(
                Reason.PARSE_LIMIT,
                f"{len(names)} imagePullSecrets are named, more than {MAX_SECRETS}",
                remedy="Name fewer, or put several registries into one Secret.",
            )
        found = [await self._object("secrets", namespace, name, _secret) for name in names]
        secrets, unused = _usable(found)
        scopes, malformed = scopes_for(secrets, reference)
        return PodCredentials(scopes, (*notes, *unused, *malformed))

    def sweep(self) -> None:
        """Forget what is no longer used, so that an idle server holds no passwords."""
        self._known.sweep()
        self._reads.sweep()

    async def _object(self, plural: str, namespace: str, name: str, read: _Parse) -> Any:
        """Return what is made of an object, or in a sentence why nothing is."""
        kind = "Secret" if plural == "secrets" else "ServiceAccount"
        # They become parts of a path: `../` would name other objects, with the webhook's rights.
        if not NAMESPACE.fullmatch(namespace) or not NAME.fullmatch(name):
            return f"{name[:80]!a} is not a valid name of a {kind}"
        key = plural, namespace, name
        found = self._known.get(key)
        return (
            found if found is not None else await self._reading.run(key, partial(self._read, key, kind, read))
        )

    async def _read(self, key: tuple[str, str, str], kind: str, read: _Parse) -> Any:
        plural, namespace, name = key
        given = await self._given(plural, namespace, name)
        size = _SMALL
        if given is _MISSING or given is _FORBIDDEN:
            found: Any = f"{kind} {namespace}/{name} {given}"
        else:
            size += _size(given)
            found = await _parsed(size, read, namespace, name, given)
        if isinstance(found, str):
            _LOG.warning("not used for pulling", extra={"namespace": namespace, "error": found})
        seconds = UNUSED_SECONDS if isinstance(found, str) else SECONDS
        self._known.put(key, found, seconds, min(size, MAX_BYTES))
        return found

    async def _given(self, plural: str, namespace: str, name: str) -> Any:
        from pyratify.kubernetes.client.api import ApiFault

        self._spend(namespace)
        try:
            return await self.get(plural, name, namespace)
        except ApiFault as fault:
            if fault.code not in (403, 404):
                raise _unavailable(
                    f"the API server does not answer for {plural} {namespace}/{name}: {fault.code} {fault.reason}"
                ) from None
            return _MISSING if fault.is_missing else _FORBIDDEN

    def _spend(self, namespace: str) -> None:
        spent = self._reads.get(namespace) or 0
        # A tenant's Pods must not use up what the API server grants this server.
        if spent >= MAX_READS:
            raise _unavailable(
                f"more than {MAX_READS} Secrets are asked for within {READS_SECONDS:.0f} seconds"
            )
        self._reads.put(namespace, spent + 1, self._reads.remaining(namespace) or READS_SECONDS)


def _usable(found: Iterable[PullSecret | str]) -> tuple[list[PullSecret], list[str]]:
    """Return the Secrets that count, and in a sentence each why others do not."""
    secrets: list[PullSecret] = []
    notes, entries = [], 0
    for each in found:
        if isinstance(each, str):
            notes.append(each)
            continue
        entries += len(each.file.auths)
        if entries <= MAX_ENTRIES:
            secrets.append(each)
        else:
            notes.append(f"{each.title} and those before it have more than {MAX_ENTRIES} entries")
    return secrets, notes


def _listed(notes: tuple[str, ...]) -> str:
    # Names of entries are a tenant's text, and there may be thousands.
    shown = [clean(note, _MAX_NOTE) for note in notes[:_SHOWN]]
    return "; ".join(shown if len(notes) <= _SHOWN else [*shown, f"and {len(notes) - _SHOWN} more"])


async def _parsed(size: int, read: _Parse, namespace: str, name: str, given: Mapping[str, Any]) -> Any:
    if size > MAX_BYTES:
        return f"{namespace}/{name} has more than {MAX_BYTES} bytes"
    try:
        return await offload(size, read, namespace, name, given)
    except ConfigurationError as error:
        return error.detail


def _account(namespace: str, name: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    _check(namespace, name, given)
    return pull_secret_names(given)


def _secret(namespace: str, name: str, given: Mapping[str, Any]) -> PullSecret:
    _check(namespace, name, given)
    secret = decoded(namespace, name, given)
    # They are its identity: without them what one content has read would answer for the next.
    if not secret.uid or not secret.version:
        raise ConfigurationError(f"the API server's answer has no uid or resourceVersion of {secret.title}")
    found = PullSecret.read(secret, _MAX_TOKENS)
    # Those that stand for nothing as well: all are looked through for another host.
    if len(found.file.auths) > MAX_ENTRIES:
        raise ConfigurationError(f"{found.title} has more than {MAX_ENTRIES} entries")
    return found


def _check(namespace: str, name: str, given: Mapping[str, Any]) -> None:
    meta = given.get("metadata")
    # A proxy that answers with another tenant's object must not lend its credentials.
    if not isinstance(meta, dict) or (meta.get("namespace"), meta.get("name")) != (namespace, name):
        raise ConfigurationError(f"the API server's answer is not about {namespace}/{name}")


def _size(given: Mapping[str, Any]) -> int:
    data, listed = given.get("data"), given.get("imagePullSecrets")
    entries = data if isinstance(data, dict) else {}
    size = _MEMBER * (len(entries) + (len(listed) if isinstance(listed, list) else 0))
    # Before they are looked at: there may be hundreds of thousands.
    if size > MAX_BYTES:
        return size
    texts = (*entries, *entries.values(), *pull_secret_names(given))
    return size + sum(len(text) for text in texts if isinstance(text, str))


def _unavailable(message: str) -> StoreError:
    return StoreError(
        Reason.KEY_UNAVAILABLE,
        message,
        remedy="Try again; the credentials of the image pull Secrets are not known.",
    )
