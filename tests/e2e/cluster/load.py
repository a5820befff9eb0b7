"""Pods that are created all the time, so that something that is lost is noticed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually

GOOD, BAD = "cosign-v3", "unsigned"


@dataclass
class Load:
    """Pods that are created all the time.

    Attributes:
        admitted: How many signed ones were admitted.
        refused: How many unsigned ones were refused for their missing signature.
        wrong: What should not have happened.
    """

    admitted: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def create(self, server: ApiServer, namespace: str, images: Images) -> None:
        """Try a signed and an unsigned Pod."""
        try:
            server.api.trying().create(pod(namespace, images[GOOD]))
            self.admitted += 1
        except Refused as error:
            self.wrong.append(error.message)
        try:
            server.api.trying().create(pod(namespace, images[BAD]))
            self.wrong.append("an unsigned Pod was admitted")
        except Refused as error:
            if "NO_EVIDENCE" in error.message:
                self.refused += 1
            else:
                self.wrong.append(error.message)

    def goes_on(self) -> None:
        """Wait until more has been decided; nothing of it, nor before, was wrong."""
        before = (self.admitted, self.refused)
        eventually("more is decided", lambda: self.admitted > before[0] + 2 and self.refused > before[1] + 2)
        assert self.wrong == []


@contextmanager
def load(server: ApiServer, namespace: str, images: Images) -> Iterator[Load]:
    """Create Pods until the end of the block; what was decided wrongly fails the test."""
    found, stop = Load(), Event()

    def work() -> None:
        while not stop.is_set():
            found.create(server, namespace, images)

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        try:
            yield found
        finally:
            stop.set()
        for worker in workers:
            worker.result()
    assert found.wrong == []
