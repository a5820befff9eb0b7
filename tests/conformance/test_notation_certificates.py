"""Certificate requirements, as another implementation's own cases have them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.chain import Purpose, check_authority, check_leaf, check_strength, validate_chain
from pyratify.pki.pem import is_pem, read_pem

PURPOSES = {"codeSigning": Purpose.CODE_SIGNING, "timestamping": Purpose.TIMESTAMPING}


def load(path: Path) -> Certificate:
    """Return the only certificate of a file."""
    data = path.read_bytes()
    return parse_certificate(read_pem(data)[0].data if is_pem(data) else data)


def check_chain(shared: Path, case: dict[str, Any]) -> None:
    """Check a case that has a chain, perhaps at a time."""
    documents = [load(shared / path).der for path in case["chain"]]
    chain = validate_chain(documents, PURPOSES[case["purpose"]])
    if "signingTime" in case:
        chain.check_validity(datetime.fromtimestamp(case["signingTime"], UTC))


def check_one(shared: Path, case: dict[str, Any]) -> None:
    """Check a case that has one certificate in one place of a chain."""
    certificate = load(shared / case["certificate"])
    purpose, _, place = case["role"].partition("-")
    check_strength(certificate)
    if place == "ca":
        check_authority(certificate, 0)
    else:
        check_leaf(certificate, PURPOSES[purpose])


@pytest.mark.parametrize("index", range(37))
def test_a_certificate_or_chain_meets_the_requirements_or_does_not(shared: Path, index: int) -> None:
    """The verdict is the other implementation's."""
    cases = json.loads((shared / "expected" / "notation-certificates.json").read_bytes())["cases"]
    assert len(cases) == 37
    case = cases[index]
    check = check_chain if "chain" in case else check_one
    if case["ok"]:
        check(shared, case)
        return
    with pytest.raises(VerificationError):
        check(shared, case)
