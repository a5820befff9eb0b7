"""What is reported of an artifact of which no statement counts."""

from itertools import permutations
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError, StoreError, VerificationError
from pyratify.core.reason import Reason
from pyratify.verifiers.attestation.checked_statement import CheckedStatement, reported_error

LAYER = Digest.of(b"layer")
UNREAD = StoreError(Reason.TIMEOUT, "no answer", remedy="Ask again.")
REFUSED = VerificationError(Reason.PROVENANCE_MISMATCH, "another source", remedy="Build it elsewhere.")
UNKNOWN = VerificationError(Reason.SIG_INVALID, "another key")
OTHER_TYPE = VerificationError(Reason.PREDICATE_TYPE, "another type")
SLSA = {"predicateType": "https://slsa.dev/provenance/v1", "createdAt": "2026-01-01T00:00:00Z"}
LATER = SLSA | {"createdAt": "2026-01-02T00:00:00Z"}
UNDATED = {"predicateType": SLSA["predicateType"]}
SBOM = SLSA | {"predicateType": "https://spdx.dev/Document"}


def statement(error: RatifyError, facts: dict[str, Any] | None = None) -> CheckedStatement:
    """Return a refused statement: of a trusted signer where something is known of it."""
    return CheckedStatement(LAYER, "signer" if facts is not None else None, error, facts or {})


@pytest.mark.parametrize(
    "others",
    list(permutations((statement(UNREAD), statement(REFUSED, SLSA), statement(OTHER_TYPE, SBOM)))),
)
def test_what_could_not_be_read_is_reported_first(others: tuple[CheckedStatement, ...]) -> None:
    """It may have been the good one; with its remedy, and with all others."""
    found = reported_error([statement(UNKNOWN), *others])
    assert isinstance(found, StoreError)
    assert (found.reason, found.remedy) == (Reason.TIMEOUT, "Ask again.")
    assert found.message == (
        "no answer (and of the other statements here: PROVENANCE_MISMATCH: another source; "
        "PREDICATE_TYPE: another type; SIG_INVALID: another key)"
    )


@pytest.mark.parametrize(
    "others", list(permutations((statement(UNKNOWN), statement(REFUSED, SLSA), statement(OTHER_TYPE, SBOM))))
)
def test_what_a_rule_says_of_a_trusted_statement_comes_before_the_rest(
    others: tuple[CheckedStatement, ...],
) -> None:
    """An unknown signer can cause the others at will, and another type says least."""
    found = reported_error(others)
    assert (found.reason, found.remedy) == (Reason.PROVENANCE_MISMATCH, "Build it elsewhere.")


def test_three_others_are_named_and_no_more() -> None:
    """Their number is a publisher's choice."""
    message = reported_error([statement(REFUSED, SLSA)] * 9).message
    assert message.count("another source") == 1 + 3


@pytest.mark.parametrize(
    ("known", "facts"),
    [
        ((SLSA,), SLSA),
        ((SLSA, LATER), LATER),
        ((LATER, SLSA), LATER),
        ((SLSA, UNDATED), UNDATED),
        ((UNDATED, SLSA), UNDATED),
        ((SLSA, SBOM), {"createdAt": SLSA["createdAt"]}),
        ((SLSA, None), {}),
        ((None, SLSA), {}),
        ((SLSA | {"number": 1},), SLSA),
    ],
)
def test_facts_are_what_holds_of_every_statement(
    known: tuple[dict[str, Any] | None, ...], facts: dict[str, str]
) -> None:
    """The newest time, as rules about the newest compare it; of what no trusted signer made nothing is known."""
    found = reported_error([statement(REFUSED, each) for each in known])
    assert isinstance(found, VerificationError)
    assert dict(found.facts) == facts


def test_a_rule_may_know_more_of_a_refused_statement_than_its_signature_says() -> None:
    """As when a report was made; of a store's failure there is nothing more to know."""
    error = VerificationError(Reason.VULN_FOUND, "denied", facts={"createdAt": "2025-12-31T00:00:00Z"})
    found = reported_error([statement(error, SLSA)])
    assert isinstance(found, VerificationError)
    assert dict(found.facts) == SLSA | {"createdAt": "2025-12-31T00:00:00Z"}
    assert isinstance(reported_error([statement(UNREAD, SLSA)]), StoreError)
