"""Attacks on attestations: statements about another image, of another type, by another signer, or of another build."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509

from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.testing.attestations import (
    BROKEN_STATEMENTS,
    COMMIT,
    REF,
    SLSA_V1,
    WORKFLOW,
    attach_attestation,
    attach_under_tag,
    bundle,
    envelope,
    in_toto,
    provenance_v1,
)
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.cosign import REPOSITORY, CosignKey
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, PrivateSigstore, Signing, extension, utf8
from pyratify.verifiers.attestation.attestation_options import RuleOptions
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.load_requirements import load_requirement
from support.attestation_setting import ANY_SLSA, FROM_SOURCE, ONE, AttestationSetting, KeyResources
from support.cosign_setting import KEY, OTHER, reasons

SIGSTORE = PrivateSigstore()
FORMS = ("bundle", "tag", "referrer")
EVIL = "https://github.com/evil/evil"


def attach(setting: AttestationSetting, form: str, signed: dict[str, Any]) -> None:
    """Attach an envelope in one of the forms."""
    if form == "tag":
        attach_under_tag(setting.store, setting.image, signed)
    elif form == "referrer":
        attach_attestation(setting.store, setting.image, signed)
    else:
        made = bundle(KEY, b"{}") | {"dsseEnvelope": signed}
        made["verificationMaterial"] = {"publicKey": {"hint": ""}}
        attach_attestation(setting.store, setting.image, made)


async def outcome(setting: AttestationSetting, rules: Mapping[str, Any] = FROM_SOURCE) -> set[Reason]:
    """Return why the image is refused; empty where it is allowed."""
    result = await setting.validate(rules)
    assert (result.decision is Decision.ALLOW) is (not reasons(result))
    return reasons(result)


@pytest.mark.parametrize("form", FORMS)
async def test_atk_201_an_attestation_of_another_image_does_not_count_here(form: str) -> None:
    """It is good evidence, for what it names."""
    setting = AttestationSetting()
    other = in_toto(setting.store.add_image(None, b"other").digest, SLSA_V1, provenance_v1())
    attach(setting, form, envelope(KEY, other))
    assert await outcome(setting) == {Reason.PAYLOAD_SUBJECT_MISMATCH}
    assert await outcome(setting, ANY_SLSA) == {Reason.PAYLOAD_SUBJECT_MISMATCH}


@pytest.mark.parametrize(
    ("subjects", "good"),
    [
        (lambda own: [{"name": "b", "digest": {"sha256": "0" * 64}}, own], True),
        (lambda own: [own, {"name": "b", "digest": {"sha256": "0" * 64}}], True),
        (lambda own: [{"digest": own["digest"] | {"sha1": "0" * 40}}], True),
        (lambda own: [None, own], False),
        (lambda own: [{"name": own["name"]}], False),
        (lambda own: [{"name": own["name"], "digest": {"sha1": "0" * 40}}], False),
        (lambda own: [{"digest": own["digest"] | {"sha512": "0" * 128}}], False),
        (lambda own: [{"digest": {"sha256": own["digest"]["sha256"].upper()}}], False),
        (lambda own: [{"digest": {"sha256": None}}], False),
        (lambda own: [{"digest": {"SHA256": own["digest"]["sha256"]}}], False),
        (lambda _: [], False),
        (lambda own: own, False),
    ],
)
async def test_atk_202_one_subject_has_the_digest_and_none_of_its_digests_contradicts(
    subjects: Callable[[dict[str, Any]], Any], good: bool
) -> None:
    """Never by name, by a weak digest, or beside a digest of something else; nothing crashes."""
    setting = AttestationSetting()
    statement = setting.provenance()
    setting.attach(statement | {"subject": subjects(statement["subject"][0])})
    found = await outcome(setting)
    assert (found == set()) is good
    assert found.isdisjoint({Reason.INTERNAL, Reason.VERIFIER_ERROR})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", [0, 12, 27])
async def test_atk_203_the_type_of_a_payload_is_signed_letter_by_letter(form: str, place: int) -> None:
    """A letter that folds to the same byte is another letter."""
    setting = AttestationSetting()
    signed = envelope(KEY, setting.provenance())
    kind = signed["payloadType"]
    changed = f"{kind[:place]}{chr(ord(kind[place]) + 0x100)}{kind[place + 1 :]}"
    attach(setting, form, signed | {"payloadType": changed})
    assert (
        await outcome(setting) <= {Reason.ENVELOPE_MALFORMED, Reason.SIG_INVALID, Reason.PAYLOAD_TYPE} - set()
    )
    assert await outcome(setting)


@pytest.mark.parametrize("form", FORMS)
async def test_atk_203_a_signature_over_the_bare_payload_is_none_over_the_envelope(form: str) -> None:
    """Type and payload are signed together."""
    setting = AttestationSetting()
    signed = envelope(KEY, setting.provenance())
    bare = encode_base64(KEY.sign(base64.b64decode(signed["payload"])))
    attach(setting, form, signed | {"signatures": [{"sig": bare}]})
    assert await outcome(setting) == {Reason.SIG_INVALID}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["application/json", "application/vnd.in-toto", "text/plain", "x"])
async def test_atk_204_a_statement_in_an_envelope_of_another_type_is_none(form: str, kind: str) -> None:
    """However good the signature over both is."""
    setting = AttestationSetting()
    data = json.dumps(setting.provenance()).encode()
    attach(setting, form, envelope(KEY, data, kind))
    assert await outcome(setting) == {Reason.PAYLOAD_TYPE}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", [0, 2, 1000])
@pytest.mark.parametrize("first", [True, False])
async def test_atk_205_an_envelope_has_exactly_one_signature(form: str, number: int, first: bool) -> None:
    """A trusted signature beside others is not taken for all of them."""
    setting = AttestationSetting()
    signed = envelope(KEY, setting.provenance())
    good, other = signed["signatures"], envelope(OTHER, setting.provenance())["signatures"]
    several = [*good, *other * (number - 1)] if first else [*other * (number - 1), *good]
    attach(setting, form, signed | {"signatures": several if number else []})
    assert await outcome(setting) <= {Reason.ENVELOPE_MALFORMED, Reason.PARSE_LIMIT}
    assert await outcome(setting)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hint", [KEY.hint, "../../cosign.pub", KEY.fingerprint])
async def test_atk_206_the_name_of_a_key_in_an_envelope_selects_none(form: str, hint: str) -> None:
    """An attacker's signature under the trusted key's name is the attacker's."""
    setting = AttestationSetting()
    signed = envelope(OTHER, setting.provenance())
    signed["signatures"][0]["keyid"] = hint
    attach(setting, form, signed)
    assert await outcome(setting) == {Reason.SIG_INVALID}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("look-alike predicate type", Reason.PREDICATE_TYPE),
        ("no predicate", Reason.PREDICATE_TYPE),
        ("predicate that is a text", Reason.PREDICATE_TYPE),
        ("predicate that is a list", Reason.PREDICATE_TYPE),
        ("empty predicate", Reason.PREDICATE_TYPE),
        ("no predicate type", Reason.ENVELOPE_MALFORMED),
        ("predicate type that is a number", Reason.ENVELOPE_MALFORMED),
    ],
)
async def test_atk_207_a_predicate_of_another_type_or_shape_is_refused(
    form: str, broken: str, reason: Reason
) -> None:
    """Types are compared exactly, and what cannot be read as its type is not passed over."""
    setting = AttestationSetting()
    attach(setting, form, envelope(KEY, json.dumps(BROKEN_STATEMENTS[broken](setting.provenance())).encode()))
    assert await outcome(setting) == {reason}


