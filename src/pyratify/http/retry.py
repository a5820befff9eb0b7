"""Whether and when a request is made again: a pure decision."""

from collections.abc import Callable
from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.http.transport import Headers

# 429 and those 5xx that time may change; 501 and 505 would be the same again.
STATUSES = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with jitter.

    Attributes:
        tries: How often a request is made at most.
        first: Seconds before the second try, without jitter.
        longest: The longest wait in seconds, unless the server asks for more.
        jitter: Returns a number from 0 to 1.
    """

    tries: int = 3
    first: float = 0.1
    longest: float = 10.0
    jitter: Callable[[], float]

    def delay(self, tried: int, remaining: float, asked: float | None = None) -> float | None:
        """Return the seconds to wait before the next try; None when there is to be none.

        Args:
            tried: How often the request has been made.
            remaining: Seconds until the deadline.
            asked: The seconds that the server asks for, by `Retry-After`.
        """
        if tried >= self.tries:
            return None
        # Jitter: clients that failed together must not come back together.
        wait = min(self.first * 2 ** (tried - 1) * (0.5 + self.jitter()), self.longest)
        # Retry-After is a lower bound (RFC 9110 10.2.3).
        wait = max(wait, asked or 0.0)
        return wait if wait < remaining else None


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Return how many seconds `Retry-After` asks for (RFC 9110, section 10.2.3); None when it says nothing readable."""
    text = (headers.get("retry-after") or "").strip()
    # isdigit alone accepts digits of every script; the length keeps the number a time that a float can hold.
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    from email.utils import parsedate_to_datetime  # costs more than all the rest, and is hardly ever needed

    try:
        date = parsedate_to_datetime(text)
        return max((date - now).total_seconds(), 0.0)
    # TypeError: a date with the zone -0000 is parsed without one, and cannot be compared.
    except (TypeError, ValueError, OverflowError):
        return None
