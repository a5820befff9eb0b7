"""The verifier of attestations: forms, rules and what a report says."""

import hashlib
import json
from typing import Any

import msgspec
import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.manifest import OCI_INDEX, parse_manifest
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.scope import ScopeMap
from pyratify.sigstore.media_types import BUNDLE, IN_TOTO
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.testing.attestations import (
    BROKEN_STATEMENTS,
    COMMIT,
    DSSE,
    REF,
    SLSA_V02,
    WORKFLOW,
    WORKFLOW_BUILD,
    attach_attestation,
    attach_under_tag,
    bundle,
    envelope,
    in_toto,
    provenance_v02,
)
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.cosign import attach_bundle, sign_message
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import make_manifest
from pyratify.testing.sigstore import PrivateSigstore
from pyratify.verifiers.attestation.attestation_options import RuleOptions
from pyratify.verifiers.attestation.attestation_plugin import plugin
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.load_requirements import load_requirement
from support.attestation_setting import (
    ANY_SLSA,
    FROM_SOURCE,
    KEYS,
    ONE,
    AttestationSetting,
    KeyResources,
    build,
)
from support.cosign_setting import KEY, OTHER, reasons

ANY_TAG = {"predicateTypes": ["https://slsa.dev/provenance/v1"]}


def data_of(result: ValidationResult) -> dict[str, Any]:
    """Return the facts of the first artifact that passed."""
    assert result.decision is Decision.ALLOW, reasons(result)
    details = next(found.details for each in result.artifacts for found in each.results if found.passed)
    assert details is not None
    return dict(details.data)


async def test_provenance_in_a_bundle_says_who_built_what_from_where() -> None:
    """The facts stand flat in the report, so that policies can ask for them."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    data = data_of(await setting.validate())
    assert data["predicateType"] == "https://slsa.dev/provenance/v1"
    assert data["builder"] == WORKFLOW
    assert (data["source"], data["sourceRef"], data["sourceDigest"]) == (SOURCE, REF, COMMIT)
    assert data["builtAt"] == "2026-05-31T12:00:00Z"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"sourceUris": [SOURCE]}, None),
        ({"sourceUris": ["github.com/org/app"]}, None),
        ({"sourceUris": ["https://github.com/org/*"]}, None),
        ({"sourceUris": ["https://github.com/org/other"]}, Reason.PROVENANCE_MISMATCH),
        ({"sourceUris": ["https://github.com/*"]}, Reason.PROVENANCE_MISMATCH),
        ({"sourceRefs": ["refs/tags/v*"]}, None),
        ({"sourceRefs": ["refs/heads/*"]}, Reason.PROVENANCE_MISMATCH),
        ({"builderIds": [WORKFLOW]}, None),
        ({"builderIds": [f"{WORKFLOW}.evil"]}, Reason.PROVENANCE_MISMATCH),
        ({"builderIds": [WORKFLOW], "sourceUris": ["https://github.com/a/b"]}, Reason.PROVENANCE_MISMATCH),
        ({"buildTypes": ["https://actions.github.io/buildtypes/workflow/v1"]}, None),
        ({"buildTypes": ["https://example.com/other"]}, Reason.PROVENANCE_MISMATCH),
        ({"parameters": {"workflow": {"ref": REF}}}, None),
        ({"parameters": {"workflow": {"ref": "refs/heads/main"}}}, Reason.PROVENANCE_MISMATCH),
        ({"parameters": {"inputs": {}}}, Reason.PROVENANCE_MISMATCH),
        ({"maximumAge": "13h"}, None),
        ({"maximumAge": "11h"}, Reason.EVIDENCE_STALE),
    ],
)
async def test_every_rule_for_provenance_must_hold(rules: dict[str, Any], reason: Reason | None) -> None:
    """A rule that does not hold refuses with its own code."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    result = await setting.validate({"provenance": rules})
    assert reasons(result) == ({reason} if reason else set())
    assert (result.decision is Decision.ALLOW) is (reason is None)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"builderIds": ["https://b.example"]}, f"the builder is '{WORKFLOW}', not https://b.example"),
        ({"sourceUris": ["https://h/o/r"]}, f"the source is '{SOURCE}', not https://h/o/r"),
        ({"sourceRefs": ["refs/heads/a"]}, f"the source reference is '{REF}', not refs/heads/a"),
        (
            {"buildTypes": ["https://t.example"]},
            f"the build type is '{WORKFLOW_BUILD}', not https://t.example",
        ),
        ({"parameters": {"a": 1}}, "the provenance names no parameter, and it must be a=1"),
    ],
)
async def test_what_differs_is_named_with_both_values(rules: dict[str, Any], said: str) -> None:
    """What the provenance says, and what the policy asks for."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    failure = (await setting.validate({"provenance": rules})).artifacts[0].results[0].failure
    assert failure is not None
    assert failure.message.startswith(said)


@pytest.mark.parametrize(
    ("rules", "said", "remedy"),
    [
        ({"sourceUris": [SOURCE]}, {"source": ""}, "What a build depends on is not taken for its source."),
        (
            {"builderIds": ["https://b.example/w"]},
            {"builder": "https://b.example/w@refs/tags/v1"},
            "@refs/tags/*",
        ),
        ({"builderIds": ["https://b.example/w"]}, {}, "name it in the policy"),
        ({"sourceUris": ["https://h/Org/app"]}, {"source": "https://h/org/App"}, "differ in case alone"),
    ],
)
async def test_the_remedy_is_that_of_what_differs(
    rules: dict[str, Any], said: dict[str, str], remedy: str
) -> None:
    """What is not stated cannot be named in the policy, and a builder's version can be any."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(**said))
    failure = (await setting.validate({"provenance": rules})).artifacts[0].results[0].failure
    assert failure is not None
    assert remedy in failure.remedy


