"""Several requirements in one verifier: every kind must be there."""

import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.pki.times import format_time
from pyratify.sigstore.media_types import IN_TOTO
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.attestations import (
    SLSA_V1,
    WORKFLOW,
    attach_attestation,
    attach_under_tag,
    envelope,
    in_toto,
)
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sboms import spdx, spdx_package
from pyratify.testing.sigstore import SIGNED_AT, PrivateSigstore, Signing
from pyratify.verifiers.attestation.attestation_options import RuleOptions
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.load_requirements import load_requirement
from pyratify.verifiers.attestation.together import Quantifier
from support.attestation_setting import ONE, AttestationSetting, KeyResources, build
from support.cosign_setting import KEY, OTHER, reasons

RELEASE = "https://in-toto.io/attestation/release/v0.1"
BOTH = {
    "requirements": [
        {"name": "built", "provenance": {"sourceUris": [SOURCE]}},
        {"name": "released", "predicateTypes": [RELEASE], "anyContent": True},
    ]
}


def release(setting: AttestationSetting) -> dict[str, Any]:
    """Return a statement of the second kind."""
    return in_toto(setting.image.digest, RELEASE, {"purl": "pkg:oci/app"})


def names_evil(layer: bytes) -> bool:
    """Return whether a layer's statement names the other source."""
    document = json.loads(layer) if layer.startswith(b"{") else {}
    encoded = document.get("dsseEnvelope", document).get("payload", "")
    return b"evil" in base64.b64decode(encoded)


async def test_two_kinds_in_two_bundles_satisfy_both_requirements() -> None:
    """Each attachment counts, as the other one is there too."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    setting.attach(release(setting))
    result = await setting.validate(BOTH)
    assert result.decision is Decision.ALLOW
    assert reasons(result) == set()


@pytest.mark.parametrize("present", ["built", "released"])
async def test_one_kind_alone_is_not_enough(present: str) -> None:
    """The message names what is missing."""
    setting = AttestationSetting()
    setting.attach(setting.provenance() if present == "built" else release(setting))
    result = await setting.validate(BOTH)
    assert result.decision is Decision.DENY
    assert reasons(result) == {Reason.POLICY_UNSATISFIED}
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert ("released" if present == "built" else "built") in failure.message


async def test_a_kind_that_says_something_else_is_missing_too() -> None:
    """A release beside provenance of another source does not stand in for it; the message has the refusal of that kind."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(source="https://github.com/evil/evil"))
    setting.attach(release(setting))
    result = await setting.validate(BOTH)
    assert result.decision is Decision.DENY
    assert reasons(result) == {Reason.PROVENANCE_MISMATCH, Reason.POLICY_UNSATISFIED}
    failure = result.artifacts[1].results[0].failure
    assert failure is not None
    assert "built (PROVENANCE_MISMATCH:" in failure.message


async def test_of_a_kind_that_is_missing_no_refusal_of_another_is_reported() -> None:
    """What is refused is provenance; a release is not attached at all."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    setting.attach(setting.provenance(source="https://github.com/evil/evil"))
    result = await setting.validate(BOTH)
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert failure.message.endswith("released (nothing of its type is attached)")


async def test_the_layers_of_one_tag_satisfy_requirements_together() -> None:
    """Cosign collects all statements of an image under one tag."""
    setting = AttestationSetting()
    layers = (envelope(KEY, setting.provenance()), envelope(KEY, release(setting)))
    attach_under_tag(setting.store, setting.image, *layers)
    assert (await setting.validate(BOTH)).decision is Decision.ALLOW


async def test_what_cannot_be_read_leaves_it_undecided() -> None:
    """The attachment that is missing may be the one that could not be read."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    setting.attach(release(setting))
    unread = list(setting.store.blobs)[-1]
    setting.store.faults[str(unread)] = StoreError(Reason.REGISTRY_ERROR, "no answer")
    result = await setting.validate(BOTH)
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


