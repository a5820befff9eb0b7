"""A registry over real HTTP on 127.0.0.1, for tests: with features, authentication and faults as the test wants them.

```python
with RegistrySimulator() as registry:
    image = registry.repository("app").add_image("v1")
    registry.fault(Fault(path="/referrers/", status=500))
    reference = registry.reference("app", "v1")
    ...
    assert [hit.path for hit in registry.hits] == [...]
```
"""

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pyratify.core.reference import Reference
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry_auth import Auth, BasicAuth, BearerAuth
from pyratify.testing.registry_content import Content, Features, load_layout
from pyratify.testing.registry_faults import Answer, Fault, Hit, redirect
from pyratify.testing.registry_rounds import Rounds
from pyratify.testing.registry_server import Server

__all__ = [
    "Answer",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "Fault",
    "Features",
    "Hit",
    "RegistrySimulator",
    "redirect",
]


class RegistrySimulator:
    """A registry that listens from construction until it is closed; a context manager, also an asynchronous one.

    Args:
        features: What the registry can do.
        auth: The authentication it requires; none when omitted.
        tls: A server's TLS context, as `pyratify.testing.tls.Authority` makes; plain http when omitted.
        delay: Seconds before each answer, of which none waits for another.
        rounds: Seconds without a request after which everything asked so far is answered at once; 0 to answer each
            request by itself. With rounds, `depth` does not depend on how busy the machine is.

    Attributes:
        features: What the registry can do; may be changed at any time.
        auth: The authentication it requires; may be changed at any time.
        delay: Seconds before each answer; may be changed at any time.
        host: Host and port, as they stand in references.
    """

    def __init__(
        self,
        *,
        features: Features | None = None,
        auth: Auth | None = None,
        tls: ssl.SSLContext | None = None,
        delay: float = 0.0,
        rounds: float = 0.0,
    ) -> None:
        self.features = features or Features()
        self.auth = auth
        self.delay = delay
        self._rounds = Rounds(rounds)
        self._content = Content(self.features)
        self._lock = threading.Lock()
        self._hits: list[Hit] = []
        self._faults: list[tuple[Fault, list[Hit]]] = []
        self._count = 0
        self._server = Server(self._respond, tls)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._scheme = "http" if tls is None else "https"
        self._server.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self._scheme}://{self.host}"

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The requests received so far, in the order of arrival."""
        with self._lock:
            return tuple(self._hits)

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._server.accepted

    def hang_up(self) -> None:
        """Close every connection that is open, as a server does that has waited long enough."""
        self._server.hang_up()

    @property
    def depth(self) -> int:
        """The longest chain of requests of which each came after the answer to the one before."""
        depths: list[tuple[int, int]] = []
        for hit in self.hits:
            # An answer counts only if it was sent before the request came; 0 means it still is not.
            before = [depth for answered, depth in depths if 0 < answered < hit.arrived]
            depths.append((hit.answered, 1 + max(before, default=0)))
        return max((depth for _, depth in depths), default=0)

    def repository(self, name: str = "app") -> MemoryStore:
        """Return the content of a repository, made when it does not exist."""
        return self._content.repositories.setdefault(name, MemoryStore())

    def reference(self, repository: str = "app", name: str = "v1") -> Reference:
        """Return the reference to a tag or digest here."""
        mark = "@" if ":" in name else ":"
        return Reference.parse(f"{self.host}/{repository}{mark}{name}")

    def load_layout(self, folder: Path, repository: str = "app") -> MemoryStore:
        """Put everything of an OCI layout into a repository and return it."""
        store = self.repository(repository)
        load_layout(store, folder)
        return store

    def fault(self, *faults: Fault) -> None:
        """Make these faults happen; of several that fit, the first does."""
        # A list for each fault: `nth` and `times` count the requests that match this one.
        with self._lock:
            self._faults.extend((fault, []) for fault in faults)

    def reset(self) -> None:
        """Forget all faults and all requests."""
        with self._lock:
            self._faults.clear()
            self._hits.clear()
            self._count = 0

    def close(self) -> None:
        """Stop listening and end everything that was started.

        Raises:
            RuntimeError: The simulator itself had a defect meanwhile.
        """
        self._server.stop()
        # A defect in a handler thread would otherwise look like a connection that a client should retry.
        if self._server.errors:
            raise RuntimeError(f"the registry simulator failed: {self._server.errors[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _respond(self, hit: Hit) -> tuple[Answer, Fault | None]:
        # Arrival and choice of the fault in one step, so that `nth` follows the order of `hits`.
        with self._lock:
            self._count += 1
            hit.arrived = self._count
            self._hits.append(hit)
            fault = self._fault_for(hit)
        answer = self._ordinary(hit)
        if fault is not None:
            answer = fault.change(answer)
        if self.delay:
            # Outside the lock, so that delays overlap; on the event, so that closing does not wait.
            self._server.stopping.wait(self.delay)
        self._rounds.wait(self._server.stopping)
        # A second number after the wait: `depth` compares answers with later arrivals.
        with self._lock:
            self._count += 1
            hit.answered = self._count
            hit.status = answer.status
        return answer, fault

    def _fault_for(self, hit: Hit) -> Fault | None:
        chosen: Fault | None = None
        # All are counted, also those behind the chosen one: `nth` does not depend on other faults.
        for fault, matched in self._faults:
            if fault.matches(hit):
                matched.append(hit)
                if chosen is None and fault.covers(len(matched)):
                    chosen = fault
        return chosen

    def _ordinary(self, hit: Hit) -> Answer:
        path = hit.path.partition("?")[0]
        # Before the check: a client without a token has to get one here.
        if path == "/token" and self.auth is not None:
            return self.auth.token(hit)
        # Stores read, and by GET alone: any other method is a defect of the client under test.
        if hit.method != "GET":
            return Answer(405)
        if self.auth is not None:
            repository = path.removeprefix("/v2/").rsplit("/", 2)[0]
            refusal = self.auth.refuse(hit, self.url, repository)
            if refusal is not None:
                return refusal
        return Answer() if path == "/v2/" else self._content.answer(hit.path)