async def test_provenance_of_version_0_2_is_read_into_the_same_facts() -> None:
    """Builders that write the older version satisfy the same rules."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, SLSA_V02, provenance_v02()))
    rules = {"sourceUris": [SOURCE], "sourceRefs": [REF], "parameters": {"debug": False}}
    data = data_of(await setting.validate({"provenance": rules}))
    assert (data["builder"], data["sourceDigest"]) == ("https://example.com/builder", COMMIT)


@pytest.mark.parametrize("broken", BROKEN_STATEMENTS)
@pytest.mark.parametrize("form", ["bundle", "tag", "envelope"])
async def test_a_signed_statement_that_is_wrong_in_one_way_never_counts(broken: str, form: str) -> None:
    """Neither with a rule nor without one, in no form; each refusal has a code."""
    setting = AttestationSetting()
    statement = BROKEN_STATEMENTS[broken](setting.provenance())
    made = bundle(KEY, json.dumps(statement).encode()), envelope(KEY, json.dumps(statement).encode())
    if form == "tag":
        attach_under_tag(setting.store, setting.image, made[1])
    else:
        attach_attestation(setting.store, setting.image, made[form == "envelope"])
    result = await setting.validate()
    assert result.decision is Decision.DENY
    assert reasons(result)
    assert reasons(result).isdisjoint({Reason.INTERNAL, Reason.VERIFIER_ERROR})


async def test_a_look_alike_of_a_predicate_type_is_another_type() -> None:
    """Types are compared exactly."""
    setting = AttestationSetting()
    setting.attach(BROKEN_STATEMENTS["look-alike predicate type"](setting.provenance()))
    assert reasons(await setting.validate()) == {Reason.PREDICATE_TYPE}
    assert reasons(await setting.validate(ANY_SLSA)) == {Reason.PREDICATE_TYPE}


async def test_signed_but_unread_counts_only_where_it_is_written() -> None:
    """`anyContent` asks for the type and the signature alone."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(source="https://github.com/evil/evil"))
    assert (await setting.validate(ANY_SLSA)).decision is Decision.ALLOW
    with pytest.raises(ConfigurationError) as caught:
        await build({"predicateTypes": ["https://slsa.dev/provenance/v1"]})
    assert "anyContent" in caught.value.remedy


