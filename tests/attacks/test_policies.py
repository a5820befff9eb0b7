"""Attacks on Notation's trust policies: scopes, levels and statements."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.certificates import Issued, authority
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import (
    Recipe,
    attach_signature,
    make_verifier,
    sign_jws,
)
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import read_trust_policy, short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import LEAF, REFERENCE, ROOT, details, found, judge
from support.notation_layouts import validate


def _statement(name: str, *scopes: str, store: str = "ca:test") -> dict[str, Any]:
    return {
        "name": name,
        "registryScopes": list(scopes),
        "signatureVerification": {"level": "strict"},
        "trustStores": [store],
        "trustedIdentities": ["*"],
    }


async def _by_scopes(*statements: dict[str, Any], reference: str = REFERENCE) -> Any:
    document = read_trust_policy({"version": "1.0", "trustPolicies": list(statements)})
    stores = {
        StoreName("ca", "test"): (ROOT.material,),
        StoreName("ca", "other"): (authority("other").material,),
    }
    store = MemoryStore()
    image = store.add_image()
    attach_signature(store, image, sign_jws(LEAF, image))
    return await validate(store, reference, NotationVerifier("notation", document, stores, FakeClock()))


async def test_atk_148_an_exact_scope_wins_over_the_star() -> None:
    """In either order of the statements."""
    exact = _statement("exact", "example.com/app", store="ca:other")
    everything = _statement("everything", "*")
    for statements in ((exact, everything), (everything, exact)):
        result = await _by_scopes(*statements)
        assert found(result).reason is Reason.CHAIN_UNTRUSTED
    result = await _by_scopes(exact, everything, reference="example.com/other:v1")
    assert details(result).data["trustPolicy"] == "everything"


@pytest.mark.parametrize(
    "reference", ["example.com/app2:v1", "example.com/app/x:v1", "example.com:5000/app:v1"]
)
async def test_atk_148_without_a_scope_nothing_is_trusted(reference: str) -> None:
    """Longer, nested and elsewhere is another repository."""
    result = await _by_scopes(_statement("exact", "example.com/app"), reference=reference)
    assert found(result).reason is Reason.POLICY_NOT_FOUND


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        ("example.com/app:v1",),
        ("example.com/app@sha256:" + "0" * 64,),
        ("example.com",),
        ("example.com/*",),
        ("*.example.com",),
        ("EXAMPLE.com/app",),
        ("https://example.com/app",),
        ("*", "example.com/app"),
        ("example.com/app", "example.com/app"),
        ("index.docker.io/library/nginx",),
        ("app",),
        ("",),
    ],
)
def test_atk_148_scopes_that_are_not_whole_repositories_are_refused(scopes: tuple[str, ...]) -> None:
    """A scope that could never match, or that names more than one repository, is a mistake."""
    with pytest.raises(ConfigurationError):
        short_trust_policy(identities=["*"], stores=["ca:test"], scopes=scopes)


def test_atk_148_one_scope_belongs_to_one_statement() -> None:
    """Otherwise the order of statements would decide who is trusted."""
    statements = [_statement("a", "example.com/app"), _statement("b", "example.com/app")]
    with pytest.raises(ConfigurationError, match="registry scope"):
        read_trust_policy({"version": "1.0", "trustPolicies": statements})


def _level(level: str, override: Any = None) -> dict[str, Any]:
    statement = _statement("x", "*")
    statement["signatureVerification"] = {"level": level} | (
        {} if override is None else {"override": override}
    )
    return {"version": "1.0", "trustPolicies": [statement]}


@pytest.mark.parametrize(
    ("level", "override"),
    [
        ("strict", {"integrity": "log"}),
        ("audit", {"integrity": "skip"}),
        ("audit", {"integrity": "enforce"}),
        ("strict", {"authenticity": "skip"}),
        ("strict", {"expiry": "skip"}),
        ("strict", {"authenticTimestamp": "skip"}),
        ("strict", {"revocation": "ignore"}),
        ("strict", {"everything": "log"}),
        ("strict", {"expiry": None}),
        ("strict", ["expiry"]),
        ("skip", {"expiry": "log"}),
        ("none", None),
        ("", None),
        (None, None),
        ("STRICT", None),
    ],
)
def test_atk_149_levels_and_overrides_outside_of_the_specification_are_refused(
    level: Any, override: Any
) -> None:
    """Integrity is always enforced, and only revocation can be skipped."""
    with pytest.raises(ConfigurationError):
        read_trust_policy(_level(level, override))


LATE = FakeClock(time=datetime(2056, 6, 1, tzinfo=UTC))
EXPIRED = Recipe(expiry=datetime(2026, 2, 1, tzinfo=UTC))
FAULTS: dict[str, tuple[Recipe, Issued, FakeClock, Reason]] = {
    "integrity": (Recipe(sign=lambda _: bytes(64)), ROOT, FakeClock(), Reason.SIG_INVALID),
    "authenticity": (Recipe(), authority("other"), FakeClock(), Reason.CHAIN_UNTRUSTED),
    "expiry": (EXPIRED, ROOT, FakeClock(), Reason.SIG_EXPIRED),
    "authenticTimestamp": (Recipe(), ROOT, LATE, Reason.CERT_EXPIRED),
}
ENFORCED = {
    "strict": {"integrity", "authenticity", "expiry", "authenticTimestamp"},
    "permissive": {"integrity", "authenticity"},
    "audit": {"integrity"},
}


@pytest.mark.parametrize(
    ("check", "override"),
    [
        (check, override)
        for check in FAULTS
        for override in (None, "enforce", "log")
        if override is None or check != "integrity"
    ],
)
@pytest.mark.parametrize("level", ENFORCED)
async def test_atk_149_a_level_enforces_or_reports_each_check(
    level: str, check: str, override: str | None
) -> None:
    """The table of the specification, with every override; what is not enforced appears in the report."""
    recipe, anchor, clock, expected = FAULTS[check]
    document = read_trust_policy(_level(level, {check: override} if override else None))
    stores = {StoreName("ca", "test"): (anchor.material,)}
    result = await judge(recipe, verifier=NotationVerifier("notation", document, stores, clock))
    if override == "enforce" or (override is None and check in ENFORCED[level]):
        failure = found(result)
        assert failure.reason is expected
        assert failure.message.startswith(f"{check} failed: ")
        return
    report = details(result)
    assert [warning.reason for warning in report.warnings] == [expected]
    assert report.data["checks"][check] == "failed"
    assert bool(report.signers) == (check != "authenticity")


async def test_atk_105_a_policy_that_skips_verification_says_so_and_names_no_signer() -> None:
    """The catalogue wants a denial; level `skip` means in notation that the artifact passes, so it does, loudly.

    It passes only where an artifact of the right kind is attached, and counts for no signer.
    """
    statement = {"name": "x", "registryScopes": ["*"], "signatureVerification": {"level": "skip"}}
    document = read_trust_policy({"version": "1.0", "trustPolicies": [statement]})
    verifier = NotationVerifier("notation", document, {}, FakeClock())
    report = details(await judge(raw=lambda _: b"garbage", verifier=verifier))
    assert "Nothing was verified" in report.description
    assert report.signers == ()
    assert set(report.data["checks"].values()) == {"skipped"}
    assert len(report.warnings) == 1
    store = MemoryStore()
    store.add_image()
    assert (await validate(store, REFERENCE, verifier)).decision is Decision.DENY


@pytest.mark.parametrize("level", ["strict", "permissive"])
async def test_atk_105_two_signers_are_not_made_of_skipped_evidence(level: str) -> None:
    """Where a rule wants two different signers, two copies by one signer are one."""
    store = MemoryStore()
    image = store.add_image()
    for _ in range(2):
        attach_signature(store, image, sign_jws(LEAF, image))
    two = ThresholdPolicy(Rule(None, (Rule("notation"), Rule("notation")), 2))
    executor = Executor(store=store, verifiers=(make_verifier(ROOT, level=level),), policy=two)
    assert (await executor.validate(Reference.parse(REFERENCE))).decision is Decision.DENY


@pytest.mark.parametrize(("position", "expected"), [(100, Decision.ALLOW), (101, Decision.DENY)])
async def test_atk_154_endless_signatures_are_not_tried(position: int, expected: Decision) -> None:
    """The executor's limit on referrers bounds the signatures that are tried, and shows that it was hit.

    The catalogue names SIGNATURE_LIMIT and fifty; one limit for all kinds of evidence is used, of one hundred.
    """
    store = MemoryStore()
    image = store.add_image()
    bad = json.loads(sign_jws(LEAF, image, Recipe(sign=lambda _: bytes(64))))
    for number in range(position - 1):
        attach_signature(store, image, json.dumps(bad | {"header": bad["header"]}, indent=number).encode())
    attach_signature(store, image, sign_jws(LEAF, image))
    result = await validate(store, REFERENCE, make_verifier(ROOT))
    assert result.decision is expected
    if expected is Decision.DENY:
        assert result.failure is not None
        assert result.failure.reason is Reason.REFERRERS_LIMIT
