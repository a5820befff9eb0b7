"""The provider: every key of a request together, every answer within the deadline."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from functools import partial
from itertools import starmap
from secrets import token_hex

from pyratify.caches.verdicts import Verdicts
from pyratify.core import telemetry
from pyratify.core.caching import ExpiringCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, Failure, InvalidReference, RatifyError
from pyratify.core.isolation import as_failure, internal
from pyratify.core.reference import Reference
from pyratify.entrypoints.gatekeeper.external_data import V1ALPHA1, V1BETA1, Item, response, shown
from pyratify.entrypoints.gatekeeper.request_keys import Key, Namespaces, parse_key, parse_mutation_key
from pyratify.entrypoints.gatekeeper.values import v1_value, v2_value
from pyratify.kubernetes.secrets.pod_secrets import DEFAULT_ACCOUNT, NO_CREDENTIALS, PodSecrets
from pyratify.serving.configuration_source import Source
from pyratify.serving.deadline_group import DeadlineGroup, ignore_code, late_after
from pyratify.serving.verdict_source import Answer, Answers, refusal

_LOG = logging.getLogger("pyratify.gatekeeper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the provider answers.

    Attributes:
        verify_seconds: In how many seconds every verification is answered.
        mutate_seconds: In how many seconds every mutation is answered.
        namespaces: Whether keys of verification begin with a namespace.

    Raises:
        ConfigurationError: A deadline that is not above zero.
    """

    verify_seconds: float = 4.9
    mutate_seconds: float = 1.95
    namespaces: Namespaces = Namespaces.OPTIONAL

    def __post_init__(self) -> None:
        # Written so that NaN is refused, too.
        if not (0 < self.verify_seconds <= 600 and 0 < self.mutate_seconds <= 600):
            raise ConfigurationError("a deadline is more than 0 and at most 600 seconds")


