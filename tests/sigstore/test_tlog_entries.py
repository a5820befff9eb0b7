"""Log entries of bundles: bounded proofs and numbers."""

from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.tlog_entries import read_entries
from pyratify.testing.cosign import statement
from pyratify.testing.sigstore import PrivateSigstore
from support.cosign_setting import Setting

SIGSTORE = PrivateSigstore()
SUBJECT = Setting().image.digest


def test_the_hashes_of_a_proof_are_bounded() -> None:
    """A tree of 2**63 leaves is 63 levels high."""
    (entry,) = SIGSTORE.sign_statement(statement(SUBJECT))["verificationMaterial"]["tlogEntries"]
    proof = entry["inclusionProof"]
    one = proof["hashes"][0]
    proof["hashes"] = [one] * 64
    assert read_entries([entry])[0].proof is not None
    proof["hashes"] = [one] * 65
    with pytest.raises(VerificationError) as caught:
        read_entries([entry])
    assert caught.value.reason is Reason.PARSE_LIMIT


@pytest.mark.parametrize("number", ["9223372036854775807", 2**63 - 1, "0", 0, None])
def test_a_number_of_an_entry_is_an_int64(number: Any) -> None:
    """As a number or as its digits; zero where it is not set."""
    (entry,) = SIGSTORE.sign_statement(statement(SUBJECT))["verificationMaterial"]["tlogEntries"]
    assert read_entries([entry | {"logIndex": number}])[0].index == int(number or 0)


@pytest.mark.parametrize(
    "number", ["9223372036854775808", 2**63, -1, "-1", "1" * 20, "1.0", 1.0, True, "", " 1", "\u0661"]
)
def test_a_number_that_is_none_is_malformed(number: Any) -> None:
    """Out of range, or in a form that readers take in two ways."""
    (entry,) = SIGSTORE.sign_statement(statement(SUBJECT))["verificationMaterial"]["tlogEntries"]
    with pytest.raises(VerificationError) as caught:
        read_entries([entry | {"logIndex": number}])
    assert caught.value.reason is Reason.ENVELOPE_MALFORMED
