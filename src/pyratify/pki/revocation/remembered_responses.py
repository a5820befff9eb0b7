"""What revocation remembers: answers by URL and issuer, findings by certificate, and servers that are dead."""

from collections import OrderedDict
from dataclasses import field
from datetime import datetime, timedelta

from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.pki.certificates import Certificate
from pyratify.pki.revocation.certificate_status import Finding, RevocationUnknown
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.pki.times import InvalidTime, format_time, parse_rfc3339

# Certificates and URLs come with images: without a bound they could fill the memory.
_MAX_ENTRIES = 4096


@dataclass(slots=True)
class RevocationMemory:
    """Shared by all verifiers of a program; times come from the clock.

    Attributes:
        clock: Where the time comes from.
        options: How long things are remembered.
        answers: Keeps answers beyond this process, if it is a cache on disk; whatever comes out is verified again.
    """

    clock: Clock
    options: RevocationOptions
    answers: ContentCache | None = None
    _findings: OrderedDict[str, Finding] = field(default_factory=OrderedDict)
    _dead: OrderedDict[str, tuple[float, str]] = field(default_factory=OrderedDict)

    def finding(self, key: str) -> Finding | None:
        """Return what is known of a certificate, while its source does not want to be asked again."""
        found = self._findings.get(key)
        if found is None or self.clock.now() >= found.until:
            return None
        self._findings.move_to_end(key)
        return found

    def keep(self, key: str, finding: Finding) -> None:
        """Remember what is known of a certificate."""
        self._findings[key] = finding
        if len(self._findings) > _MAX_ENTRIES:
            self._findings.popitem(last=False)

    def check_alive(self, url: str) -> None:
        """Refuse to ask what could not be answered a moment ago.

        Raises:
            RevocationUnknown: It did, with what was wrong then.
        """
        until, why = self._dead.get(url, (0.0, ""))
        # Monotonic: a wall clock that is set back must not keep a server dead.
        if why and self.clock.monotonic() < until:
            raise RevocationUnknown(why)

    def bury(self, url: str, why: str) -> None:
        """Leave a server, or the question of a certificate, alone for a while."""
        self._dead[url] = (self.clock.monotonic() + self.options.dead_seconds, why)
        if len(self._dead) > _MAX_ENTRIES:
            self._dead.popitem(last=False)

    def answer(self, key: str) -> tuple[bytes, datetime] | None:
        """Return an answer that was kept and until when it counts at most; nothing of it is verified."""
        stored = None if self.answers is None else self.answers.get(key)
        if stored is None:
            return None
        # The stamp is ours, not the answer's: an authority may sign a nextUpdate that is years away.
        stamp, _, data = stored.partition(b"\n")
        try:
            until = parse_rfc3339(stamp.decode("ascii")) + self._max_age
        except (InvalidTime, UnicodeDecodeError, OverflowError):
            return None
        # A stamp from the future would keep an answer alive that a revocation has overtaken.
        return (data, until) if self.clock.now() < until <= self.clock.now() + self._max_age else None

    def keep_answer(self, key: str, data: bytes) -> None:
        """Keep an answer that has been verified."""
        if self.answers is not None:
            self.answers.put(key, format_time(self.clock.now()).encode("ascii") + b"\n" + data)

    def fresh(self) -> datetime:
        """Return until when an answer that arrives now counts at most."""
        return self.clock.now() + self._max_age

    @property
    def _max_age(self) -> timedelta:
        return timedelta(seconds=self.options.max_age_seconds)


def answer_key(kind: str, issuer: Certificate, what: str) -> str:
    """Return the key of an answer; the issuer's key is part of it, so that two issuers never share an entry."""
    return f"revocation|{kind}|{issuer.spki}|{what}"
