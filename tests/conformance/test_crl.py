"""Revocation lists and chains of the Notary Project's own tests, served on loopback and judged as there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import Certificate, load_certificates
from pyratify.pki.chain import Chain, validate_chain
from pyratify.pki.revocation.certificate_status import RevocationUnknown, Status
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.crl import read_list
from pyratify.pki.revocation.distribution_points import delta_locations, list_locations, ocsp_locations
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.fetching import FetchRequest
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.fakes import FakeClock
from pyratify.testing.revocation import RevocationServer

GOOD, REVOKED, UNKNOWN = Status.GOOD, Status.REVOKED, Status.UNKNOWN
PORT = "localhost:10086"


class Elsewhere:
    """Sends questions for the fixture's port to the server that listens on loopback now."""

    def __init__(self, server: RevocationServer) -> None:
        self._origin = server.origin
        self._network = HttpFetcher(frozenset({"127.0.0.1"}))

    async def fetch(self, request: FetchRequest) -> bytes:
        """Fetch from there."""
        url = request.url.replace(f"http://{PORT}", self._origin)
        return await self._network.fetch(FetchRequest(url=url, limit=request.limit, body=request.body))


def load(path: Path) -> tuple[Certificate, ...]:
    """Return the certificates of a file."""
    return load_certificates(KeyMaterial(path.read_bytes(), path.name))


def chain_of(path: Path) -> Chain:
    """Return the chain in a file."""
    return validate_chain(tuple(certificate.der for certificate in load(path)))


async def statuses(chain: Chain, files: Mapping[str, Path], now: datetime) -> list[Status]:
    """Return the statuses of a chain, with these files at these places."""
    places = {f"/{name}": path.read_bytes() for name, path in files.items()}
    async with RevocationServer(dict(places)) as server:
        memory = RevocationMemory(FakeClock(time=now), RevocationOptions())
        found = await RevocationChecker(Elsewhere(server), memory).check(chain)
    return [status.status for status in found]


@pytest.fixture
def crl(shared: Path) -> Path:
    """The folder with the chain and its lists."""
    return shared / "notation-e2e/config/crl"


@pytest.mark.parametrize(
    ("leaf", "intermediate", "expected"),
    [
        ("leaf.crl", "intermediate.crl", [GOOD, GOOD]),
        ("leaf_revoked.crl", "intermediate.crl", [REVOKED, GOOD]),
        ("leaf.crl", "intermediate_revoked.crl", [GOOD, REVOKED]),
        ("leaf_revoked.crl", "intermediate_revoked.crl", [REVOKED, REVOKED]),
        ("leaf_expired.crl", "intermediate.crl", [UNKNOWN, GOOD]),
        ("intermediate.crl", "leaf.crl", [UNKNOWN, UNKNOWN]),
    ],
)
async def test_a_chain_with_lists_is_judged_as_notation_judges_it(
    crl: Path, leaf: str, intermediate: str, expected: list[Status]
) -> None:
    """Good, revoked, ended, and lists at each other's places; the intermediate's dead OCSP falls back to its list."""
    files = {"leaf.crl": crl / leaf, "intermediate.crl": crl / intermediate}
    chain = chain_of(crl / "certchain_with_crl.pem")
    assert await statuses(chain, files, datetime(2026, 6, 1, tzinfo=UTC)) == expected


async def test_lists_that_are_not_there_say_nothing(crl: Path) -> None:
    """404 for both."""
    chain = chain_of(crl / "certchain_with_crl.pem")
    assert await statuses(chain, {}, datetime(2026, 6, 1, tzinfo=UTC)) == [UNKNOWN, UNKNOWN]


async def test_a_chain_with_a_dead_responder_is_unknown(shared: Path) -> None:
    """Its certificates name OCSP and no list."""
    chain = chain_of(shared / "notation-e2e/config/ocsp/certchain_with_ocsp.pem")
    assert ocsp_locations(chain.leaf) == ("http://localhost:10087",)
    assert await statuses(chain, {}, datetime(2026, 6, 1, tzinfo=UTC)) == [UNKNOWN]


@pytest.mark.parametrize(
    ("name", "count"), [("certificateWithDeltaCRL.cer", 1), ("certificateWith2DeltaCRL.cer", 1)]
)
def test_delta_lists_of_a_certificate_are_found(shared: Path, name: str, count: int) -> None:
    """One place, which the second certificate names twice."""
    (certificate,) = load(shared / "notation-core-go/revocation-crl" / name)
    found = delta_locations(certificate.parsed.extensions)
    assert len(found) == count
    assert all("cmd=deltacrl" in place for place in found)
    assert len(list_locations(certificate)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "certificateWithIncompleteFreshestCRL.cer",
        "certificateWithIncompleteFreshestCRL2.cer",
        "certificateWithNonURIDeltaCRL.cer",
        "certificateWithZeroDeltaCRLURL.cer",
    ],
)
def test_a_certificate_whose_delta_lists_cannot_be_read_is_refused_or_unknown(
    shared: Path, name: str
) -> None:
    """Malformed ones are no certificates here; the others name no place."""
    data = (shared / "notation-core-go/revocation-crl" / name).read_bytes()
    try:
        (certificate,) = load_certificates(KeyMaterial(data, name))
    except ValueError as error:
        assert "malformed" in str(error)  # noqa: PT017 - one of two ways to refuse
        return
    with pytest.raises(RevocationUnknown, match="no revocation list that can be used"):
        delta_locations(certificate.parsed.extensions)


def test_a_delta_list_of_another_issuer_is_refused(shared: Path, crl: Path) -> None:
    """Real lists of EJBCA, read for a certificate that it did not issue."""
    leaf, issuer, _ = chain_of(crl / "certchain_with_crl.pem").certificates
    for name in ("delta.crl", "crlWithMultipleFreshestCRLs.crl"):
        data = (shared / "notation-core-go/revocation-crl" / name).read_bytes()
        with pytest.raises(RevocationUnknown, match="another issuer's"):
            read_list(data, leaf, issuer)
