"""Revocation for tests: lists and OCSP answers, good or wrong in one chosen way, and servers for them.

leaf = signer(root, extensions=looked_up(ocsp="http://ca.test/ocsp", lists="http://ca.test/root.crl"))
fetcher = FakeFetcher({"http://ca.test/root.crl": make_list(root, revoked=[Revoked(leaf)])})
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp

from pyratify.core.dataclass import dataclass
from pyratify.pki.asn1 import OCTET_STRING, SEQUENCE, context, encode, encode_object_identifier
from pyratify.pki.der import read_element, read_elements
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest
from pyratify.pki.revocation.ocsp import OCSP_SIGNING
from pyratify.testing.certificates import Issued, Profile, issue, make_key

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
Extensions = tuple[tuple[x509.ExtensionType, bool], ...]
Answer = bytes | Exception | Callable[[FetchRequest], bytes]


def looked_up(
    ocsp: str = "", lists: str | Sequence[str] = (), deltas: str | Sequence[str] = ()
) -> Extensions:
    """Return the extensions of a certificate that name where its revocation is looked up."""
    found: list[tuple[x509.ExtensionType, bool]] = []
    if ocsp:
        method = x509.oid.AuthorityInformationAccessOID.OCSP
        access = x509.AccessDescription(method, x509.UniformResourceIdentifier(ocsp))
        # Not critical (RFC 5280, section 4.2.2.1).
        found.append((x509.AuthorityInformationAccess([access]), False))
    if lists:
        found.append((x509.CRLDistributionPoints(_points(lists)), False))
    if deltas:
        found.append((x509.FreshestCRL(_points(deltas)), False))
    return tuple(found)


def _points(urls: str | Sequence[str]) -> list[x509.DistributionPoint]:
    texts = [urls] if isinstance(urls, str) else urls
    return [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in texts]


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a revocation list.

    Attributes:
        certificate: What is revoked.
        reason: Why.
        invalid_from: The invalidity date.
        at: When.
        extra: More extensions, with whether they are critical.
    """

    certificate: Issued
    reason: x509.ReasonFlags | None = None
    invalid_from: datetime | None = None
    at: datetime = NOW - _DAY
    extra: Extensions = ()

    def entry(self) -> x509.RevokedCertificate:
        """Return the entry itself."""
        builder = x509.RevokedCertificateBuilder(_load(self.certificate).serial_number, self.at)
        if self.reason is not None:
            builder = builder.add_extension(x509.CRLReason(self.reason), critical=False)
        if self.invalid_from is not None:
            builder = builder.add_extension(x509.InvalidityDate(self.invalid_from), critical=False)
        for extension, critical in self.extra:
            builder = builder.add_extension(extension, critical)
        return builder.build()


