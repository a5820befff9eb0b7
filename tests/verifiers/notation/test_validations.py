"""Validations of a Notation signature: what a level enforces, what it only reports, and the facts of the report."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from pyratify.core.errors import InconclusiveError, RatifyError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.certificates import authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.testing.timestamps import stamped_cose, stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import AGENT, COSE_TYPE, SIGNING_AUTHORITY
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import Action, Check, StoreName, TrustPolicy
from pyratify.verifiers.notation.validations import NotationFailure, NotationUndecided, Validations
from support.notation_bench import FORMATS, LEAF, ROOT, details, found, judge

NOW = FakeClock().now()
SECOND = timedelta(seconds=1)
FAILURE = VerificationError(Reason.SIG_EXPIRED, "too late", remedy="sooner")
UNDECIDED = InconclusiveError(Reason.REVOCATION_UNKNOWN, "no answer", remedy="again")


def checks(level: str) -> Validations:
    """Return the validations of a level."""
    (statement,) = short_trust_policy(identities=("*",), stores=["ca:test"], level=level).policies
    assert isinstance(statement, TrustPolicy)
    return Validations(statement)


def raising(error: RatifyError) -> Callable[[], None]:
    """Return a validation that fails."""

    def fail() -> None:
        raise error

    return fail


async def waiting(error: RatifyError) -> None:
    """Fail, as a validation that waits for others."""
    raise error


@pytest.mark.parametrize("check", list(Check))
@pytest.mark.parametrize("level", ["strict", "permissive", "audit"])
async def test_a_validation_that_fails_is_enforced_or_reported(level: str, check: Check) -> None:
    """As the level says; a refusal names the validation, and keeps reason and remedy of what failed."""
    for error, raised in ((FAILURE, NotationFailure), (UNDECIDED, NotationUndecided)):
        asked = checks(level)
        if asked.policy.actions[check] is Action.ENFORCE:
            with pytest.raises(raised) as caught:
                asked.run(check, raising(error))
            assert (caught.value.check, caught.value.reason) == (check, error.reason)
            assert caught.value.remedy == error.remedy
            assert caught.value.message.startswith(f"{check} ")
            assert caught.value.message.endswith(error.message)
            with pytest.raises(raised):
                await asked.wait_for(check, lambda error=error: waiting(error))
            assert asked.outcomes == {}
            continue
        asked.run(check, raising(error))
        assert asked.outcomes == {check: "failed"}
        assert [warning.reason for warning in asked.warnings] == [error.reason]
        assert error.message in asked.warnings[0].message


@pytest.mark.parametrize("passes", [True, False])
def test_a_signer_is_authentic_where_that_was_found(passes: bool) -> None:
    """Not before it was looked at, and not where it failed and was only to be reported."""
    asked = checks("audit")
    assert not asked.is_authentic
    asked.run(Check.EXPIRY, lambda: None)
    assert not asked.is_authentic
    asked.run(Check.AUTHENTICITY, (lambda: None) if passes else raising(FAILURE))
    assert asked.is_authentic is passes


@pytest.mark.parametrize(
    ("late", "decision"), [(-SECOND, Decision.DENY), (0 * SECOND, Decision.DENY), (SECOND, Decision.ALLOW)]
)
async def test_a_signature_is_expired_from_the_moment_that_it_names(
    late: timedelta, decision: Decision
) -> None:
    """A second before it counts, at that very second it does not."""
    result = await judge(Recipe(expiry=NOW + late))
    assert result.decision is decision
    if decision is Decision.DENY:
        assert found(result).reason is Reason.SIG_EXPIRED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(("kind", "allowed"), [("signingAuthority", True), ("ca", False)])
async def test_the_scheme_says_which_trust_store_counts(kind: str, allowed: bool, media_type: str) -> None:
    """A signing authority's signature is not vouched for by a certificate authority, and the other way round."""
    verifier = make_verifier(ROOT, kind=kind)
    for recipe, wanted in ((Recipe(scheme=SIGNING_AUTHORITY), allowed), (Recipe(), not allowed)):
        result = await judge(recipe, media_type, verifier=verifier)
        assert (result.decision is Decision.ALLOW) is wanted
        if not wanted:
            assert found(result).reason is Reason.CHAIN_UNTRUSTED


async def test_a_chain_of_another_root_is_not_trusted() -> None:
    """Also where it has the names of the one that is."""
    for other in (authority("other"), authority(which=1)):
        assert found(await judge(leaf=signer(other))).reason is Reason.CHAIN_UNTRUSTED


@pytest.mark.parametrize(
    ("identity", "allowed"),
    [
        ("x509.subject: C=US, ST=WA, O=Example", True),
        ("x509.subject: C=US, ST=WA, O=Example, CN=signer", True),
        ("x509.subject: C=US, ST=WA, O=Example, CN=sign", False),
        ("x509.subject: C=US, ST=WA, O=Example, OU=x", False),
        ("x509.subject: C=US, ST=WA, O=Other", False),
    ],
)
async def test_a_trusted_identity_is_whole_in_every_attribute(identity: str, allowed: bool) -> None:
    """What it names, the subject has, exactly so."""
    result = await judge(verifier=make_verifier(ROOT, identities=(identity,)))
    assert (result.decision is Decision.ALLOW) is allowed
    if not allowed:
        assert found(result).reason is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize("media_type", FORMATS)
async def test_the_report_says_who_stamped_and_what_signed(media_type: str) -> None:
    """The authority and its time, and the program that the envelope names, which nothing depends on."""
    root = authority("tsa root")
    tsa = timestamp_authority(root)
    policy = short_trust_policy(identities=("*",), stores=["ca:test", "tsa:test"], level="strict")
    stores = {StoreName("ca", "test"): (ROOT.material,), StoreName("tsa", "test"): (root.material,)}
    verifier = NotationVerifier("notation", policy, stores, FakeClock())
    edit = stamped_cose(tsa) if media_type == COSE_TYPE else stamped_jws(tsa)
    data = details(await judge(Recipe(whole=edit), media_type, verifier=verifier)).data
    assert data["timestamp"] == "2026-01-01T00:00:05Z"
    assert data["createdAt"] == data["timestamp"]
    assert data["timestampAuthority"] == "CN=timestamps,O=Example TSA,C=US"
    assert data["signingAgent"] == "pyratify/test"
    without = Recipe(
        unprotected=lambda header: {name: value for name, value in header.items() if name != AGENT}
    )
    data = details(await judge(without, media_type, leaf=LEAF)).data
    assert (data["timestamp"], data["timestampAuthority"], data["signingAgent"]) == (None, None, None)