async def test_a_statement_of_another_key_does_not_count() -> None:
    """A signature is verified before the statement is read."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(), OTHER)
    assert reasons(await setting.validate()) == {Reason.SIG_INVALID}


async def test_every_layer_of_a_cosign_tag_is_judged_and_reported() -> None:
    """The second of two statements is right: allowed, and both are in the report."""
    setting = AttestationSetting()
    wrong, right = setting.provenance(source="https://github.com/evil/evil"), setting.provenance()
    attach_under_tag(setting.store, setting.image, envelope(KEY, wrong), envelope(KEY, right))
    data = data_of(await setting.validate())
    assert [each["succeeded"] for each in data["statements"]] == [False, True]
    assert data["statements"][0]["error"].startswith("PROVENANCE_MISMATCH")
    assert data["source"] == SOURCE


async def test_of_a_tag_without_a_good_statement_every_refusal_is_named() -> None:
    """First what says most: a trusted signer's statement before one of an unknown signer."""
    setting = AttestationSetting()
    wrong = setting.provenance(source="https://github.com/evil/evil")
    attach_under_tag(setting.store, setting.image, envelope(OTHER, wrong), envelope(KEY, wrong))
    result = await setting.validate()
    assert reasons(result) == {Reason.PROVENANCE_MISMATCH}
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert "SIG_INVALID" in failure.message


async def test_a_digest_by_sha_512_binds_too() -> None:
    """The subject's bytes are read where the statement names it by another algorithm."""
    setting = AttestationSetting()
    data = setting.store.manifests[setting.image.digest]
    digests = {"sha512": hashlib.sha512(data).hexdigest()}
    setting.attach(setting.provenance() | {"subject": [{"digest": digests}]})
    assert (await setting.validate()).decision is Decision.ALLOW


async def test_a_plain_signature_of_the_image_is_no_statement() -> None:
    """A bundle over the image's bytes says nothing about its build."""
    setting = AttestationSetting()
    attach_bundle(
        setting.store, setting.image, sign_message(KEY, setting.store.manifests[setting.image.digest])
    )
    assert reasons(await setting.validate()) == {Reason.PAYLOAD_TYPE}


async def test_an_unsigned_statement_is_no_evidence() -> None:
    """A statement without an envelope is refused as unsigned."""
    setting = AttestationSetting()
    attach_under_tag(setting.store, setting.image, setting.provenance())
    assert reasons(await setting.validate()) == {Reason.EVIDENCE_UNSIGNED}


async def test_an_attestation_has_its_own_limit_of_size() -> None:
    """A bundle of more than 16 MiB is not read, one of 5 MiB is."""
    setting = AttestationSetting()
    padded = setting.provenance() | {"padding": "x" * (5 << 20)}
    setting.attach(padded)
    assert (await setting.validate()).decision is Decision.ALLOW
    other = AttestationSetting()
    other.attach(other.provenance() | {"padding": "x" * (13 << 20)})
    before = list(other.store.calls)
    assert reasons(await other.validate()) == {Reason.SIZE_EXCEEDED}
    assert "fetch_blob" not in {name for name, _ in other.store.calls[len(before) :]}


async def test_more_statements_than_are_looked_at_are_refused_before_any_is_read() -> None:
    """The limit on signatures of one artifact holds for statements too."""
    setting = AttestationSetting()
    attach_under_tag(setting.store, setting.image, *[envelope(KEY, setting.provenance())] * 3)
    result = await setting.validate(limits=Limits(signatures=2))
    assert reasons(result) == {Reason.SIGNATURE_LIMIT}


