"""A clock that only tests advance, and a verifier whose answer a test chooses."""

from collections.abc import Awaitable, Callable
from dataclasses import field
from datetime import UTC, datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.core.manifest import Manifest
from pyratify.core.verifier import Details, Evidence


@dataclass
class FakeClock:
    """A clock that moves only by `advance` and `sleep`.

    Attributes:
        time: The current time, aware and in UTC.
        elapsed: Seconds of monotonic time.
        slept: What was slept, in order.
    """

    # After every SIGNED_AT of this package, and equal to `revocation.NOW`.
    time: datetime = datetime(2026, 6, 1, tzinfo=UTC)
    elapsed: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the current time."""
        return self.time

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""
        self.time += timedelta(seconds=seconds)
        self.elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self.slept.append(seconds)
        self.advance(seconds)


async def _pass(evidence: Evidence) -> Details:
    return Details(f"{evidence.manifest.descriptor.digest} is good")


@dataclass(frozen=True)
class FakeVerifier:
    """A verifier for one artifact type whose answer is a function.

    Attributes:
        name: Its name.
        artifact_type: What it accepts; None for everything.
        does: Called for each artifact; returns details or raises.
    """

    name: str = "fake"
    artifact_type: str | None = None
    does: Callable[[Evidence], Awaitable[Details]] = _pass

    def accepts(self, manifest: Manifest) -> bool:
        """Accept the artifact type."""
        return self.artifact_type is None or manifest.artifact_type == self.artifact_type

    async def verify(self, evidence: Evidence) -> Details:
        """Return or raise what `does` does."""
        return await self.does(evidence)
