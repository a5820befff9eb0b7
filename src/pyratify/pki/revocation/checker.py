"""The revocation of a chain (Notary Project, trust-store-trust-policy.md, "Certificate Revocation Evaluation").

For each certificate but the root: OCSP where the certificate names a responder, else or when that fails the revocation
lists it names, with their delta lists. A certificate that names neither cannot be looked up and counts as good.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import field, replace
from datetime import datetime
from typing import TypeVar

from pyratify.core.caching import SingleFlight
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.offload import offload
from pyratify.pki.certificates import Certificate
from pyratify.pki.chain import Chain
from pyratify.pki.revocation.certificate_status import CertificateStatus, Finding, RevocationUnknown, Status
from pyratify.pki.revocation.crl import RevocationList, is_final, look_up, read_list
from pyratify.pki.revocation.distribution_points import (
    delta_locations,
    list_locations,
    names_lists,
    ocsp_locations,
)
from pyratify.pki.revocation.fetching import Fetcher, FetchFailed, FetchRequest
from pyratify.pki.revocation.ocsp import ocsp_request, read_answer
from pyratify.pki.revocation.remembered_responses import RevocationMemory, answer_key
from pyratify.pki.times import format_time

T = TypeVar("T")
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class RevocationChecker:
    """Looks up the revocation of chains; ask only for chains that lead to a trusted root.

    Attributes:
        fetcher: The network.
        memory: What is remembered.
    """

    fetcher: Fetcher
    memory: RevocationMemory
    _flights: SingleFlight[Finding] = field(default_factory=SingleFlight, repr=False)

    async def check(self, chain: Chain, signed_at: datetime | None = None) -> tuple[CertificateStatus, ...]:
        """Return the status of every certificate but the root, from the leaf on.

        Args:
            chain: The chain.
            signed_at: The authentic time of what was signed, which an invalidity date is compared with.
        """
        # Each with its issuer, which leaves out the root: it could only vouch for itself.
        pairs = zip(chain.certificates, chain.certificates[1:], strict=False)
        return tuple(await asyncio.gather(*(self._status(*pair, signed_at) for pair in pairs)))

    async def _status(
        self, certificate: Certificate, issuer: Certificate, signed_at: datetime | None
    ) -> CertificateStatus:
        # Subjects are as long as a publisher likes, and stand in every report.
        subject = certificate.subject[:_MAX_SHOWN]
        try:
            finding = await self._finding(certificate, issuer)
        except RevocationUnknown as unknown:
            return CertificateStatus(subject, Status.UNKNOWN, str(unknown))
        if finding.revoked_at is None:
            return CertificateStatus(subject, Status.GOOD, finding.source)
        since = f"revoked at {format_time(finding.revoked_at)} ({finding.reason}), says {finding.source}"
        if finding.is_revoked(signed_at):
            return CertificateStatus(subject, Status.REVOKED, since)
        return CertificateStatus(subject, Status.GOOD, f"signed before the key was invalid; {since}")

    async def _finding(self, certificate: Certificate, issuer: Certificate) -> Finding:
        key = f"{issuer.spki}|{certificate.fingerprint}"
        known = self.memory.finding(key)
        if known is not None:
            return known
        # A failure is remembered, too: a dead responder must not cost every image its timeout.
        self.memory.check_alive(key)
        return await self._flights.run(key, lambda: self._ask(certificate, issuer, key))

    async def _ask(self, certificate: Certificate, issuer: Certificate, key: str) -> Finding:
        memory = self.memory
        deadline = memory.clock.monotonic() + memory.options.certificate_seconds
        try:
            finding = await _Question(certificate, issuer, self.fetcher, memory, deadline).answer()
        except RevocationUnknown as unknown:
            memory.bury(key, str(unknown))
            raise
        memory.keep(key, finding)
        return finding


class _Question:
    """One certificate, and when its time is over."""

    def __init__(
        self,
        certificate: Certificate,
        issuer: Certificate,
        fetcher: Fetcher,
        memory: RevocationMemory,
        deadline: float,
    ) -> None:
        self._certificate = certificate
        self._issuer = issuer
        self._fetcher = fetcher
        self._memory = memory
        self._clock: Clock = memory.clock
        self._options = memory.options
        self._deadline = deadline

    async def answer(self, *, ocsp: bool = True) -> Finding:
        """Return the finding; RevocationUnknown where no source has one."""
        responders = ocsp_locations(self._certificate) if ocsp else ()
        # Whether readable or not: lists that cannot be used make the status unknown, not good.
        has_lists = names_lists(self._certificate)
        # "Certificate Revocation Evaluation": without OCSP and CRL information it counts as not revoked.
        if not responders and not has_lists:
            return Finding(
                "the certificate names no OCSP responder and no revocation list", self._memory.fresh()
            )
        failed = ""
        if responders:
            try:
                return await _first(responders, self._ask_responder)
            except RevocationUnknown as unknown:
                failed = f"{unknown}; "
                if not has_lists:
                    raise
        try:
            return await _first(list_locations(self._certificate), self._ask_list)
        except RevocationUnknown as unknown:
            raise RevocationUnknown(f"{failed}{unknown}") from None

    async def _ask_responder(self, url: str) -> Finding:
        serial = f"{self._certificate.parsed.serial_number:x}"
        key = answer_key("ocsp", self._issuer, f"{serial}|{url}")
        request = FetchRequest(
            url=url,
            limit=self._options.ocsp_bytes,
            body=ocsp_request(self._certificate, self._issuer),
            content_type="application/ocsp-request",
            accept="application/ocsp-response",
        )

        async def read(data: bytes) -> Finding:
            now = self._clock.now()
            finding, delegate = read_answer(data, self._certificate, self._issuer, now, f"OCSP {_shown(url)}")
            # After the signature: a certificate that nothing vouches for must not cause requests.
            if delegate is not None:
                await self._check_delegate(delegate)
            return finding

        # RFC 6960, section 4.2.2.1: without nextUpdate newer information is always to be had.
        finding, until = await self._read(
            key, request, self._options.ocsp_seconds, read, lambda found: found.until > self._clock.now()
        )
        return replace(finding, until=min(finding.until, until))

    async def _check_delegate(self, delegate: Certificate) -> None:
        """Look up the responder's own certificate in revocation lists ("Revocation Checking with OCSP", 4)."""
        # Lists only: OCSP could name a delegate again, without end. One deadline for the same reason.
        question = _Question(delegate, self._issuer, self._fetcher, self._memory, self._deadline)
        finding = await question.answer(ocsp=False)
        # Whatever the invalidity date: the delegate signs today.
        if finding.revoked_at is not None:
            raise RevocationUnknown("the OCSP responder's certificate is revoked")

    async def _ask_list(self, url: str) -> Finding:
        base, until = await self._list(url)
        delta: RevocationList | None = None
        # A list of megabytes is searched in a thread; parsing entries would stop the event loop.
        if not await offload(base.size, is_final, self._certificate, base):
            extensions = base.parsed.extensions
            # Both may name them (RFC 5280 5.2.6 and 4.2.1.15); the list's own is the more recent.
            deltas = delta_locations(extensions) or delta_locations(self._certificate.parsed.extensions)
            if deltas:
                # "Revocation Checking with Delta CRLs": one that cannot be had leaves the status unknown.
                delta, delta_until = await _first(deltas, self._delta)
                until = min(until, delta_until)
        size = base.size + (delta.size if delta else 0)
        source = f"revocation list {_shown(url)}"
        finding = await offload(size, look_up, self._certificate, base, delta, self._clock.now(), source)
        return replace(finding, until=min(finding.until, until))

    async def _delta(self, url: str) -> tuple[RevocationList, datetime]:
        found, until = await self._list(url)
        if found.base is None:
            raise RevocationUnknown("what should be a delta list is none")
        return found, until

    async def _list(self, url: str) -> tuple[RevocationList, datetime]:
        request = FetchRequest(url=url, limit=self._options.list_bytes, accept="application/pkix-crl")

        async def read(data: bytes) -> RevocationList:
            return await offload(len(data), read_list, data, self._certificate, self._issuer)

        key = answer_key("list", self._issuer, url)
        return await self._read(
            key, request, self._options.list_seconds, read, lambda found: found.is_current(self._clock.now())
        )

    async def _read(
        self,
        key: str,
        request: FetchRequest,
        seconds: float,
        read: Callable[[bytes], Awaitable[T]],
        lasts: Callable[[T], bool],
    ) -> tuple[T, datetime]:
        """Return what an answer says and until when it counts at most, from memory if it lasts, else asked for."""
        kept = self._memory.answer(key)
        if kept is not None:
            # What a cache holds proves nothing, not even that it cannot be had.
            with suppress(RevocationUnknown):
                value = await read(kept[0])
                if lasts(value):
                    return value, kept[1]
        data = await self._fetch(request, seconds)
        value = await read(data)
        # What is out of date is not kept, but returned: an old list may still name the certificate for good.
        if lasts(value):
            self._memory.keep_answer(key, data)
        return value, self._memory.fresh()

    async def _fetch(self, request: FetchRequest, seconds: float) -> bytes:
        # By URL here: one dead server stands in the certificates of many chains.
        self._memory.check_alive(request.url)
        # Five URLs with five seconds each would outlast the deadline of an admission request.
        left = min(seconds, self._deadline - self._clock.monotonic())
        if left <= 0:
            raise RevocationUnknown("the time for this certificate is used up")
        try:
            async with asyncio.timeout(left):
                return await self._fetcher.fetch(request)
        except TimeoutError:
            why = f"{_shown(request.url)} did not answer within {left:g} seconds"
        except FetchFailed as failed:
            why = f"{_shown(request.url)}: {failed}"
        self._memory.bury(request.url, why)
        raise RevocationUnknown(why)


def _shown(url: str) -> str:
    # URLs come from certificates, and messages reach terminals and logs: no control characters.
    return url if url.isascii() and url.isprintable() and len(url) <= _MAX_SHOWN else ascii(url[:_MAX_SHOWN])


async def _first(urls: tuple[str, ...], ask: Callable[[str], Awaitable[T]]) -> T:
    """Return the first answer, in the order of the URLs."""
    # In order, one after another, as Notary's "OCSP Download" and "CRL Download" ask for.
    failures: list[str] = []
    for url in urls:
        try:
            return await ask(url)
        except RevocationUnknown as unknown:
            failures.append(str(unknown))
    raise RevocationUnknown("; ".join(failures))