async def test_as_many_statements_as_are_allowed_are_read() -> None:
    """The limit itself is no excess."""
    setting = AttestationSetting()
    attach_under_tag(setting.store, setting.image, *[envelope(KEY, setting.provenance())] * 2)
    assert (await setting.validate(limits=Limits(signatures=2))).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("v1.2.3", None),
        ("1.2.3", None),
        ("v1.2.2", Reason.TAG_REF_MISMATCH),
        ("v1.2.3-rc1", Reason.TAG_REF_MISMATCH),
        ("latest", None),
        ("nightly", Reason.TAG_REF_MISMATCH),
        (None, Reason.TAG_REF_MISMATCH),
    ],
)
async def test_a_tag_stands_for_the_reference_that_was_signed(tag: str | None, reason: Reason | None) -> None:
    """Another release under this tag is refused; floating tags and bare digests have an explicit answer."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    rule = {"tag": r"v?(?P<v>\d+\.\d+\.\d+)", "ref": "refs/tags/v{v}", "floating": ["latest"]}
    result = await setting.validate(FROM_SOURCE | {"tagMatchesRef": rule}, tag=tag)
    assert reasons(result) == ({reason} if reason else set())
    if reason is None:
        # A floating tag stands for no reference, so policies see none.
        assert data_of(result).get("tagMatchesRef") == (None if tag == "latest" else REF)
    if tag is None:
        allowed = FROM_SOURCE | {"tagMatchesRef": rule | {"digestOnly": "allow"}}
        assert (await setting.validate(allowed)).decision is Decision.ALLOW


TAG = {"tag": "(?P<v>.*)", "ref": "refs/tags/{v}"}


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"provenance": {}}, "provenance"),
        ({"provenance": {"sourceUris": ["*"]}}, "provenance.sourceUris[0]"),
        ({"provenance": {"sourceUris": [""]}}, "provenance.sourceUris[0]"),
        ({"provenance": {"sourceUris": [f"{SOURCE}@{REF}"]}}, "provenance.sourceUris[0]"),
        ({"provenance": {"sourceRefs": ["refs/tags/[!a]*"]}}, "provenance.sourceRefs[0]"),
        ({"provenance": {"maximumAge": "soon"}}, "provenance.maximumAge"),
        ({"provenance": {"maximumAge": "0h"}}, "provenance.maximumAge"),
        (FROM_SOURCE | {"anyContent": True}, ""),
        (FROM_SOURCE | {"predicateTypes": ["https://spdx.dev/Document"]}, "predicateTypes"),
        ({"anyContent": True}, "predicateTypes"),
        ({"anyContent": True, "predicateTypes": [" https://slsa.dev/provenance/v1"]}, "predicateTypes"),
        (ANY_TAG | {"tagMatchesRef": TAG | {"floating": ["latest", "v1.*"]}}, "tagMatchesRef.floating[1]"),
        (ANY_TAG | {"tagMatchesRef": TAG | {"floating": [""]}}, "tagMatchesRef.floating[0]"),
        ({}, ""),
        (FROM_SOURCE | {"trustPolicies": []}, "trustPolicies"),
        (FROM_SOURCE | {"trustPolicies": [{}]}, "trustPolicies[0]"),
        (ANY_TAG | {"tagMatchesRef": {"tag": "(", "ref": "x"}}, "tagMatchesRef.tag"),
        (ANY_TAG | {"tagMatchesRef": {"tag": "(?P<v>.*)", "ref": "refs/tags/{w}"}}, "tagMatchesRef.ref"),
        (ANY_TAG | {"tagMatchesRef": {"tag": "(?P<v>.*)", "ref": "refs/tags/v1"}}, "tagMatchesRef.ref"),
    ],
)
async def test_a_configuration_that_would_check_nothing_is_refused(
    parameters: dict[str, Any], path: str
) -> None:
    """With the path of what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        await build(parameters)
    assert caught.value.path == path


async def test_a_manifest_holds_one_bundle_or_envelopes() -> None:
    """Several bundles, none, or something else than a statement is refused and not passed over."""
    for layers, reason in (
        ((BUNDLE, BUNDLE), Reason.ENVELOPE_MALFORMED),
        ((), Reason.ENVELOPE_MALFORMED),
        ((DSSE, "text/plain"), Reason.MEDIATYPE_MISMATCH),
    ):
        setting = AttestationSetting()
        found = [setting.store.add_blob(b"{}", kind) for kind in layers]
        manifest = setting.store.add_manifest(
            make_manifest(artifact_type=DSSE, layers=found, subject=setting.image)
        )
        setting.store.list_under(setting.image.digest, manifest)
        result = await setting.validate()
        failure = result.artifacts[0].results[0].failure
        assert failure is not None
        assert failure.reason is reason or f"{reason}:" in failure.message


@pytest.mark.parametrize("kind", [DSSE, IN_TOTO, "application/vnd.in-toto.provenance+dsse"])
@pytest.mark.parametrize("source", [SOURCE, "https://github.com/org/other"])
async def test_an_envelope_has_one_of_several_media_types(kind: str, source: str) -> None:
    """That of DSSE, of statements, or of in-toto for attestations by their predicate, which is a hint and judged by nothing."""
    setting = AttestationSetting()
    made = json.dumps(envelope(KEY, setting.provenance(source=source))).encode()
    setting.store.attach(setting.image, kind, (kind, made))
    result = await setting.validate()
    assert reasons(result) == (set() if source == SOURCE else {Reason.PROVENANCE_MISMATCH})


