"""Chains for timestamping, and the parts of a chain on their own."""

from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.chain import TIMESTAMPING, Purpose, validate_chain
from pyratify.testing.certificates import CODE_SIGNING, Issued, authority, signer

ROOT = authority()


def clock(**changes: Any) -> Issued:
    """Return a timestamp authority's certificate."""
    return signer(ROOT, **({"extended": (TIMESTAMPING,), "extended_critical": True} | changes))


@pytest.mark.parametrize("changes", [{}, {"usages_critical": False}, {"ca": None}])
def test_a_chain_for_timestamping_is_accepted(changes: dict[str, Any]) -> None:
    """Its keyUsage should be critical and need not be."""
    chain = validate_chain(clock(**changes).chain, Purpose.TIMESTAMPING)
    assert chain.leaf is chain.certificates[0]
    assert chain.is_anchored([ROOT.der])
    assert not chain.is_anchored([])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extended": None}, Reason.CERT_KEY_USAGE),
        ({"extended_critical": False}, Reason.CERT_KEY_USAGE),
        ({"extended": (TIMESTAMPING, CODE_SIGNING)}, Reason.CERT_KEY_USAGE),
        ({"extended": (CODE_SIGNING,)}, Reason.CERT_KEY_USAGE),
        ({"usages": None}, Reason.CERT_KEY_USAGE),
        ({"usages": ("cRLSign",)}, Reason.CERT_KEY_USAGE),
        ({"ca": True}, Reason.CHAIN_INVALID),
    ],
)
def test_another_certificate_makes_no_timestamps(changes: dict[str, Any], reason: Reason) -> None:
    """The purpose is timestamping, critically, and nothing else."""
    with pytest.raises(VerificationError) as error:
        validate_chain(clock(**changes).chain, Purpose.TIMESTAMPING)
    assert error.value.reason is reason


def test_a_certificate_for_timestamps_signs_no_code() -> None:
    """Nor the other way round."""
    with pytest.raises(VerificationError):
        validate_chain(clock().chain)
    with pytest.raises(VerificationError):
        validate_chain(signer(ROOT).chain, Purpose.TIMESTAMPING)


@pytest.mark.parametrize("count", [0, 11])
def test_a_chain_has_between_one_and_ten_certificates(count: int) -> None:
    """More are refused before any of them is read."""
    with pytest.raises(VerificationError, match="1 to 10"):
        validate_chain((b"x",) * count)
