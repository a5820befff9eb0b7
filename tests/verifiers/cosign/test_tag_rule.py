"""`tagMatchesRef` for signatures by identities: another release under this tag is refused."""

import msgspec
import pytest
from cryptography import x509

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.evidence.tag_rule import TagOptions
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.testing.cosign import (
    REPOSITORY,
    attach_bundle,
    attach_classic,
    simple_signing,
    statement,
)
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, PrivateSigstore, Signing, extension, utf8
from pyratify.verifiers.cosign.cosign_plugin import plugin
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.tag_rule import load_tag_judge
from support.attestation_setting import KEYS, KeyResources
from support.cosign_setting import ONE, Setting, reasons

SIGSTORE = PrivateSigstore()
WORKFLOW = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1.2.3"
RULE = {"tag": r"v?(?P<v>\d+\.\d+\.\d+)", "ref": "refs/tags/v{v}", "floating": ["latest"]}


@pytest.mark.parametrize("form", ["bundle", "classic"])
@pytest.mark.parametrize(
    ("tag", "stated", "good"),
    [
        ("v1.2.3", "refs/tags/v1.2.3", True),
        ("1.2.3", "refs/tags/v1.2.3", True),
        ("latest", "refs/tags/v1.2.3", True),
        ("v1.2.4", "refs/tags/v1.2.3", False),
        ("v1.2.3", "refs/heads/main", False),
        ("v1.2.3", "", False),
        ("nightly", "refs/tags/v1.2.3", False),
        ("", "refs/tags/v1.2.3", False),
    ],
)
async def test_the_certificate_names_the_release_that_the_tag_stands_for(
    form: str, tag: str, stated: str, good: bool
) -> None:
    """In bundles and in classic signatures; a bare digest stands for none."""
    setting = Setting()
    extensions = {extension(14): utf8(stated)} if stated else {}
    signing = Signing(names=(x509.UniformResourceIdentifier(WORKFLOW),), extensions=extensions)
    if form == "bundle":
        made = SIGSTORE.sign_statement(statement(setting.image.digest), signing)
        attach_bundle(setting.store, setting.image, made)
    else:
        attach_classic(
            setting.store, setting.image, SIGSTORE.sign_classic(simple_signing(setting.image.digest), signing)
        )
    rule = await load_tag_judge(msgspec.convert(RULE, TagOptions), "tagMatchesRef", KeyResources())
    policy = CosignTrustPolicy(
        identities=(CertificateIdentity(subject=WORKFLOW, issuer=ISSUER),),
        trusted_root=SIGSTORE.root,
        tag_rule=rule,
    )
    verifier = CosignVerifier("cosign", [policy], FakeClock())
    assert verifier.reads_tag
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    name = f"{REPOSITORY}:{tag}" if tag else REPOSITORY
    result = await executor.validate(Reference.parse(f"{name}@{setting.image.digest}"))
    assert reasons(result) == (set() if good else {Reason.TAG_REF_MISMATCH})


async def test_a_key_says_nothing_about_a_source() -> None:
    """The rule needs an identity, and the configuration says so."""
    options = msgspec.convert({"trustPolicies": [{"keys": KEYS, "tagMatchesRef": RULE}]}, plugin.options)
    with pytest.raises(ConfigurationError) as caught:
        await plugin.build("cosign", options, KeyResources())
    assert caught.value.path == "trustPolicies[0].tagMatchesRef"