async def test_a_statement_that_cannot_be_read_hides_none_where_one_is_enough() -> None:
    """Both kinds are there; what else is under the tag may be anything."""
    setting = AttestationSetting()
    more = setting.provenance(source="https://github.com/evil/evil")
    layers = (setting.provenance(), release(setting), more)
    attach_under_tag(setting.store, setting.image, *(envelope(KEY, each) for each in layers))
    unread = next(digest for digest, data in setting.store.blobs.items() if names_evil(data))
    setting.store.faults[str(unread)] = StoreError(Reason.TIMEOUT, "no answer")
    assert (await setting.validate(BOTH)).decision is Decision.ALLOW


@pytest.mark.parametrize("form", ["tag", "bundles"])
@pytest.mark.parametrize("require", ["all", "newest"])
async def test_a_statement_that_cannot_be_read_may_be_the_one_that_is_not_good(
    form: str, require: str
) -> None:
    """Where all or the newest have to be good, a time-out must not leave one out."""
    setting = AttestationSetting()
    bad = setting.provenance(source="https://github.com/evil/evil")
    if form == "tag":
        layers = (envelope(KEY, setting.provenance()), envelope(KEY, bad))
        attach_under_tag(setting.store, setting.image, *layers)
    else:
        setting.attach(setting.provenance())
        setting.attach(bad)
    unread = next(digest for digest, data in setting.store.blobs.items() if names_evil(data))
    setting.store.faults[str(unread)] = StoreError(Reason.TIMEOUT, "no answer")
    result = await setting.validate({"provenance": {"sourceUris": [SOURCE]}, "require": require})
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        (BOTH | {"provenance": {"sourceUris": [SOURCE]}}, "requirements"),
        (BOTH | {"predicateTypes": [SLSA_V1]}, "requirements"),
        ({"requirements": [{"name": "a"}]}, "requirements[0]"),
        ({"requirements": [{"provenance": {}}]}, "requirements[0].provenance"),
        ({"requirements": [{"provenance": {"sourceUris": [SOURCE]}}] * 2}, "requirements[1].name"),
        ({"requirements": [{"anyContent": True}]}, "requirements[0].predicateTypes"),
        ({"predicateTypes": ["slsaprovenance1"], "anyContent": True}, "predicateTypes"),
        ({"predicateTypes": ["https://slsa.dev/provenance/*"], "anyContent": True}, "predicateTypes"),
        ({"predicateTypes": [" "], "anyContent": True}, "predicateTypes"),
    ],
)
async def test_requirements_that_are_not_clear_are_refused(parameters: dict[str, Any], path: str) -> None:
    """With the path of what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        await build(parameters)
    assert caught.value.path == path


@pytest.mark.parametrize("form", ["tag", "bundles"])
@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
@pytest.mark.parametrize(("require", "allowed"), [("any", True), ("all", False), ("newest", False)])
async def test_a_good_statement_hides_no_other_where_all_are_asked_for(
    form: str, order: tuple[str, ...], require: str, allowed: bool
) -> None:
    """Under one tag as in several bundles; without a proved time, the newest could be any of them."""
    setting = AttestationSetting()
    said = {"good": setting.provenance(), "bad": setting.provenance(source="https://github.com/evil/evil")}
    statements = [said[each] for each in order] + [release(setting)]
    if form == "tag":
        attach_under_tag(setting.store, setting.image, *(envelope(KEY, each) for each in statements))
    else:
        for each in statements:
            setting.attach(each)
    rules = {"provenance": {"sourceUris": [SOURCE]}, "require": require}
    result = await setting.validate(rules)
    assert (result.decision is Decision.ALLOW) is allowed
    if not allowed:
        assert Reason.PROVENANCE_MISMATCH in reasons(result)


@pytest.mark.parametrize(("require", "allowed"), [("any", True), ("all", False), ("newest", False)])
async def test_what_satisfies_another_requirement_of_its_type_is_refused_by_this_one(
    require: str, *, allowed: bool
) -> None:
    """Two statements, each with one of source and builder right: where all have to be good, both have to have both."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(builder="https://example.com/other"))
    setting.attach(setting.provenance(source="https://github.com/evil/evil"))
    entries = [
        {"name": "source", "provenance": {"sourceUris": [SOURCE]}},
        {"name": "builder", "provenance": {"builderIds": [WORKFLOW]}},
    ]
    result = await setting.validate({"requirements": entries, "require": require})
    assert (result.decision is Decision.ALLOW) is allowed
    assert allowed or reasons(result) == {Reason.PROVENANCE_MISMATCH}