async def test_of_two_good_bundles_in_one_manifest_none_counts() -> None:
    """Which of them counts would depend on the reader (cosign BUNDLE_SPEC, "Publishing")."""
    setting = AttestationSetting()
    made = json.dumps(bundle(KEY, setting.provenance())).encode()
    setting.store.attach(setting.image, BUNDLE, (BUNDLE, made), (BUNDLE, made))
    assert reasons(await setting.validate()) == {Reason.ENVELOPE_MALFORMED}


@pytest.mark.parametrize(
    ("kind", "layers", "accepted"),
    [
        (BUNDLE, (), True),
        (DSSE, (), True),
        ("application/example", (BUNDLE,), True),
        ("application/example", ("text/plain", DSSE), True),
        ("application/vnd.in-toto.provenance+dsse", (), True),
        ("application/example", ("application/vnd.in-toto.vsa+dsse",), True),
        ("application/vnd.in-toto.provenance+json", (), False),
        ("application/example", (), False),
        ("application/spdx+json", ("application/spdx+json",), False),
    ],
)
async def test_what_declares_no_statement_is_left_to_other_verifiers(
    kind: str, layers: tuple[str, ...], *, accepted: bool
) -> None:
    """By the type of the artifact or of a layer."""
    setting = AttestationSetting()
    found = [setting.store.add_blob(b"{}", each) for each in layers]
    written = make_manifest(artifact_type=kind, layers=found, subject=setting.image)
    manifest = parse_manifest(written, setting.store.add_manifest(written))
    assert (await build(FROM_SOURCE)).accepts(manifest) is accepted


async def test_an_index_is_no_statement_whatever_it_is_called() -> None:
    """It has no layers, so nothing of it could be read."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "artifactType": BUNDLE, "manifests": []}
    written = json.dumps(index).encode()
    manifest = parse_manifest(written, Descriptor(OCI_INDEX, Digest.of(written), len(written)))
    assert not (await build(FROM_SOURCE)).accepts(manifest)


async def test_the_report_says_in_which_form_a_statement_came() -> None:
    """Policies may ask for bundles; each statement is named by the digest of its layer."""
    for form in ("sigstore-bundle", "dsse"):
        setting = AttestationSetting()
        made = (envelope if form == "dsse" else bundle)(KEY, setting.provenance())
        attach_attestation(setting.store, setting.image, made)
        data = data_of(await setting.validate())
        assert data["format"] == form
        layer = Digest.of(json.dumps(made).encode())
        assert [each["digest"] for each in data["statements"]] == [str(layer)]


async def test_a_verifier_reads_no_unsigned_statement_unless_it_is_told_to() -> None:
    """In code as in a file."""
    rules = await load_requirement(msgspec.convert(FROM_SOURCE, RuleOptions), "", KeyResources())
    made = AttestationVerifier("attestation", [TrustPolicy(keys=(KEY.material,))], [rules])
    assert not made.accepts_unsigned


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_verifiers_do_not_share_what_they_make_of_statements(order: tuple[int, int]) -> None:
    """Each judges what is attached by its own rules; what satisfies one of them is nothing to the other."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    verifiers = []
    for name, source in (("lax", SOURCE), ("strict", "https://github.com/org/other")):
        rules = {"provenance": {"sourceUris": [source]}}
        options = msgspec.convert(
            rules | {"trustPolicies": [{"keys": KEYS}], "require": "all"}, plugin.options
        )
        verifiers.append(await plugin.build(name, options, KeyResources()))
    executor = Executor(store=setting.store, verifiers=[verifiers[each] for each in order], policy=NoPolicy())
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    passed = {found.verifier: found.passed for each in result.artifacts for found in each.results}
    assert passed == {"lax": True, "strict": False}


async def test_an_annotation_that_the_trust_policy_requires_is_signed() -> None:
    """In the mention of the image, as for signatures."""
    setting = AttestationSetting()
    statement = setting.provenance()
    subject = statement["subject"][0]
    for annotations, reason in (({"env": "prod"}, set()), ({"env": "dev"}, {Reason.METADATA_MISMATCH})):
        setting = AttestationSetting()
        setting.attach(statement | {"subject": [subject | {"annotations": annotations}]})
        trusted = {"trustPolicies": [{"keys": KEYS, "annotations": {"env": "prod"}}]}
        assert reasons(await setting.validate(FROM_SOURCE | trusted)) == reason