Find = Callable[[str, str], Awaitable[bytes]]
# For items and for whole responses alike; a response with evidence is some KiB long.
_REMEMBERED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Remembered:
    """An item as it was answered, for as long as its verdict is remembered."""

    namespace: str
    generation: str
    decision: str
    encoded: bytes


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole response as it was given: Gatekeeper asks about every replica of a workload alike.

    Attributes:
        tenants: The namespaces that ask, with the generations of their configurations.
        decisions: The decision and the namespace of every different key.
        encoded: The response.
    """

    tenants: frozenset[tuple[str, str]]
    decisions: tuple[tuple[str, str], ...]
    encoded: bytes


def _ignore_decision(decision: str, namespace: str) -> None:
    del decision, namespace


@dataclass(slots=True)
class Provider:
    """Answers for keys.

    Attributes:
        source: The current configuration.
        verdicts: Remembers verdicts.
        settings: How it answers.
        clock: Where deadlines are taken from.
        count: Called with the code of every error item.
        decided: Called with decision and namespace of every item that is answered from memory.
        secrets: Reads the Secrets of a namespace's service account `default`; None where only the configuration's credentials
            count.
    """

    source: Source
    verdicts: Verdicts
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=SystemClock)
    count: Callable[[str], None] = ignore_code
    decided: Callable[[str, str], None] = _ignore_decision
    secrets: PodSecrets | None = None
    _answers: Answers = field(init=False)
    _group: DeadlineGroup = field(init=False)
    _items: ExpiringCache[_Remembered] = field(init=False)
    _wholes: ExpiringCache[_Whole] = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.source, self.verdicts, self.clock)
        self._group = DeadlineGroup(self.clock)
        self._items = ExpiringCache(self.clock, _REMEMBERED_BYTES)
        self._wholes = ExpiringCache(self.clock, _REMEMBERED_BYTES)

    async def verify(self, keys: tuple[str, ...], spent: float = 0.0) -> bytes:
        """Return the response: an item with Ratify v2's value, or an error, for every key in order.

        Args:
            keys: The keys.
            spent: How many seconds of the time for an answer are over.
        """
        whole = self._whole(keys)
        if whole:
            return whole
        found = self._remembered(keys)
        rest = tuple(key for key in keys if key not in found)
        if rest:
            found.update(await self._each(rest, self._verify_v2, self.settings.verify_seconds - spent))
        encoded = response(V1BETA1, _joined(keys, found))
        # Only what was answered from memory in full: other responses may hold errors, which must not last.
        if not rest:
            self._keep(keys, encoded)
        return encoded

    async def verify_v1(self, keys: tuple[str, ...], spent: float = 0.0) -> bytes:
        """Return the response: an item with Ratify v1's value, or an error, for every key in order; arguments as in `verify`."""
        found = await self._each(keys, self._verify_v1, self.settings.verify_seconds - spent)
        return response(V1ALPHA1, _joined(keys, found))

    async def mutate(self, keys: tuple[str, ...], spent: float = 0.0, api: str = V1BETA1) -> bytes:
        """Return the response: for every key in order its reference by digest; where that fails as it is, with an error."""
        found = await self._each(keys, self._mutate, self.settings.mutate_seconds - spent, keeps=True)
        # Errors beside the unchanged key: Gatekeeper's failurePolicy decides about them.
        return response(api, _joined(keys, found), idempotent=True)

    def sweep(self) -> None:
        """Forget the answers that are no longer valid."""
        self._items.sweep()
        self._wholes.sweep()

    async def aclose(self) -> None:
        """Wait for the end of what was left when a deadline was over."""
        await self._group.aclose()

    async def _each(
        self, keys: tuple[str, ...], find: Find, seconds: float, *, keeps: bool = False
    ) -> dict[str, bytes]:
        """Answer equal keys once, all keys together, and late ones with an error."""
        # Without a server around it (a test, an embedding) a request still needs one name in the log.
        trace = telemetry.trace() or token_hex(16)
        late = late_after(seconds)
        return await self._group.each(
            keys,
            partial(self._one, find, trace, keeps),
            lambda key: self._late(key, late, trace, keeps=keeps),
            seconds,
        )

    def _whole(self, keys: tuple[str, ...]) -> bytes:
        """Return the response to a request that came before, if all its items are still remembered; else nothing."""
        whole = self._wholes.get(keys)
        if whole is None or not all(starmap(self._is_current, whole.tenants)):
            return b""
        for decision, namespace in whole.decisions:
            self.decided(decision, namespace)
        self.verdicts.hits += len(whole.decisions)
        return whole.encoded

    def _keep(self, keys: tuple[str, ...], encoded: bytes) -> None:
        """Remember the response to a request for as long as every single item of it is."""
        items = [self._items.get(key) for key in dict.fromkeys(keys)]
        known = [item for item in items if item is not None]
        # An error is never among the items, so a response with one is not kept.
        if not known or len(known) < len(items):
            return
        whole = _Whole(
            frozenset((item.namespace, item.generation) for item in known),
            tuple((item.decision, item.namespace) for item in known),
            encoded,
        )
        # The first item to expire ends the whole.
        seconds = min(self._items.remaining(key) for key in keys)
        self._wholes.put(keys, whole, seconds, len(encoded) + sum(map(len, keys)))

    def _is_current(self, namespace: str, generation: str) -> bool:
        snapshot = self.source.acquire(namespace)
        # After a change of configuration an answer of the old one must not be given again.
        return snapshot is not None and snapshot.engine.generation == generation

    def _remembered(self, keys: tuple[str, ...]) -> dict[str, bytes]:
        """Return the remembered items of these keys that the current configuration decided."""
        found = {}
        for key in keys:
            item = self._items.get(key)
            if item is not None and self._is_current(item.namespace, item.generation):
                found[key] = item.encoded
                self.decided(item.decision, item.namespace)
        # Counted here, because the verdicts' own memory is not asked.
        self.verdicts.hits += len(found)
        return found

    async def _one(self, find: Find, trace: str, keeps: bool, key: str) -> bytes:
        try:
            return await find(key, trace)
        except RatifyError as error:
            return self._failed(key, as_failure(error), trace, keeps=keeps)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return self._failed(key, internal(error), trace, keeps=keeps)

    def _late(self, key: str, failure: Failure, trace: str, *, keeps: bool) -> bytes:
        try:
            # A late key has set no namespace yet, and the metrics of its error need one.
            tenant = "" if keeps else parse_key(key, self.settings.namespaces).namespace
        except RatifyError:
            tenant = ""
        with telemetry.for_namespace(tenant):
            return self._failed(key, failure, trace, keeps=keeps)

    def _failed(self, key: str, failure: Failure, trace: str, *, keeps: bool) -> bytes:
        self.count(failure.reason.value)
        # The log has the whole message, the answer only what `shown` lets through.
        extra = {"key": key, "code": failure.reason.value, "error": failure.message, "trace": trace}
        _LOG.warning("not answered", extra=extra)
        # Mutation gives the reference back as it was, as Ratify v2 does.
        return Item(key, key if keeps else None, shown(failure)).encoded()

    async def _verify_v2(self, key: str, trace: str) -> bytes:
        asked, found = await self._verdict(key, trace)
        encoded = Item(key, v2_value(found.result)).encoded()
        kept = _Remembered(asked.namespace, found.generation, found.result.decision.value, encoded)
        # As long as the verdict itself and no longer.
        self._items.put(key, kept, found.seconds, len(encoded))
        return encoded

    async def _verify_v1(self, key: str, trace: str) -> bytes:
        _, found = await self._verdict(key, trace)
        return Item(key, v1_value(found.result, found.types, trace, self.clock.now())).encoded()

    async def _verdict(self, key: str, trace: str) -> tuple[Key, Answer]:
        asked = parse_key(key, self.settings.namespaces)
        telemetry.set_namespace(asked.namespace)
        credentials = NO_CREDENTIALS
        if self.secrets is not None and asked.namespace:
            credentials = await self.secrets.credentials(asked.namespace, DEFAULT_ACCOUNT, asked.reference)
        with credentials.explained():
            found = await self._answers.verdict(asked.reference, asked.namespace, credentials.scopes)
        result = found.result
        extra = {
            "key": key,
            "decision": result.decision.value,
            "code": "" if result.succeeded else refusal(result).reason.value,
            "digest": result.subject and result.subject.digest,
            "trace": trace,
        }
        _LOG.info("answered", extra=extra)
        return asked, found

    async def _mutate(self, key: str, trace: str) -> bytes:
        del trace
        # No prefix is taken off: a mutation's key is text of the object, which its author chooses.
        asked = parse_mutation_key(key)
        telemetry.set_namespace(asked.namespace)
        pinned = await self._answers.pinned(asked.reference, asked.namespace)
        return Item(key, _pinned(asked, pinned)).encoded()


def _joined(keys: tuple[str, ...], found: Mapping[str, bytes]) -> bytes:
    return b",".join([found[key] for key in keys])


def _pinned(asked: Key, wanted: Reference) -> str:
    """Return the reference by digest, its repository spelled as it was; what reads as another one is never returned."""
    # The tag goes, as Ratify v2's contract has it (decision 0014).
    name = asked.text.partition("@")[0].removesuffix(f":{asked.reference.tag}")
    text = f"{name}@{wanted.digest}"
    try:
        # Read again, so that no spelling can pin another repository than the one that was resolved.
        same = Reference.parse(text) == wanted
    except InvalidReference:
        same = False
    return text if same else str(wanted)