def make_list(
    issuer: Issued,
    revoked: Sequence[Revoked] = (),
    *,
    key: Any = None,
    name: x509.Name | None = None,
    this_update: datetime = NOW - _HOUR,
    next_update: datetime = NOW + _DAY,
    number: int | None = 1,
    base: int | None = None,
    extra: Extensions = (),
) -> bytes:
    """Return a revocation list.

    Args:
        issuer: Whose list it is.
        revoked: The entries.
        key: Another key than the issuer's.
        name: Another name than the issuer's.
        this_update: When it is made.
        next_update: When the next is made.
        number: The list's number.
        base: The number of the list that this one, a delta list, adds to.
        extra: More extensions, with whether they are critical.
    """
    builder = x509.CertificateRevocationListBuilder(
        name or _load(issuer).subject, this_update, next_update, [], [entry.entry() for entry in revoked]
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    if base is not None:
        # Critical: else a delta could pass for a whole list (RFC 5280, section 5.2.4).
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    signed = builder.sign(key or issuer.key, SHA256())
    return signed.public_bytes(Encoding.DER)


def responder(issuer: Issued, *, no_check: bool = True, kind: str = "p256", **changes: Any) -> Issued:
    """Return the certificate of an OCSP responder to which an authority delegates; `changes` are members of `Profile`."""
    profile: dict[str, Any] = {
        "subject": "CN=responder,O=Example CA,C=US",
        "extended": (OCSP_SIGNING,),
        "extensions": ((x509.OCSPNoCheck(), False),) if no_check else (),  # RFC 6960, section 4.2.2.2.1
    }
    return issue(Profile(**(profile | changes)), make_key(kind, "responder"), issuer)


def make_answer(
    certificate: Issued,
    issuer: Issued,
    *,
    status: x509_ocsp.OCSPCertStatus = x509_ocsp.OCSPCertStatus.GOOD,
    reason: x509.ReasonFlags | None = None,
    by: Issued | None = None,
    by_name: bool = False,
    entries: Callable[[bytes], bytes] | None = None,
    bag: Sequence[Issued] | None = None,
    this_update: datetime = NOW - _HOUR,
    next_update: datetime | None = NOW + _DAY,
) -> bytes:
    """Return an OCSP answer.

    Args:
        certificate: What it is about.
        issuer: Its issuer.
        status: What is said.
        reason: Why it is revoked.
        by: The responder; the issuer when omitted.
        by_name: Name the responder by its subject instead of its key.
        entries: Edits the DER of the one entry; may return several.
        bag: Certificates in the answer; the responder's when omitted.
        this_update: Since when that is so.
        next_update: Until when; None for no end stated.
    """
    signer = by or issuer
    is_revoked = status is x509_ocsp.OCSPCertStatus.REVOKED
    builder = x509_ocsp.OCSPResponseBuilder().add_response(
        _load(certificate),
        _load(issuer),
        SHA1(),  # noqa: S303 - as requests have it
        status,
        this_update,
        next_update,
        NOW - _DAY if is_revoked else None,
        reason,
    )
    encoding = x509_ocsp.OCSPResponderEncoding.NAME if by_name else x509_ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(encoding, _load(signer))
    certificates = [signer] if bag is None and by else bag or ()
    if certificates:
        builder = builder.certificates([_load(entry) for entry in certificates])
    answer = builder.sign(signer.key, SHA256()).public_bytes(Encoding.DER)
    return answer if entries is None else _edited(answer, signer, entries)


def entry_extension(oid: str, value: bytes, *, critical: bool = False) -> Callable[[bytes], bytes]:
    """Return an edit of an answer's entry that adds one extension."""
    flag = b"\x01\x01\xff" if critical else b""  # DEFAULT FALSE is left out in DER (X.690, section 11.5)
    added = encode(SEQUENCE, encode_object_identifier(oid) + flag + encode(OCTET_STRING, value))

    def edit(entry: bytes) -> bytes:
        content = read_element(entry, SEQUENCE).content
        # singleExtensions (RFC 6960, section 4.2.1).
        return encode(SEQUENCE, content + encode(context(1), encode(SEQUENCE, added)))

    return edit


def _edited(answer: bytes, signer: Issued, edit: Callable[[bytes], bytes]) -> bytes:
    """Take an answer apart, edit its entry and sign it again (RFC 6960, section 4.2.1)."""
    status, wrapped = _parts(read_element(answer, SEQUENCE).content)
    kind, octets = _parts(read_element(_inside(wrapped), SEQUENCE).content)
    statement, algorithm, _, *bag = _parts(read_element(_inside(octets), SEQUENCE).content)
    responder_id, produced, entries, *rest = _parts(_inside(statement))
    changed = encode(SEQUENCE, edit(_inside(entries)))
    body = encode(SEQUENCE, b"".join((responder_id, produced, changed, *rest)))
    signature = encode(0x03, b"\x00" + signer.key.sign(body, ECDSA(SHA256())))  # no unused bits
    basic = encode(SEQUENCE, b"".join((body, algorithm, signature, *bag)))
    response = encode(SEQUENCE, kind + encode(OCTET_STRING, basic))
    return encode(SEQUENCE, status + encode(context(0), response))


def _parts(content: bytes) -> list[bytes]:
    return [encode(element.tag, element.content) for element in read_elements(content)]


def _inside(element: bytes) -> bytes:
    return next(iter(read_elements(element))).content


def refusal(status: x509_ocsp.OCSPResponseStatus = x509_ocsp.OCSPResponseStatus.TRY_LATER) -> bytes:
    """Return an OCSP answer that is none."""
    return x509_ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


@dataclass
class FakeFetcher:
    """A network of a few URLs; every other one fails.

    Attributes:
        places: What there is at each url: bytes, an exception, or a function of the request.
        asked: The urls that were asked for, in order.
    """

    places: Mapping[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, request: FetchRequest) -> bytes:
        """Return what is there."""
        self.asked.append(request.url)
        answer = self.places.get(request.url, FetchFailed("no such server"))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else answer(request)


@dataclass
class RevocationServer:
    """A real server on loopback, for OCSP and lists alike.

    Attributes:
        places: What is answered for each path and what is below it: a body, or a whole answer with its status line;
            nothing at all for None.
        asked: The paths that were asked for, in order.
    """

    places: dict[str, bytes | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _server: asyncio.Server = field(init=False)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        """Begin to serve."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End, also what is still waiting."""
        self._ended.set()  # first, as wait_closed waits for open connections
        self._server.close()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        """Where it is, as `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # clients may leave at any time
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.append(path)
            below = f"/{path.split('/')[1]}"  # clients may put an OCSP request into the path
            answer = self.places.get(path, self.places.get(below, as_http(b"", status="404 Not Found")))
            if answer is None:
                await self._ended.wait()  # silence without an end: the client's time limit is what is tested
            else:
                writer.write(answer if answer.startswith(b"HTTP/1.1 ") else as_http(answer))
                await writer.drain()
        writer.close()


def as_http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return a whole answer."""
    size = len(body) if length is None else length
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def _load(certificate: Issued) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)