async def test_checks_that_are_turned_off_are_in_the_report() -> None:
    """A verdict under reduced checks is recognisable as one."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    trusted = {"trustPolicies": [{"keys": KEYS, "ignoreTLog": True}]}
    assert data_of(await setting.validate(FROM_SOURCE | trusted))["ignored"] == ["tlog"]


async def test_a_repository_without_a_trust_policy_is_refused() -> None:
    """A missing scope does not turn verification off."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    trusted = {"trustPolicies": [{"keys": KEYS, "scopes": ["example.com/other"]}]}
    assert reasons(await setting.validate(FROM_SOURCE | trusted)) == {Reason.POLICY_NOT_FOUND}


async def test_a_key_does_not_trust_a_certificate() -> None:
    """Under a tag as in a bundle."""
    sigstore = PrivateSigstore()
    setting = AttestationSetting()
    made = sigstore.sign_statement(setting.provenance())
    attach_attestation(setting.store, setting.image, made)
    assert reasons(await setting.validate()) == {Reason.SIG_INVALID}


async def test_a_reference_that_is_nowhere_stated_matches_no_tag() -> None:
    """Neither in the statement nor in a certificate."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(ref=""))
    rule = {"tag": r"v(?P<v>.+)", "ref": "refs/tags/v{v}"}
    result = await setting.validate(FROM_SOURCE | {"tagMatchesRef": rule}, tag="v1.2.3")
    assert reasons(result) == {Reason.TAG_REF_MISMATCH}


@pytest.mark.parametrize(("tag", "good"), [("v1.2.3", True), ("v1.2.3-rc", False)])
async def test_a_group_without_a_part_in_the_tag_stands_for_nothing(tag: str, *, good: bool) -> None:
    """Provenance of version 0.2 states its reference, too."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, SLSA_V02, provenance_v02()))
    rule = {"tag": r"v(?P<v>[\d.]+)(?P<more>-rc)?", "ref": "refs/tags/v{v}{more}"}
    result = await setting.validate(FROM_SOURCE | {"tagMatchesRef": rule}, tag=tag)
    assert (result.decision is Decision.ALLOW) is good


async def test_verdicts_are_remembered_for_each_tag_where_a_rule_compares_it() -> None:
    """The same image under another tag is judged anew; without the rule, it is not."""
    rule = {"tag": r"(?P<v>v.+)", "ref": "refs/tags/{v}"}
    for parameters, expected in ((FROM_SOURCE, 1), (FROM_SOURCE | {"tagMatchesRef": rule}, 2)):
        setting = AttestationSetting()
        setting.attach(setting.provenance())
        executor = Executor(store=setting.store, verifiers=(await build(parameters),), policy=ONE)
        engine = Engine(ScopeMap([("*", executor)]), generation="g")
        verdicts = Verdicts(FakeClock())
        found = []
        for tag in ("v1.2.3", "v1.2.2", "v1.2.3"):
            setting.store.tags[tag] = setting.image.digest
            reference = Reference.parse(f"example.com/app:{tag}")
            found.append((await verdicts.validate(engine, reference)).succeeded)
        assert found == ([True, False, True] if expected == 2 else [True] * 3)
        assert verdicts.misses == expected
        await verdicts.aclose()


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"sourceUris": [SOURCE]}, None),
        ({"builderIds": ["https://example.com/builder"]}, Reason.PROVENANCE_MISMATCH),
        ({"builderIds": ["https://example.com/**"]}, Reason.PROVENANCE_MISMATCH),
    ],
)
async def test_a_builder_without_a_name_satisfies_no_rule_about_builders(
    rules: dict[str, Any], reason: Reason | None
) -> None:
    """BuildKit writes an empty identifier; what else its provenance says is read."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(builder=""))
    assert reasons(await setting.validate({"provenance": rules})) == ({reason} if reason else set())


async def test_a_file_that_was_attached_without_its_type_is_named_with_what_to_do() -> None:
    """`oras attach` gives such a layer the type of a tar archive."""
    setting = AttestationSetting()
    layer = setting.store.add_blob(b"{}", "application/vnd.oci.image.layer.v1.tar")
    manifest = setting.store.add_manifest(
        make_manifest(artifact_type=DSSE, layers=[layer], subject=setting.image)
    )
    setting.store.list_under(setting.image.digest, manifest)
    failure = (await setting.validate()).artifacts[0].results[0].failure
    assert failure is not None
    assert f"FILE:{DSSE}" in failure.remedy