@pytest.mark.parametrize("form", FORMS)
async def test_atk_207_a_payload_that_is_no_json_is_refused(form: str) -> None:
    """A trusted signature over nonsense is a signature over nonsense."""
    setting = AttestationSetting()
    attach(setting, form, envelope(KEY, b'{"_type": '))
    assert await outcome(setting, ANY_SLSA) == {Reason.JSON_INVALID}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "version",
    [
        None,
        "https://in-toto.io/Statement/v2",
        "https://in-toto.io/Statement/v1/",
        "http://in-toto.io/Statement/v1",
        "https://in-toto.io/statement/v1",
        "in-toto.io/Statement/v1",
        1,
    ],
)
async def test_atk_208_a_statement_of_an_unknown_version_is_refused(form: str, version: Any) -> None:
    """A later version may give its members another meaning."""
    setting = AttestationSetting()
    statement = setting.provenance()
    changed = (
        {**statement, "_type": version} if version else {k: v for k, v in statement.items() if k != "_type"}
    )
    attach(setting, form, envelope(KEY, changed))
    assert await outcome(setting, ANY_SLSA) == {Reason.ENVELOPE_MALFORMED}


@pytest.mark.parametrize(
    "source",
    [
        f"{SOURCE}@evil",
        f"{SOURCE}.evil",
        f"{SOURCE}/../../evil/evil",
        EVIL,
        f"{EVIL}?{SOURCE}",
        f"x{SOURCE}",
        "",
    ],
)
async def test_atk_209_a_source_is_compared_whole(source: str) -> None:
    """Not a beginning of it, nor a part, nor what a path leads to."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(source=source))
    assert await outcome(setting) == {Reason.PROVENANCE_MISMATCH}


async def test_atk_209_a_dependency_is_not_the_source() -> None:
    """A build that fetches the trusted repository was not started from it."""
    setting = AttestationSetting()
    predicate = provenance_v1(source=EVIL)
    predicate["buildDefinition"]["resolvedDependencies"].append(
        {"uri": f"git+{SOURCE}@{REF}", "digest": {"gitCommit": COMMIT}}
    )
    del predicate["buildDefinition"]["externalParameters"]["workflow"]
    setting.attach(in_toto(setting.image.digest, SLSA_V1, predicate))
    assert await outcome(setting) == {Reason.PROVENANCE_MISMATCH}


async def keyless(said: Mapping[str, str], certified: Mapping[int, str]) -> ValidationResult:
    """Judge provenance that was signed with a certificate, by rules that name the trusted build."""
    setting = AttestationSetting()
    signing = Signing(
        names=(x509.UniformResourceIdentifier(WORKFLOW),),
        extensions={extension(number): utf8(text) for number, text in certified.items()},
    )
    attach_attestation(
        setting.store, setting.image, SIGSTORE.sign_statement(setting.provenance(**said), signing)
    )
    policy = TrustPolicy(
        identities=(CertificateIdentity(subject=WORKFLOW, issuer=ISSUER),), trusted_root=SIGSTORE.root
    )
    rules = {"builderIds": ["https://github.com/**"], "sourceUris": ["https://github.com/**"]}
    options = msgspec.convert({"provenance": rules}, RuleOptions)
    requirement = await load_requirement(options, "", KeyResources())
    verifier = AttestationVerifier("attestation", [policy], [requirement], FakeClock())
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    return await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))


@pytest.mark.parametrize(
    ("said", "certified", "good"),
    [
        ({}, {9: WORKFLOW, 12: SOURCE, 14: REF}, True),
        ({}, {}, True),
        ({"builder": f"{EVIL}/.github/workflows/release.yml@{REF}"}, {9: WORKFLOW}, False),
        ({"builder": WORKFLOW.replace(REF, "refs/heads/x")}, {9: WORKFLOW}, False),
        ({"source": EVIL}, {9: WORKFLOW, 12: SOURCE}, False),
        ({"ref": "refs/tags/v9.9.9"}, {9: WORKFLOW, 12: SOURCE, 14: REF}, False),
    ],
)
async def test_atk_209_a_workflow_speaks_for_itself_alone(
    said: Mapping[str, str], certified: Mapping[int, str], good: bool
) -> None:
    """Its certificate says which workflow it is and which repository it ran for; the provenance must agree."""
    result = await keyless(said, certified)
    assert reasons(result) == (set() if good else {Reason.PROVENANCE_MISMATCH})


async def test_atk_210_a_key_in_a_statement_is_not_trusted_for_it() -> None:
    """What a signer encloses says nothing about the signer."""
    setting, attacker = AttestationSetting(), CosignKey.generate()
    enclosed = {"publicKey": attacker.pem.decode(), "document": {"account": "1"}}
    statement = in_toto(setting.image.digest, SLSA_V1, provenance_v1() | {"identity": enclosed})
    setting.attach(statement, attacker)
    assert await outcome(setting) == {Reason.SIG_INVALID}


@pytest.mark.parametrize(
    ("pattern", "ref", "good"),
    [
        ("refs/tags/v*", "refs/tags/v1.2.3", True),
        ("refs/tags/v*", "refs/tags/V1.2.3", False),
        ("refs/tags/v*", "refs/tags/v1/2", False),
        ("refs/tags/v*", "refs/tags/x/../v1", False),
        ("refs/*/v1", "refs/../v1", False),
        ("refs/**/v1", "refs/a/b/v1", True),
        ("refs/**", "refs/a/../../b", False),
        ("REFS/TAGS/*", "refs/tags/v1", False),
        ("refs/tags/v*", "refs/tags/v1\n", False),
        ("refs/tags/v1", "refs/tags/v1\n", False),
    ],
)
async def test_atk_211_patterns_mean_the_same_everywhere(pattern: str, ref: str, good: bool) -> None:
    """Case counts, a star ends at a slash, and a path that climbs matches nothing."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(ref=ref))
    assert (await outcome(setting, {"provenance": {"sourceRefs": [pattern]}}) == set()) is good


@pytest.mark.parametrize("signed_again", [False, True])
async def test_atk_064_an_old_attestation_does_not_become_new(signed_again: bool) -> None:
    """Absence of newer evidence is none: what is older than allowed is refused, also where it was signed again."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    if signed_again:
        setting.attach(setting.provenance())
    clock = FakeClock()
    resources = replace(KeyResources(), clock=clock)
    rules = {"provenance": {"sourceUris": [SOURCE], "maximumAge": "24h"}}
    assert (await setting.validate(rules, resources=resources)).decision is Decision.ALLOW
    clock.advance(timedelta(days=1).total_seconds())
    result = await setting.validate(rules, resources=resources)
    assert result.decision is Decision.DENY
    assert reasons(result) == {Reason.EVIDENCE_STALE}
