"""The last verdict on each digest, for the time in which its registry cannot be asked."""

from dataclasses import field, replace

from pyratify.caches.verdict_lifetime import is_final, remaining_evidence
from pyratify.core.caching import LruCache
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.report import ValidationResult
from pyratify.core.shared_verdicts import SharedVerdicts, VerdictKey

_MAX_DENIED = 16_384


@dataclass(frozen=True, slots=True)
class LastVerdicts:
    """Keeps verdicts beyond their lifetime, in the same place as those that are remembered, under names of their own.

    Attributes:
        entries: Where they are; signed entries.
        clock: Says for how long evidence is still valid.
    """

    entries: SharedVerdicts
    clock: Clock
    # Of this process: writing to the entries may be skipped or fail, and then an older ALLOW would be the last verdict.
    _denied: LruCache[bool] = field(
        default_factory=lambda: LruCache(_MAX_DENIED), init=False, repr=False, compare=False
    )

    async def note(self, key: VerdictKey, result: ValidationResult, max_age: float, age: float) -> None:
        """Keep a verdict in place of the one before; one that denies too, so that no older one is found.

        Args:
            key: What was decided, under which configuration.
            result: The verdict.
            max_age: How old it may become, in seconds.
            age: How old it is already.
        """
        seconds = max_age - age
        if result.succeeded:
            seconds = min(seconds, remaining_evidence(result, self.clock.now()))
            if seconds > 0 and is_final(result):
                self._denied.discard(key)
                await self.entries.put(_apart(key, max_age), result, seconds)
        elif result.error is None:
            # Whatever it rests on, also on evidence that has run out: what denies takes the place of what allowed.
            self._denied.put(key, True, 1)
            if seconds > 0 and result.subject is not None and result.subject.digest == key.reference.digest:
                await self.entries.put(_apart(key, max_age), result, seconds)

    async def find(self, key: VerdictKey, max_age: float) -> ValidationResult | None:
        """Return the last verdict of the same configuration, if it is young enough and all of its evidence is still valid."""
        found = None if self._denied.get(key) else await self.entries.get(_apart(key, max_age))
        return None if found is None else found.result


def _apart(key: VerdictKey, max_age: float) -> VerdictKey:
    # No namespace of Kubernetes has a space. With the age: entries of a longer one must not outlive a shorter one.
    return replace(key, namespace=f"last {max_age:g} {key.namespace}")
