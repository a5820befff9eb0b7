"""Answers of the registry simulator, and what can be made to go wrong with them."""

import re
from collections.abc import Mapping
from dataclasses import field
from threading import Event

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: The status code.
        headers: Pairs of name and value; `Content-Length` is added.
        body: The body.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(slots=True)
class Hit:
    """A request that the simulator received.

    Attributes:
        method: The method.
        path: Path and query.
        headers: The header fields by name in lower case.
        body: The body.
        client_certificate: The client's certificate in DER; empty for none.
        arrived: A number that grows with every arrival and every answer.
        answered: The number of its answer; 0 while there is none.
        status: The status it was answered with.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    client_certificate: bytes = b""
    arrived: int = 0
    answered: int = 0
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to some requests instead of the ordinary answer.

    Attributes:
        path: A regular expression that is searched for in path and query.
        method: The method.
        nth: The first matching request that it happens to, counted from 1.
        times: How many times it happens; None for always.
        status: Replaces the status.
        headers: Are added; a value of None removes the field.
        body: Replaces the body.
        raw: Is sent in place of everything; then the connection is closed.
        close: Closes the connection without an answer.
        truncate: Closes the connection after so many bytes of the body.
        endless: The body goes on until the client goes away.
        drip: Seconds between the bytes of the answer.
        wait: The answer waits until this is set.
    """

    path: str = ""
    method: str = "GET"
    nth: int = 1
    times: int | None = None
    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    raw: bytes | None = None
    close: bool = False
    truncate: int | None = None
    endless: bool = False
    drip: float | None = None
    wait: Event | None = None

    def matches(self, hit: Hit) -> bool:
        """Return whether this is about such a request."""
        return hit.method == self.method and re.search(self.path, hit.path) is not None

    def covers(self, count: int) -> bool:
        """Return whether it happens to the matching request of this number, counted from 1."""
        return count >= self.nth and (self.times is None or count < self.nth + self.times)

    def change(self, answer: Answer) -> Answer:
        """Return the answer as the fault makes it."""
        # Field names ignore case (RFC 9110, section 5.1).
        replaced = {name.lower() for name in self.headers}
        kept = [field for field in answer.headers if field[0].lower() not in replaced]
        added = [(name, value) for name, value in self.headers.items() if value is not None]
        return Answer(
            answer.status if self.status is None else self.status,
            (*kept, *added),
            answer.body if self.body is None else self.body,
        )


def redirect(path: str, location: str, *, status: int = 307, times: int | None = None) -> Fault:
    """Return the fault that redirects what matches the path."""
    return Fault(path=path, status=status, headers={"Location": location}, body=b"", times=times)
