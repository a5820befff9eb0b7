"""Timestamps, OCSP answers and revocation lists made by OpenSSL's own programs."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate

from pyratify.core.errors import VerificationError
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.chain import validate_chain
from pyratify.pki.revocation.certificate_status import Status
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetching import FetchRequest
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.pki.timestamp.response import token_of
from pyratify.pki.timestamp.token import verify_timestamp
from pyratify.testing.certificates import Issued, authority, pem, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.revocation import FakeFetcher, looked_up, responder
from pyratify.testing.timestamps import timestamp_authority

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not shutil.which("openssl"), reason="the program openssl is not installed"),
]
OCSP, LIST = "http://ca.test/ocsp", "http://ca.test/crl"
ROOT = authority()
LEAF = signer(ROOT, extensions=looked_up(OCSP))
LISTED = signer(ROOT, extensions=looked_up(lists=LIST))
TSA_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
certs = {folder}/chain.pem
signer_key = {folder}/signer.key
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ess_cert_id_chain = {whole}
ess_cert_id_alg = {digest}
"""
CA_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
crlnumber = {folder}/number
default_md = sha256
default_crl_days = 1
"""


@dataclass(frozen=True)
class Folder:
    """A folder in which OpenSSL works."""

    path: Path

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file."""
        target = self.path / name
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
        return target

    def identity(self, name: str, issued: Issued) -> None:
        """Write a certificate, its key and its chain."""
        self.write(f"{name}.pem", issued.pem)
        self.write("chain.pem", pem(*issued.chain))
        key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.write(f"{name}.key", key)

    def run(self, *arguments: str) -> None:
        """Run OpenSSL here."""
        subprocess.run(["openssl", *arguments], cwd=self.path, check=True, capture_output=True)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.path / name).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder."""
    return Folder(tmp_path)


def stamp(folder: Folder, tsa: Issued, message: bytes, digest: str, *, whole: bool = False) -> bytes:
    """Return OpenSSL's answer with a timestamp for a message."""
    folder.identity("signer", tsa)
    folder.write("serial", "01")
    folder.write("message", message)
    config = TSA_CONFIG.format(folder=folder.path, digest=digest, whole="yes" if whole else "no")
    folder.write("tsa.cnf", config)
    folder.run("ts", "-query", "-data", "message", f"-{digest}", "-cert", "-out", "query.tsq")
    folder.run("ts", "-reply", "-queryfile", "query.tsq", "-config", "tsa.cnf", "-out", "answer.tsr")
    return folder.read("answer.tsr")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa-2048"])
@pytest.mark.parametrize("whole", [False, True], ids=["leaf-id", "chain-ids"])
def test_a_timestamp_by_openssl_verifies(folder: Folder, kind: str, digest: str, whole: bool) -> None:
    """Its time is about now, with its accuracy; for another message it is refused."""
    root = authority("tsa root")
    tsa = timestamp_authority(authority("tsa middle", issuer=root), kind=kind)
    token = token_of(stamp(folder, tsa, b"a signature", digest, whole=whole))
    anchors, now = (parse_certificate(root.der),), datetime.now(UTC)
    found = verify_timestamp(token, b"a signature", anchors, now)
    assert abs((now - found.time).total_seconds()) < 3600
    assert (found.latest - found.time).total_seconds() == pytest.approx(1.5001)
    with pytest.raises(VerificationError, match="made for something else"):
        verify_timestamp(token, b"another", anchors, now)


def index(state: str, issued: Issued) -> str:
    """Return the database of OpenSSL's small certificate authority, with one entry."""
    serial = f"{load_der_x509_certificate(issued.der).serial_number:X}"
    serial = serial.rjust(len(serial) + len(serial) % 2, "0")
    revoked = "260101000000Z,keyCompromise" if state == "R" else ""
    return f"{state}\t560101000000Z\t{revoked}\t{serial}\tunknown\t/CN=x\n"


async def look(leaf: Issued, fetcher: FakeFetcher) -> Status:
    """Return the status of a leaf at this very time."""
    clock = FakeClock(time=datetime.now(UTC))
    checker = RevocationChecker(fetcher, RevocationMemory(clock, RevocationOptions()))
    (status,) = await checker.check(validate_chain(leaf.chain))
    return status.status


@pytest.mark.parametrize("by", ["issuer", "delegate"])
@pytest.mark.parametrize(
    ("state", "expected"), [("V", Status.GOOD), ("R", Status.REVOKED), (None, Status.UNKNOWN)]
)
async def test_openssl_answers_our_questions(
    folder: Folder, state: str | None, expected: Status, by: str
) -> None:
    """It reads our request, and we read its answer: good, revoked, and unknown."""
    folder.identity("ca", ROOT)
    folder.identity("responder", ROOT if by == "issuer" else responder(ROOT))
    folder.write("index.txt", index(state, LEAF) if state else "")

    def answer(request: FetchRequest) -> bytes:
        folder.write("request.der", request.body or b"")
        signing = ("-rsigner", "responder.pem", "-rkey", "responder.key")
        files = ("-reqin", "request.der", "-respout", "answer.der", "-ndays", "1")
        folder.run("ocsp", "-index", "index.txt", "-CA", "ca.pem", *signing, *files)
        return folder.read("answer.der")

    assert await look(LEAF, FakeFetcher({OCSP: answer})) is expected


@pytest.mark.parametrize(("state", "expected"), [("V", Status.GOOD), ("R", Status.REVOKED)])
async def test_a_list_by_openssl_is_read(folder: Folder, state: str, expected: Status) -> None:
    """With its number, its authority key identifier and its reasons."""
    folder.identity("ca", ROOT)
    folder.write("index.txt", index(state, LISTED))
    folder.write("number", "1000")
    folder.write("ca.cnf", CA_CONFIG.format(folder=folder.path))
    signing = ("-cert", "ca.pem", "-keyfile", "ca.key", "-config", "ca.cnf")
    folder.run("ca", "-gencrl", *signing, "-out", "list.pem")
    folder.run("crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der")
    assert await look(LISTED, FakeFetcher({LIST: folder.read("list.der")})) is expected