async def test_a_requirement_that_is_missing_says_what_refuses_the_statement_of_its_type() -> None:
    """Although the same statement satisfies another one."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    entries = [
        {"name": "source", "provenance": {"sourceUris": [SOURCE]}},
        {"name": "builder", "provenance": {"builderIds": ["https://example.com/builder"]}},
    ]
    result = await setting.validate({"requirements": entries})
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert "builder (PROVENANCE_MISMATCH: the builder is" in failure.message


@pytest.mark.parametrize(("newest", "allowed"), [("good", True), ("bad", False)])
async def test_the_newest_statement_counts_by_its_proved_time(newest: str, allowed: bool) -> None:
    """An old clean one does not hide a new one, and a new one outweighs an old one."""
    sigstore, setting = PrivateSigstore(), AttestationSetting()
    said = {"good": setting.provenance(), "bad": setting.provenance(source="https://github.com/evil/evil")}
    for name, statement in said.items():
        at = SIGNED_AT + timedelta(hours=1 if name == newest else 0)
        attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement, Signing(at=at)))
    rules = msgspec.convert({"provenance": {"sourceUris": [SOURCE]}}, RuleOptions)
    verifier = AttestationVerifier(
        "attestation",
        [TrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)],
        [await load_requirement(rules, "", KeyResources())],
        FakeClock(),
        quantifier=Quantifier.NEWEST,
    )
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert (result.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(("stamped", "allowed"), [(True, True), (False, False)])
async def test_a_time_that_a_document_claims_makes_a_statement_no_newest(
    *, stamped: bool, allowed: bool
) -> None:
    """An SBOM says when it was made; only the time of its signature counts."""
    sigstore, setting = PrivateSigstore(), AttestationSetting()
    made = SIGNED_AT + timedelta(hours=1)
    for license_, signing in (
        ("GPL-3.0-only", Signing(key=KEY, log=0, at=SIGNED_AT)),
        ("MIT", Signing(key=KEY, log=0, at=made, stamp=stamped)),
    ):
        document = json.loads(spdx([spdx_package("musl", expression=license_)], created=format_time(made)))
        statement = in_toto(setting.image.digest, "https://spdx.dev/Document", document)
        attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement, signing))
    rules = msgspec.convert({"sbom": {"deniedLicenses": ["GPL-3.0-only"]}}, RuleOptions)
    verifier = AttestationVerifier(
        "attestation",
        [TrustPolicy(keys=(KEY.material,), trusted_root=sigstore.root, logs=0)],
        [await load_requirement(rules, "", KeyResources())],
        FakeClock(made),
        quantifier=Quantifier.NEWEST,
    )
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert (result.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize("order", [("unsigned", "signed"), ("signed", "unsigned")])
async def test_an_unsigned_statement_hides_no_signed_one_beside_it(order: tuple[str, ...]) -> None:
    """Where all have to be good, what the trusted signer says of the same image counts."""
    setting = AttestationSetting()
    bad = setting.provenance(source="https://github.com/evil/evil")
    said = {"unsigned": setting.provenance(), "signed": envelope(KEY, bad)}
    layers = [(IN_TOTO, json.dumps(said[each]).encode()) for each in order]
    setting.store.attach(setting.image, IN_TOTO, *layers)
    rules = {"provenance": {"sourceUris": [SOURCE]}, "require": "all", "unsignedStatements": True}
    result = await setting.validate(rules)
    assert result.decision is Decision.DENY
    assert result.artifacts[0].results[0].failure is not None
    assert reasons(result) == {Reason.PROVENANCE_MISMATCH}


async def test_what_is_refused_says_of_which_kind_and_time_it_is() -> None:
    """Rules of policies can then tell whether it concerns them; of an unknown signer's statement nothing is said."""
    setting = AttestationSetting()
    setting.attach(release(setting))
    setting.attach(setting.provenance(), OTHER)
    result = await setting.validate({"provenance": {"sourceUris": [SOURCE]}})
    facts = [dict(each.results[0].facts) for each in result.artifacts]
    assert facts[0]["predicateType"] == RELEASE
    assert facts[0]["signer"] == KEY.fingerprint
    assert facts[1] == {}
